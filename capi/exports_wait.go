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
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

//export goInstallWait
func goInstallWait(h C.pgqrs_handle, timeoutMS C.int64_t, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	_, st = wait(h, handle.Store, timeoutMS, "install", nil, to, func(ctx context.Context, on *store) (call.Reply, error) {
		return done(on.Install(ctx))
	})
	return st
}

//export goQueueCreateWait
func goQueueCreateWait(h C.pgqrs_handle, queue *C.in_str, timeoutMS C.int64_t, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	name := text(queue)
	_, st = wait(h, handle.Store, timeoutMS, "create_queue", nil, to,
		func(ctx context.Context, on *store) (model.QueueInfo, error) {
			return on.Admin().CreateQueue(ctx, name, 0)
		})
	return st
}

//export goEnqueueWait
func goEnqueueWait(
	h C.pgqrs_handle, payload *C.in_str, delayMS, timeoutMS C.int64_t, id *C.int64_t, to *C.pgqrs_handle,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	delay, err1 := millis("delay_ms", delayMS, 0)
	all, err2 := documents(payload, 1)
	stored, st := wait(h, handle.Producer, timeoutMS, "enqueue", firstError(err1, err2), to,
		func(ctx context.Context, on *worker) ([]int64, error) {
			return on.producer().EnqueueJSON(ctx, all, core.EnqueueOptions{Delay: delay})
		})
	if st == C.PGQRS_OK {
		*id = C.int64_t(stored[0])
	}
	return st
}

//export goDequeueWait
func goDequeueWait(
	h C.pgqrs_handle, batch C.uint32_t, leaseMS, waitMS, timeoutMS C.int64_t, out, to *C.pgqrs_handle,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	lease, err1 := millis("lease_ms", leaseMS, 0)
	patience, err2 := millis("wait_ms", waitMS, -1)
	pin, on, err3 := target[*worker](h, handle.Consumer)
	r, st := waitFor(timeoutMS, to,
		dequeueCall(pin, on, core.DequeueOptions{Batch: int(batch), Lease: lease, Wait: patience}),
		firstError(err1, err2, err3))
	return named(out, r, st)
}

//export goArchiveWait
func goArchiveWait(h C.pgqrs_handle, id C.int64_t, readCt C.int32_t, timeoutMS C.int64_t, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return acknowledge(h, id, readCt, timeoutMS, "archive", nil, to, (*core.Consumer).ArchiveMany)
}

//export goDeleteWait
func goDeleteWait(h C.pgqrs_handle, id C.int64_t, readCt C.int32_t, timeoutMS C.int64_t, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return acknowledge(h, id, readCt, timeoutMS, "delete", nil, to, (*core.Consumer).DeleteMany)
}

//export goExtendVtWait
func goExtendVtWait(
	h C.pgqrs_handle, id C.int64_t, readCt C.int32_t, extendMS, timeoutMS C.int64_t, to *C.pgqrs_handle,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	by, err := millis("extend_ms", extendMS, 0)
	return acknowledge(h, id, readCt, timeoutMS, "extend_vt", err, to, extendBy(by))
}

//export goReleaseWait
func goReleaseWait(h C.pgqrs_handle, id C.int64_t, readCt C.int32_t, timeoutMS C.int64_t, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return acknowledge(h, id, readCt, timeoutMS, "release", nil, to, releaseNow)
}

// acknowledgement is one of the verbs on leased messages.
type acknowledgement func(*core.Consumer, context.Context, []model.Token) ([]bool, error)

func extendBy(d time.Duration) acknowledgement {
	return func(c *core.Consumer, ctx context.Context, tokens []model.Token) ([]bool, error) {
		return c.ExtendMany(ctx, tokens, d)
	}
}

func releaseNow(c *core.Consumer, ctx context.Context, tokens []model.Token) ([]bool, error) {
	return c.ReleaseMany(ctx, tokens, core.ReleaseOptions{})
}

// acknowledge acknowledges one message; that it took no effect is LEASE_LOST.
func acknowledge(
	h C.pgqrs_handle, id C.int64_t, readCt C.int32_t, timeoutMS C.int64_t, operation string, invalid error,
	to *C.pgqrs_handle, verb acknowledgement,
) C.int32_t {
	one := []model.Token{{ID: int64(id), ReadCt: int32(readCt)}}
	_, st := wait(h, handle.Consumer, timeoutMS, operation, invalid, to,
		func(ctx context.Context, on *worker) (call.Reply, error) {
			took, err := verb(on.consumer(), ctx, one)
			if err == nil && !took[0] {
				err = cerr.New(cerr.LeaseLost, "message %d is not leased by this consumer any more", int64(id))
			}
			return done(err)
		})
	return st
}
