package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/core"
)

// Most administrative calls are one method of core and one form of answer: these
// are their shapes.

// answer turns what a core call returns into a reply.
type answer[T any] func(T, error) (call.Reply, error)

// encoded answers with a JSON document.
func encoded[T any](encode func(T) string) answer[T] {
	return func(v T, err error) (call.Reply, error) {
		if err != nil {
			return call.Nothing, err
		}
		return jsonReply(encode(v))
	}
}

// byID submits a call on the row with an id.
func byID[T any](
	h C.pgqrs_handle, id C.int64_t, s *C.in_submit, operation string,
	do func(*core.Admin, context.Context, int64) (T, error), as answer[T],
) C.int32_t {
	return onAdmin(h, s, operation, nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return as(do(on, ctx, int64(id)))
	})
}

// runByID is byID for the control of a workflow's run, which is the store's.
func runByID[T any](
	h C.pgqrs_handle, id C.int64_t, s *C.in_submit, operation string,
	do func(*core.Store, context.Context, int64) (T, error), as answer[T],
) C.int32_t {
	return onStore(h, s, operation, nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return as(do(on.Store, ctx, int64(id)))
	})
}

// removeByID submits the removal of the row with an id.
func removeByID(
	h C.pgqrs_handle, id C.int64_t, s *C.in_submit, operation string,
	do func(*core.Admin, context.Context, int64) error,
) C.int32_t {
	return onAdmin(h, s, operation, nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return removed(do(on, ctx, int64(id)))
	})
}

// byName submits a call on what has a name.
func byName[T any](
	h C.pgqrs_handle, name *C.in_str, s *C.in_submit, operation string,
	do func(*core.Admin, context.Context, string) (T, error), as answer[T],
) C.int32_t {
	named := text(name)
	return onAdmin(h, s, operation, nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return as(do(on, ctx, named))
	})
}

// selection is the administration together with the options that choose rows.
type selection struct {
	*core.Admin
	tableArguments
}

// rows submits a call on the rows that options choose, of which these fields apply.
func rows(
	h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit, operation string, applies fields,
	do func(context.Context, selection) (call.Reply, error),
) C.int32_t {
	a, err := decodeTable(o, applies)
	return onAdmin(h, s, operation, err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return do(ctx, selection{on, a})
	})
}
