package main

/*
#include <stddef.h>

extern char **environ;

static const char *variable_at(int i) { return environ ? environ[i] : NULL; }
*/
import "C"

import (
	"os"
	"strings"
	"sync"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
)

// A Go library in another program sees the environment the process was started
// with, not what the program has set since: PGQRS_DSN set by os.environ or setenv
// would have no effect. So the variables core reads are brought up to date before
// a store is opened.

var environment sync.Mutex // one update at a time

// refreshEnvironment takes over what the host has set and unset. It reads the
// host's environment as getenv does, with getenv's rule: no other thread may be
// changing it. Go's setters also set the C variable, to the value it has.
func refreshEnvironment() error {
	environment.Lock()
	defer environment.Unlock()
	current := map[string]string{}
	for i := C.int(0); ; i++ {
		v := C.variable_at(i)
		if v == nil {
			break
		}
		if name, value, ok := strings.Cut(C.GoString(v), "="); ok && relevant(name) {
			current[name] = value
		}
	}
	if err := update(current); err != nil {
		return cerr.New(cerr.Config, "cannot take over the environment: %v", err)
	}
	return nil
}

func update(current map[string]string) error {
	for _, known := range os.Environ() {
		name, value, _ := strings.Cut(known, "=")
		now, set := current[name]
		if relevant(name) && !set {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
		if set && now == value {
			delete(current, name) // nothing to do
		}
	}
	for name, value := range current {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// relevant reports whether core may read a variable: our own, those of libpq, and
// where the home directory with its .pgpass is.
func relevant(name string) bool { return strings.HasPrefix(name, "PG") || name == "HOME" }
