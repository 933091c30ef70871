package main

/*
#include "shim.h"
*/
import "C"

import (
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

//export goRuntimeWait
func goRuntimeWait() C.int32_t { return C.PGQRS_OK }

//export goShutdownWait
func goShutdownWait(timeoutMS C.int64_t) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	timeout, err := millis("timeout_ms", timeoutMS, -1)
	if err != nil {
		return fail(nil, "shutdown", err)
	}
	return C.int32_t(lib.Shutdown(timeout))
}

//export goClose
func goClose(h C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return valid(lib.Close(handle.Handle(h)))
}

// valid is OK or HANDLE.
func valid(known bool) C.int32_t {
	if known {
		return C.PGQRS_OK
	}
	return C.PGQRS_E_HANDLE
}

// goFail records what a shim refused.
//
//export goFail
func goFail(status C.int32_t, field, why *C.in_char) (h C.pgqrs_handle) {
	st := cerr.OK
	defer guard.Recover(&st)
	name := C.GoString(field)
	return C.pgqrs_handle(lib.Fail(cerr.Of("", &cerr.Failure{
		Status: cerr.Status(status), Field: name, Text: name + ": " + C.GoString(why),
	})))
}
