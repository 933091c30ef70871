package main

/*
#cgo CFLAGS: -std=gnu11 -Wall -Wextra -Wno-unused-parameter
#cgo LDFLAGS: -Wl,--wrap=sigaction -Wl,--wrap=pthread_getattr_np
#include "shim.h"
*/
import "C"

import (
	"os"
	"runtime"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/logfeed"
	"github.com/pgqrs/pgqrs/core"
)

// lib is the process-wide state of the ABI: its handles and what is running.
var lib = newLibrary()

// feed is where the stores log to.
var feed = logfeed.New()

func newLibrary() *call.Library {
	// First of the hooks: the shims must refuse before anything else is told.
	guard.OnPoison(func() { C.guard_poison() })
	return call.New(core.CloseAll)
}

// init gives the host its SIGURG handler back where the Go runtime could not be
// kept from installing its own, which it does not need (guard.c).
func init() { C.guard_restore_sigurg() }

// leastProcs is how many threads may run Go at once at the least. On a machine of
// two cores those that look for work would hold both places, and a thread of the
// host that calls in would have to sleep until one is free.
const leastProcs = 4

func init() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastProcs {
		runtime.GOMAXPROCS(leastProcs)
	}
}

// garbage is how much memory may be allocated between two collections at the least,
// beyond as much again as is in use. The library uses one or two megabytes, and the
// runtime would collect at every 4: 45 times a second where messages pass by the
// ten thousand, which took a sixth of the processor's time (docs/adr/0018). It
// counts as in use and is never touched, so it takes up no memory itself.
var garbage = make([]byte, 8<<20)

// main is never called in a shared library.
func main() {}
