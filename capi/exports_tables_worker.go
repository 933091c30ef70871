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
	return byID(h, id, s, "get_worker", (*core.Admin).GetWorker, encoded(cjson.Worker))
}

//export goWorkerList
func goWorkerList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_workers", byQueue|paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Workers)(on.ListWorkers(ctx, on.Queue, on.page))
	})
}

//export goWorkerCount
func goWorkerCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_workers", byQueue, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountWorkers(ctx, on.Queue))
	})
}

//export goWorkerDelete
func goWorkerDelete(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return removeByID(h, id, s, "delete_worker", (*core.Admin).DeleteWorker)
}

//export goWorkerRelease
func goWorkerRelease(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byID(h, id, s, "release_worker", (*core.Admin).ReleaseWorker, encoded(cjson.Count))
}

//export goWorkerPurge
func goWorkerPurge(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "purge_workers", aged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.PurgeWorkers(ctx, on.age))
	})
}

//export goWorkerStats
func goWorkerStats(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "worker_stats", byQueue, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.WorkerStats)(on.WorkerStats(ctx, on.Queue))
	})
}

//export goWorkerHealth
func goWorkerHealth(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "worker_health", byQueue|aged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.WorkerHealth)(on.WorkerHealth(ctx, on.Queue, on.age))
	})
}
