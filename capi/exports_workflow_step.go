package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cjson"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

//export goStepAcquire
func goStepAcquire(
	h C.pgqrs_handle, run C.int64_t, attempt C.int32_t, step *C.in_str, maxAttempts C.int32_t, s *C.in_submit,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, name, most := execution(run, attempt), text(step), int32(maxAttempts)
	return onStore(h, s, "acquire_step", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, execute, err := on.Execution(token).Acquire(ctx, name, most)
		return encoded(cjson.Acquired(execute))(v, err)
	})
}

//export goStepComplete
func goStepComplete(
	h C.pgqrs_handle, run C.int64_t, attempt C.int32_t, step, output *C.in_str, s *C.in_submit,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, name, document := execution(run, attempt), text(step), []byte(text(output))
	return onStore(h, s, "complete_step", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Step)(on.Execution(token).CompleteStep(ctx, name, document))
	})
}

//export goStepFail
func goStepFail(
	h C.pgqrs_handle, run C.int64_t, attempt C.int32_t, step, reason *C.in_str, retryMS C.int64_t, s *C.in_submit,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, name, why := execution(run, attempt), text(step), text(reason)
	delay, err := millis("retry_ms", retryMS, -1)
	return onStore(h, s, "fail_step", err, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Step)(failStep(ctx, on.Execution(token), name, why, delay))
	})
}

//export goStepGet
func goStepGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byID(h, id, s, "get_step", (*core.Admin).GetStep, encoded(cjson.Step))
}

//export goStepList
func goStepList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_steps", byRun|paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Steps)(on.ListSteps(ctx, on.run, on.page))
	})
}

//export goStepCount
func goStepCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_steps", byRun, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountSteps(ctx, on.run))
	})
}

// failStep records a failure, which a negative delay makes final.
func failStep(ctx context.Context, run *core.Run, step, why string, delay time.Duration) (model.WorkflowStep, error) {
	if delay < 0 {
		return run.FailStep(ctx, step, why)
	}
	return run.RetryStep(ctx, step, why, delay)
}
