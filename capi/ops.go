package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
)

// Every public call ends in submit or wait. Both take the error of decoding the
// arguments, so that an export stays a list of decode, submit, done.

// submit accepts a call for a completion queue.
func submit(s *C.in_submit, c call.Call[call.Reply], err error) C.int32_t {
	if err != nil {
		c.Refuse()
		return fail(s.error, c.Operation, err)
	}
	return fail(s.error, c.Operation, call.Submit(lib, handle.Handle(s.cq), uint64(s.user_data), c, accepted(s)))
}

// stream is submit for a multi-shot call.
func stream(
	s *C.in_submit, c call.Call[call.Reply], begin func(call.Emit) func(context.Context) error, err error,
) C.int32_t {
	if err != nil {
		c.Refuse()
		return fail(s.error, c.Operation, err)
	}
	return fail(s.error, c.Operation, call.Stream(lib, handle.Handle(s.cq), uint64(s.user_data), c, begin, accepted(s)))
}

// accepted tells the caller the handle of an op.
func accepted(s *C.in_submit) func(handle.Handle) {
	return func(op handle.Handle) {
		if s.op != nil {
			*s.op = C.pgqrs_handle(op) // legal: the caller's memory, before the call returns
		}
	}
}

// fail turns an error into a status and, where the caller asked for it, an error
// handle.
func fail(to *C.pgqrs_handle, operation string, err error) C.int32_t {
	if err == nil {
		return C.PGQRS_OK
	}
	r := cerr.Of(operation, err)
	if to != nil {
		*to = C.pgqrs_handle(lib.Fail(r))
	}
	return C.int32_t(r.Status)
}

// target pins the object a call works on and gives it its Go type.
func target[T any](h C.pgqrs_handle, kinds ...handle.Kind) (*handle.Entry, T, error) {
	e, err := lib.Acquire(handle.Handle(h), kinds...)
	if err != nil {
		var none T
		return nil, none, err
	}
	return e, e.Value().(T), nil
}

// onStore submits a call on a store.
func onStore(
	h C.pgqrs_handle, s *C.in_submit, operation string, invalid error,
	do func(context.Context, *store) (call.Reply, error),
) C.int32_t {
	pin, on, err := target[*store](h, handle.Store)
	return submit(s, call.Call[call.Reply]{
		Operation: operation, Target: pin,
		Do: func(ctx context.Context) (call.Reply, error) { return do(ctx, on) },
	}, firstError(err, invalid))
}

// onAdmin submits a call on the administration of a store.
func onAdmin(
	h C.pgqrs_handle, s *C.in_submit, operation string, invalid error,
	do func(context.Context, *core.Admin) (call.Reply, error),
) C.int32_t {
	return onStore(h, s, operation, invalid, func(ctx context.Context, on *store) (call.Reply, error) {
		return do(ctx, on.Admin())
	})
}

// onWorker submits a lifecycle call on a producer or a consumer.
func onWorker(
	h C.pgqrs_handle, s *C.in_submit, operation string, do func(context.Context, *worker) (call.Reply, error),
) C.int32_t {
	pin, on, err := target[*worker](h, handle.Producer, handle.Consumer)
	return submit(s, call.Call[call.Reply]{
		Operation: operation, Target: pin,
		Do: func(ctx context.Context) (call.Reply, error) { return do(ctx, on) },
	}, err)
}

// onConsumer submits a call on so many messages of a consumer.
func onConsumer(
	h C.pgqrs_handle, s *C.in_submit, operation string, count C.uint32_t, invalid error,
	do func(context.Context, *core.Consumer) (call.Reply, error),
) C.int32_t {
	pin, on, err := target[*worker](h, handle.Consumer)
	return submit(s, call.Call[call.Reply]{
		Operation: operation, Target: pin, Messages: int(count),
		Do: func(ctx context.Context) (call.Reply, error) { return do(ctx, on.consumer()) },
	}, firstError(err, invalid))
}

// wait runs a call on an object and waits for its outcome on this thread.
func wait[T, R any](
	h C.pgqrs_handle, kind handle.Kind, timeoutMS C.int64_t, operation string, invalid error, to *C.pgqrs_handle,
	do func(context.Context, T) (R, error),
) (R, C.int32_t) {
	pin, on, err := target[T](h, kind)
	return waitFor(timeoutMS, to, call.Call[R]{
		Operation: operation, Target: pin,
		Do: func(ctx context.Context) (R, error) { return do(ctx, on) },
	}, firstError(err, invalid))
}

// waitFor is call.Wait with the timeout of the ABI: -1 is for ever.
func waitFor[R any](timeoutMS C.int64_t, to *C.pgqrs_handle, c call.Call[R], err error) (R, C.int32_t) {
	timeout, wrong := millis("timeout_ms", timeoutMS, -1)
	var result R
	if err = firstError(err, wrong); err != nil {
		c.Refuse()
	} else {
		result, err = call.Wait(lib, timeout, c)
	}
	return result, fail(to, c.Operation, err)
}

// named gives the object of a reply its handle, for the blocking open calls.
func named(to *C.pgqrs_handle, r call.Reply, st C.int32_t) C.int32_t {
	if st == C.PGQRS_OK {
		name, err := lib.Name(r)
		*to = C.pgqrs_handle(name)
		st = fail(nil, "", err)
	}
	return st
}
