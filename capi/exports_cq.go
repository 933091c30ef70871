package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"unsafe"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

//export goCqOpen
func goCqOpen(o *C.in_cq_options, out *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	err := firstError(known("options.flags", o.flags, C.PGQRS_CQ_PIPE|C.PGQRS_CQ_VALUES), known("options.reserved", o.reserved, 0))
	if err == nil {
		var h handle.Handle
		h, err = lib.OpenQueue(cq.Options{
			MaxPending: uint32(o.max_pending), Pipe: o.flags&C.PGQRS_CQ_PIPE != 0, Values: o.flags&C.PGQRS_CQ_VALUES != 0,
		})
		*out = C.pgqrs_handle(h)
	}
	return fail(nil, "cq_open", err)
}

//export goCqFd
func goCqFd(h C.pgqrs_handle, fd *C.int32_t) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onQueue(h, func(q *call.Queue) C.int32_t {
		*fd = C.int32_t(q.FD())
		return C.PGQRS_OK
	})
}

//export goCqPoll
func goCqPoll(h C.pgqrs_handle, out *C.pgqrs_completion, capacity C.uint32_t) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onQueue(h, func(q *call.Queue) C.int32_t {
		// Legal: Completion is the Go twin of pgqrs_completion and holds no pointers.
		n, status := q.Poll(unsafe.Slice((*cq.Completion)(unsafe.Pointer(out)), capacity))
		if status != cerr.OK {
			return C.int32_t(status)
		}
		return C.int32_t(n)
	})
}

//export goCqWait
func goCqWait(h C.pgqrs_handle, timeoutMS C.int64_t) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	timeout, err := millis("timeout_ms", timeoutMS, -1)
	if err != nil {
		return fail(nil, "cq_wait", err)
	}
	return onQueue(h, func(q *call.Queue) C.int32_t { return C.int32_t(q.Wait(timeout)) })
}

//export goOpCancel
func goOpCancel(h C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return valid(lib.Cancel(handle.Handle(h)))
}

//export goCqNop
func goCqNop(s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return submit(s, call.Call[call.Reply]{
		Operation: "nop",
		Do:        func(context.Context) (call.Reply, error) { return done(nil) },
	}, nil)
}

func onQueue(h C.pgqrs_handle, do func(*call.Queue) C.int32_t) C.int32_t {
	e := lib.Handles.Acquire(handle.Handle(h), handle.Queue)
	if e == nil {
		return C.PGQRS_E_HANDLE
	}
	defer e.Release()
	return do(e.Value().(*call.Queue))
}
