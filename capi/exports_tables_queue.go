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
		v, err := on.CreateQueue(ctx, name, maxReadCt)
		return answered(cjson.Queue, v, err)
	})
}

//export goQueueGet
func goQueueGet(h C.pgqrs_handle, queue *C.in_str, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	return onAdmin(h, s, "get_queue", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetQueue(ctx, name)
		return answered(cjson.Queue, v, err)
	})
}

//export goQueueById
func goQueueById(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_queue", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetQueueByID(ctx, int64(id))
		return answered(cjson.Queue, v, err)
	})
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
	name := text(queue)
	return onAdmin(h, s, "purge_queue", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.PurgeQueue(ctx, name)
		return answered(cjson.Count, n, err)
	})
}

//export goQueueMetrics
func goQueueMetrics(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue)
	return onAdmin(h, s, "metrics", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.Metrics(ctx, a.Queue)
		return answered(cjson.Metrics, v, err)
	})
}

//export goQueueList
func goQueueList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, paged)
	return onAdmin(h, s, "list_queues", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.ListQueues(ctx, a.page)
		return answered(cjson.Queues, v, err)
	})
}

//export goQueueCount
func goQueueCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	_, err := decodeTable(o, 0)
	return onAdmin(h, s, "count_queues", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountQueues(ctx)
		return answered(cjson.Count, n, err)
	})
}
