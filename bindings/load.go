package bindings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebitengine/purego"
)

// visitors is how many goroutines may be in the library beyond the processors.
const visitors = 2

const (
	variable = "PGQRS_LIBRARY"
	soname   = "libpgqrs.so.1"
	remedy   = "build it with `make lib`, install it with `make install`, or name it in " + variable
)

// library is the loaded library. There is one in a process, and it is never
// unloaded: Go cannot be.
type library struct {
	symbols
	path string
	// inside bounds how many goroutines are in a call of the library. A call is quick,
	// but on a busy machine it may lose the processor, and the runtime then starts a
	// thread for those that could run meanwhile, up to one a call.
	inside chan struct{}
}

// visit makes calls of the library; f makes no further visit.
func (l *library) visit(f func()) {
	l.inside <- struct{}{}
	defer func() { <-l.inside }()
	f()
}

// opened says that loaded has a library.
var opened atomic.Bool

// loaded opens the library at the first call; what it came to then is the answer
// for ever.
var loaded = sync.OnceValues(func() (*library, error) { return load(candidates()) })

// candidates are the paths to try, in order. A library the environment names is
// the only one: another than the one asked for would hide a mistake.
func candidates() []string {
	if path := os.Getenv(variable); path != "" {
		return []string{path}
	}
	paths := []string{soname}
	if executable, err := os.Executable(); err == nil {
		paths = []string{filepath.Join(filepath.Dir(executable), soname), soname}
	}
	return paths
}

func load(paths []string) (*library, error) {
	var tried []string
	for _, path := range paths {
		l, err := open(path)
		if err == nil {
			opened.Store(true)
			return l, nil
		}
		tried = append(tried, path+": "+err.Error())
	}
	return nil, &Error{
		Status: Config, Op: "load", Field: variable, safe: true,
		Text: "the pgqrs library cannot be loaded; " + remedy + ". Tried:\n  " + strings.Join(tried, "\n  "),
	}
}

// open loads one library and checks that it speaks this package's ABI, before
// anything else of it is used.
func open(path string) (*library, error) {
	// Loading starts a second Go runtime, which takes SIGURG over. The library gives
	// it back by itself; without it our own runtime could not preempt a goroutine that
	// spins, and a collection would wait for it for ever.
	restore, err := keepPreemption()
	if err != nil {
		return nil, err
	}
	defer restore()
	// Local scope: the symbols of two Go libraries must not bind to each other.
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	address, err := purego.Dlsym(handle, "pgqrs_abi_version")
	if err != nil {
		return nil, errors.New("not a pgqrs library")
	}
	l := &library{path: path, inside: make(chan struct{}, runtime.GOMAXPROCS(0)+visitors)}
	purego.RegisterFunc(&l.abiVersion, address)
	if have := l.abiVersion(); have != cABIVersion {
		return nil, fmt.Errorf("it implements ABI %d, this package speaks ABI %d", have, cABIVersion)
	}
	if err := l.register(handle); err != nil {
		return nil, err
	}
	if status := l.runtimeWait(); status != int32(OK) {
		return nil, fmt.Errorf("its runtime did not start: %w", Status(status))
	}
	return l, nil
}

// Version returns the version of the library and the path it was loaded from.
func Version() (version, path string, err error) {
	l, err := loaded()
	if err != nil {
		return "", "", err
	}
	return l.version(), l.path, nil
}

// Shutdown ends the library for good, before the process does: waiting calls end,
// group commits are flushed, leases of stores that were not closed are released.
// It occupies a thread for up to timeout; < 0: as long as it takes. Timeout: the
// process may exit all the same. Without a loaded library it does nothing.
func Shutdown(timeout time.Duration) error {
	if !opened.Load() {
		return nil
	}
	l, err := loaded()
	if err != nil {
		return err
	}
	ms := int64(-1)
	if timeout >= 0 {
		ms = millis(timeout)
	}
	if status := l.shutdownWait(ms); status != int32(OK) {
		return &Error{Status: Status(status), Op: "shutdown"}
	}
	return nil
}
