package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

// goEnqueue stores a list whole or not at all or, with each, messages that do not
// depend on each other.
//
//export goEnqueue
func goEnqueue(
	h C.pgqrs_handle, payloads *C.in_str, n C.uint32_t, o *C.in_enqueue_options, each C.int, s *C.in_submit,
) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	pin, on, err1 := target[*worker](h, handle.Producer)
	options, err2 := enqueueOptions(o, n)
	all, err3 := documents(payloads, n)
	c := call.Call[call.Reply]{Operation: "enqueue", Target: pin, Messages: int(n)}
	if each != 0 {
		c.Begin = func() func(context.Context) (call.Reply, error) {
			wait := on.producer().BeginEach(all, options)
			return func(ctx context.Context) (call.Reply, error) { return eachReply(wait(ctx)) }
		}
	} else {
		c.Do = func(ctx context.Context) (call.Reply, error) {
			return idsReply(on.producer().EnqueueJSON(ctx, all, options))
		}
	}
	return submit(s, c, firstError(err1, err2, err3))
}

//export goDequeue
func goDequeue(h C.pgqrs_handle, o *C.in_dequeue_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	pin, on, err1 := target[*worker](h, handle.Consumer)
	options, err2 := dequeueOptions(o)
	return submit(s, dequeueCall(pin, on, options), firstError(err1, err2))
}

// dequeueCall may wait long for a message: closing the consumer ends it.
func dequeueCall(pin *handle.Entry, on *worker, o core.DequeueOptions) call.Call[call.Reply] {
	return waiting("dequeue", pin, on, func(ctx context.Context) (call.Reply, error) {
		found, err := on.consumer().Dequeue(ctx, o)
		return leasedReply(on.consumer(), found, err)
	})
}

// waiting is a call on a worker that closing it ends; on is nil for a call that
// will be refused.
func waiting(
	operation string, pin *handle.Entry, on *worker, do func(context.Context) (call.Reply, error),
) call.Call[call.Reply] {
	c := call.Call[call.Reply]{Operation: operation, Target: pin, Do: do}
	if on != nil {
		c.Ended = on.waiting
	}
	return c
}

//export goConsumerLosses
func goConsumerLosses(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	pin, on, err := target[*worker](h, handle.Consumer)
	return stream(s, waiting("losses", pin, on, nil), func(emit call.Emit) func(context.Context) error {
		return func(ctx context.Context) error {
			return on.consumer().Losses(ctx, func(lost []model.Token) { emit(tokensReply(lost)) })
		}
	}, err)
}

//export goConsumerKeep
func goConsumerKeep(h C.pgqrs_handle, list *C.in_token, count C.uint32_t, keepMS C.int64_t, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	all, err1 := tokens(list, count)
	by, err2 := millis("keep_ms", keepMS, 0)
	pin, on, err3 := target[*worker](h, handle.Consumer)
	if err := firstError(err3, err1, err2); err != nil {
		if err3 == nil {
			pin.Release()
		}
		return fail(to, "keep", err)
	}
	defer pin.Release()
	n, err := on.consumer().Keep(all, by)
	if err != nil {
		return fail(to, "keep", err)
	}
	return C.int32_t(n)
}

//export goArchive
func goArchive(h C.pgqrs_handle, list *C.in_token, count C.uint32_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	all, err := tokens(list, count)
	return onConsumer(h, s, "archive", count, err, func(ctx context.Context, on *core.Consumer) (call.Reply, error) {
		return outcomesReply(on.ArchiveMany(ctx, all))
	})
}

//export goDelete
func goDelete(h C.pgqrs_handle, list *C.in_token, count C.uint32_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	all, err := tokens(list, count)
	return onConsumer(h, s, "delete", count, err, func(ctx context.Context, on *core.Consumer) (call.Reply, error) {
		return outcomesReply(on.DeleteMany(ctx, all))
	})
}

//export goExtendVt
func goExtendVt(h C.pgqrs_handle, list *C.in_token, count C.uint32_t, extendMS C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	all, err1 := tokens(list, count)
	by, err2 := millis("extend_ms", extendMS, 0)
	return onConsumer(h, s, "extend_vt", count, firstError(err1, err2),
		func(ctx context.Context, on *core.Consumer) (call.Reply, error) {
			return outcomesReply(on.ExtendMany(ctx, all, by))
		})
}

//export goRelease
func goRelease(h C.pgqrs_handle, list *C.in_token, count C.uint32_t, o *C.in_release_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	all, err1 := tokens(list, count)
	options, err2 := releaseOptions(o)
	return onConsumer(h, s, "release", count, firstError(err1, err2),
		func(ctx context.Context, on *core.Consumer) (call.Reply, error) {
			return outcomesReply(on.ReleaseMany(ctx, all, options))
		})
}
