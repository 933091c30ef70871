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
		return answered(cjson.Acquired(execute), v, err)
	})
}

//export goStepComplete
func goStepComplete(
	h C.pgqrs_handle, run C.int64_t, attempt C.int32_t, step, output *C.in_str, s *C.in_submit,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, name, document := execution(run, attempt), text(step), []byte(text(output))
	return onStore(h, s, "complete_step", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, err := on.Execution(token).CompleteStep(ctx, name, document)
		return answered(cjson.Step, v, err)
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
		v, err := failStep(ctx, on.Execution(token), name, why, delay)
		return answered(cjson.Step, v, err)
	})
}

//export goStepGet
func goStepGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_step", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetStep(ctx, int64(id))
		return answered(cjson.Step, v, err)
	})
}

//export goStepList
func goStepList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byRun|paged)
	return onAdmin(h, s, "list_steps", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.ListSteps(ctx, a.run, a.page)
		return answered(cjson.Steps, v, err)
	})
}

//export goStepCount
func goStepCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byRun)
	return onAdmin(h, s, "count_steps", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountSteps(ctx, a.run)
		return answered(cjson.Count, n, err)
	})
}

// failStep records a failure, which a negative delay makes final.
func failStep(ctx context.Context, run *core.Run, step, why string, delay time.Duration) (model.WorkflowStep, error) {
	if delay < 0 {
		return run.FailStep(ctx, step, why)
	}
	return run.RetryStep(ctx, step, why, delay)
}
