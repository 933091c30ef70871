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
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
)

//export goProducerOpen
func goProducerOpen(h C.pgqrs_handle, queue *C.in_str, o *C.in_worker_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	options, err := workerOptions(o)
	return onStore(h, s, "producer", err, func(ctx context.Context, on *store) (call.Reply, error) {
		return on.openProducer(ctx, name, options)
	})
}

//export goConsumerOpen
func goConsumerOpen(h C.pgqrs_handle, queue *C.in_str, o *C.in_worker_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	options, err := workerOptions(o)
	return onStore(h, s, "consumer", err, func(ctx context.Context, on *store) (call.Reply, error) {
		return on.openConsumer(ctx, name, options)
	})
}

//export goProducerOpenWait
func goProducerOpenWait(h C.pgqrs_handle, queue *C.in_str, timeoutMS C.int64_t, out, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	r, st := wait(h, handle.Store, timeoutMS, "producer", nil, to,
		func(ctx context.Context, on *store) (call.Reply, error) {
			return on.openProducer(ctx, name, core.WorkerOptions{})
		})
	return named(out, r, st)
}

//export goConsumerOpenWait
func goConsumerOpenWait(h C.pgqrs_handle, queue *C.in_str, timeoutMS C.int64_t, out, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	r, st := wait(h, handle.Store, timeoutMS, "consumer", nil, to,
		func(ctx context.Context, on *store) (call.Reply, error) {
			return on.openConsumer(ctx, name, core.WorkerOptions{})
		})
	return named(out, r, st)
}

//export goWorkerId
func goWorkerId(h C.pgqrs_handle, id *C.int64_t) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	pin, on, err := target[*worker](h, handle.Producer, handle.Consumer)
	if err != nil {
		return fail(nil, "worker_id", err)
	}
	defer pin.Release()
	*id = C.int64_t(on.ID())
	return C.PGQRS_OK
}

//export goWorkerHeartbeat
func goWorkerHeartbeat(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "heartbeat", func(ctx context.Context, on *worker) (call.Reply, error) {
		return done(on.Heartbeat(ctx))
	})
}

//export goWorkerSuspend
func goWorkerSuspend(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "suspend", func(ctx context.Context, on *worker) (call.Reply, error) {
		return done(on.Suspend(ctx))
	})
}

//export goWorkerInterrupt
func goWorkerInterrupt(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "interrupt", func(ctx context.Context, on *worker) (call.Reply, error) {
		return done(on.Interrupt(ctx))
	})
}

//export goWorkerResume
func goWorkerResume(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "resume", func(ctx context.Context, on *worker) (call.Reply, error) {
		return done(on.Resume(ctx))
	})
}

//export goWorkerPoll
func goWorkerPoll(h C.pgqrs_handle, polling C.int32_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "poll", func(ctx context.Context, on *worker) (call.Reply, error) {
		return done(on.Poll(ctx, polling != 0))
	})
}

//export goWorkerShutdown
func goWorkerShutdown(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "shutdown", func(ctx context.Context, on *worker) (call.Reply, error) {
		return done(on.Shutdown(ctx))
	})
}

//export goWorkerStatus
func goWorkerStatus(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onWorker(h, s, "status", func(ctx context.Context, on *worker) (call.Reply, error) {
		return encoded(cjson.Status)(on.Status(ctx))
	})
}
