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
		return encoded(cjson.Workflow)(on.CreateWorkflow(ctx, name, maxReadCt))
	})
}

//export goWorkflowGet
func goWorkflowGet(h C.pgqrs_handle, workflow *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byName(h, workflow, s, "get_workflow", (*core.Admin).GetWorkflow, encoded(cjson.Workflow))
}

//export goWorkflowById
func goWorkflowById(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byID(h, id, s, "get_workflow", (*core.Admin).GetWorkflowByID, encoded(cjson.Workflow))
}

//export goWorkflowList
func goWorkflowList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_workflows", paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Workflows)(on.ListWorkflows(ctx, on.page))
	})
}

//export goWorkflowCount
func goWorkflowCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_workflows", 0, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountWorkflows(ctx))
	})
}
