package main

/*
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#include "shim.h"
*/
import "C"

import (
	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/core"
)

// lib is the process-wide state of the ABI: its handles and what is running.
var lib = newLibrary()

func newLibrary() *call.Library {
	// First of the hooks: the shims must refuse before anything else is told.
	guard.OnPoison(func() { C.guard_poison() })
	return call.New(core.CloseAll)
}

// init gives the host its SIGURG handler back. The Go runtime has installed its
// own by now and does not need it (guard.c).
func init() { C.guard_restore_sigurg() }

// main is never called in a shared library.
func main() {}
