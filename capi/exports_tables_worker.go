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

//export goWorkerGet
func goWorkerGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_worker", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.GetWorker(ctx, int64(id))
		return answered(cjson.Worker, v, err)
	})
}

//export goWorkerList
func goWorkerList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|paged)
	return onAdmin(h, s, "list_workers", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.ListWorkers(ctx, a.Queue, a.page)
		return answered(cjson.Workers, v, err)
	})
}

//export goWorkerCount
func goWorkerCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue)
	return onAdmin(h, s, "count_workers", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountWorkers(ctx, a.Queue)
		return answered(cjson.Count, n, err)
	})
}

//export goWorkerDelete
func goWorkerDelete(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "delete_worker", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return removed(on.DeleteWorker(ctx, int64(id)))
	})
}

//export goWorkerRelease
func goWorkerRelease(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "release_worker", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.ReleaseWorker(ctx, int64(id))
		return answered(cjson.Count, n, err)
	})
}

//export goWorkerPurge
func goWorkerPurge(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, aged)
	return onAdmin(h, s, "purge_workers", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.PurgeWorkers(ctx, a.age)
		return answered(cjson.Count, n, err)
	})
}

//export goWorkerStats
func goWorkerStats(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue)
	return onAdmin(h, s, "worker_stats", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.WorkerStats(ctx, a.Queue)
		return answered(cjson.WorkerStats, v, err)
	})
}

//export goWorkerHealth
func goWorkerHealth(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|aged)
	return onAdmin(h, s, "worker_health", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		v, err := on.WorkerHealth(ctx, a.Queue, a.age)
		return answered(cjson.WorkerHealth, v, err)
	})
}
