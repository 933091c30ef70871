//go:build pgqrs_testing

package main

/*
#include "shim.h"
*/
import "C"

import (
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
)

//export goTestPanicExport
func goTestPanicExport() (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	panic("a test asked for this panic in an export")
}

//export goTestPanicGoroutine
func goTestPanicGoroutine() (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	guard.Go(func() { panic("a test asked for this panic in a goroutine") })
	return C.PGQRS_OK
}
