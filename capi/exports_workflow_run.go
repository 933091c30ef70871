package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cjson"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

// execution is the fencing token of a run's execution.
func execution(run C.int64_t, attempt C.int32_t) model.RunToken {
	return model.RunToken{RunID: int64(run), Attempt: int32(attempt)}
}

//export goRunTrigger
func goRunTrigger(h C.pgqrs_handle, workflow, input *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name, document := text(workflow), []byte(text(input))
	return onStore(h, s, "trigger", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Run)(on.TriggerJSON(ctx, name, document))
	})
}

//export goRunStart
func goRunStart(h C.pgqrs_handle, id, message C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "start_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		_, v, err := on.StartRun(ctx, int64(id), int64(message))
		return encoded(cjson.Run)(v, err)
	})
}

//export goRunComplete
func goRunComplete(h C.pgqrs_handle, id C.int64_t, attempt C.int32_t, output *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, document := execution(id, attempt), []byte(text(output))
	return onStore(h, s, "complete_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Run)(on.Execution(token).Complete(ctx, document))
	})
}

//export goRunFail
func goRunFail(h C.pgqrs_handle, id C.int64_t, attempt C.int32_t, reason *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, why := execution(id, attempt), text(reason)
	return onStore(h, s, "fail_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Run)(on.Execution(token).Fail(ctx, why))
	})
}

//export goRunPause
func goRunPause(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return runByID(h, id, s, "pause_run", (*core.Store).PauseRun, encoded(cjson.Run))
}

//export goRunResume
func goRunResume(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return runByID(h, id, s, "resume_run", (*core.Store).ResumeRun, encoded(cjson.Run))
}

//export goRunCancel
func goRunCancel(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return runByID(h, id, s, "cancel_run", (*core.Store).CancelRun, encoded(cjson.Run))
}

//export goRunGet
func goRunGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byID(h, id, s, "get_run", (*core.Admin).GetRun, encoded(cjson.Run))
}

//export goRunList
func goRunList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_runs", byQueue|byStatus|paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Runs)(on.ListRuns(ctx, core.RunFilter{Workflow: on.Queue, Status: on.status}, on.page))
	})
}

//export goRunCount
func goRunCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_runs", byQueue|byStatus, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountRuns(ctx, core.RunFilter{Workflow: on.Queue, Status: on.status}))
	})
}
