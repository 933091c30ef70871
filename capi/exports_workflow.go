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
)

//export goWorkflowCreate
func goWorkflowCreate(h C.pgqrs_handle, workflow *C.in_str, o *C.in_queue_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name, maxReadCt := text(workflow), int32(o.max_read_ct)
	return onAdmin(h, s, "create_workflow", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.CreateWorkflow(ctx, name, maxReadCt)
		return answered(cjson.Workflow, v, err)
	})
}

//export goWorkflowGet
func goWorkflowGet(h C.pgqrs_handle, workflow *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(workflow)
	return onAdmin(h, s, "get_workflow", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetWorkflow(ctx, name)
		return answered(cjson.Workflow, v, err)
	})
}

//export goWorkflowById
func goWorkflowById(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_workflow", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetWorkflowByID(ctx, int64(id))
		return answered(cjson.Workflow, v, err)
	})
}

//export goWorkflowList
func goWorkflowList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, paged)
	return onAdmin(h, s, "list_workflows", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.ListWorkflows(ctx, a.page)
		return answered(cjson.Workflows, v, err)
	})
}

//export goWorkflowCount
func goWorkflowCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	_, err := decodeTable(o, 0)
	return onAdmin(h, s, "count_workflows", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountWorkflows(ctx)
		return answered(cjson.Count, n, err)
	})
}
