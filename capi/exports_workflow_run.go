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
		v, err := on.TriggerJSON(ctx, name, document)
		return answered(cjson.Run, v, err)
	})
}

//export goRunStart
func goRunStart(h C.pgqrs_handle, id, message C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "start_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		_, v, err := on.StartRun(ctx, int64(id), int64(message))
		return answered(cjson.Run, v, err)
	})
}

//export goRunComplete
func goRunComplete(h C.pgqrs_handle, id C.int64_t, attempt C.int32_t, output *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, document := execution(id, attempt), []byte(text(output))
	return onStore(h, s, "complete_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, err := on.Execution(token).Complete(ctx, document)
		return answered(cjson.Run, v, err)
	})
}

//export goRunFail
func goRunFail(h C.pgqrs_handle, id C.int64_t, attempt C.int32_t, reason *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	token, why := execution(id, attempt), text(reason)
	return onStore(h, s, "fail_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, err := on.Execution(token).Fail(ctx, why)
		return answered(cjson.Run, v, err)
	})
}

//export goRunPause
func goRunPause(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "pause_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, err := on.PauseRun(ctx, int64(id))
		return answered(cjson.Run, v, err)
	})
}

//export goRunResume
func goRunResume(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "resume_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, err := on.ResumeRun(ctx, int64(id))
		return answered(cjson.Run, v, err)
	})
}

//export goRunCancel
func goRunCancel(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "cancel_run", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		v, err := on.CancelRun(ctx, int64(id))
		return answered(cjson.Run, v, err)
	})
}

//export goRunGet
func goRunGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_run", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetRun(ctx, int64(id))
		return answered(cjson.Run, v, err)
	})
}

//export goRunList
func goRunList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byStatus|paged)
	return onAdmin(h, s, "list_runs", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.ListRuns(ctx, core.RunFilter{Workflow: a.Queue, Status: a.status}, a.page)
		return answered(cjson.Runs, v, err)
	})
}

//export goRunCount
func goRunCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byStatus)
	return onAdmin(h, s, "count_runs", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountRuns(ctx, core.RunFilter{Workflow: a.Queue, Status: a.status})
		return answered(cjson.Count, n, err)
	})
}
