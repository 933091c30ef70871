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

//export goQueueCreate
func goQueueCreate(h C.pgqrs_handle, queue *C.in_str, o *C.in_queue_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name, maxReadCt := text(queue), int32(o.max_read_ct)
	return onAdmin(h, s, "create_queue", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return encoded(cjson.Queue)(on.CreateQueue(ctx, name, maxReadCt))
	})
}

//export goQueueGet
func goQueueGet(h C.pgqrs_handle, queue *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byName(h, queue, s, "get_queue", (*core.Admin).GetQueue, encoded(cjson.Queue))
}

//export goQueueById
func goQueueById(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byID(h, id, s, "get_queue", (*core.Admin).GetQueueByID, encoded(cjson.Queue))
}

//export goQueueDelete
func goQueueDelete(h C.pgqrs_handle, queue *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	return onAdmin(h, s, "delete_queue", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return removed(on.DeleteQueue(ctx, name))
	})
}

//export goQueuePurge
func goQueuePurge(h C.pgqrs_handle, queue *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byName(h, queue, s, "purge_queue", (*core.Admin).PurgeQueue, encoded(cjson.Count))
}

//export goQueueMetrics
func goQueueMetrics(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "metrics", byQueue, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Metrics)(on.Metrics(ctx, on.Queue))
	})
}

//export goQueueList
func goQueueList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_queues", paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Queues)(on.ListQueues(ctx, on.page))
	})
}

//export goQueueCount
func goQueueCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_queues", 0, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountQueues(ctx))
	})
}
