package main

/*
#include "shim.h"
*/
import "C"

import (
	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cmem"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

//export goErrorInfo
func goErrorInfo(h C.pgqrs_handle, out *C.pgqrs_error_detail) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	e := lib.Handles.Acquire(handle.Handle(h), handle.Error)
	if e == nil {
		return C.PGQRS_E_HANDLE
	}
	defer e.Release()
	f := e.Value().(*call.Failed)
	*out = C.pgqrs_error_detail{
		code: C.int32_t(f.Record.Status), message: str(f.Message), operation: str(f.Operation), field: str(f.Field),
		retry_after_ms: C.int64_t(f.Record.RetryAfterMS), flags: C.uint32_t(f.Record.Flags),
	}
	for i := range len(f.Record.SQLState) { // five characters at most, so a NUL is left
		out.sqlstate[i] = C.char(f.Record.SQLState[i])
	}
	return C.PGQRS_OK
}

//export goResultIds
func goResultIds(h C.pgqrs_handle, out *C.pgqrs_list) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return read(h, ids, func(r *result) { *out = list(r.list) })
}

//export goResultFailure
func goResultFailure(h C.pgqrs_handle, index C.uint32_t, out *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return read(h, ids, func(r *result) {
		*out = 0
		if int(index) < len(r.refused) && r.refused[index] != nil {
			*out = C.pgqrs_handle(lib.Fail(cerr.Of("enqueue", r.refused[index])))
		}
	})
}

//export goResultMessages
func goResultMessages(h C.pgqrs_handle, out *C.pgqrs_list) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return read(h, messages, func(r *result) { *out = list(r.list) })
}

//export goResultOutcomes
func goResultOutcomes(h C.pgqrs_handle, out *C.pgqrs_list) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return read(h, outcomes, func(r *result) { *out = list(r.list) })
}

//export goResultTokens
func goResultTokens(h C.pgqrs_handle, out *C.pgqrs_list) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return read(h, lost, func(r *result) { *out = list(r.list) })
}

//export goResultJson
func goResultJson(h C.pgqrs_handle, out *C.pgqrs_str) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return read(h, document, func(r *result) { *out = str(r.text) })
}

//export goResultDiscard
func goResultDiscard(h C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return valid(lib.Discard(handle.Handle(h)))
}

// read hands a result of the wanted form out; STATE when it is of another.
func read(h C.pgqrs_handle, want form, out func(*result)) C.int32_t {
	e := lib.Handles.Acquire(handle.Handle(h), handle.Result)
	if e == nil {
		return C.PGQRS_E_HANDLE
	}
	defer e.Release()
	r := e.Value().(*result)
	if r.form != want {
		return C.PGQRS_E_STATE
	}
	out(r)
	return C.PGQRS_OK
}

// The views point to C memory that lives as long as the result or error.

func str(t cmem.Text) C.pgqrs_str {
	return C.pgqrs_str{data: (*C.char)(t.Data), len: C.uint64_t(t.Len)}
}

func list(l cmem.List) C.pgqrs_list {
	return C.pgqrs_list{items: l.Items, item_size: C.uint32_t(l.ItemSize), count: C.uint32_t(l.Count)}
}
