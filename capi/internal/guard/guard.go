package guard

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
)

// guard is process-wide: a panic anywhere ends the whole library.
var guard = struct {
	once     sync.Once
	poisoned chan struct{}

	mu    sync.Mutex // guards hooks
	hooks []func()
}{poisoned: make(chan struct{})}

// Poisoned returns a channel that is closed by the first panic.
func Poisoned() <-chan struct{} { return guard.poisoned }

// IsPoisoned reports whether there was a panic.
func IsPoisoned() bool {
	select {
	case <-guard.poisoned:
		return true
	default:
		return false
	}
}

// OnPoison registers f to run once, after the first panic. f runs on the
// goroutine that panicked and must not trust anything that goroutine may have
// held.
func OnPoison(f func()) {
	guard.mu.Lock()
	defer guard.mu.Unlock()
	guard.hooks = append(guard.hooks, f)
}

// Report prints a recovered panic, if it is the first, and poisons the library.
// It is a spawn.Report for core's goroutines.
func Report(recovered any, stack []byte) {
	guard.once.Do(func() {
		fmt.Fprintf(os.Stderr, "pgqrs: panic: %v\n%s\npgqrs: the library is poisoned, restart the process\n",
			recovered, stack)
		close(guard.poisoned)
		guard.mu.Lock()
		hooks := guard.hooks
		guard.mu.Unlock()
		for _, f := range hooks {
			f()
		}
	})
}

// Recover is deferred by every export: a panic becomes INTERNAL and poisons.
func Recover(status *cerr.Status) {
	if r := recover(); r != nil {
		Report(r, debug.Stack())
		*status = cerr.Internal
	}
}

// Panic is a recovered panic that was not reported yet.
type Panic struct {
	value any
	stack []byte
}

// Catch runs f and returns its panic, or nil. The caller must Report it, and may
// first answer whoever waits for f: afterwards nobody listens any more.
func Catch(f func()) (p *Panic) {
	defer func() {
		if r := recover(); r != nil {
			p = &Panic{r, debug.Stack()}
		}
	}()
	f()
	return nil
}

// Report poisons the library, unless p is nil.
func (p *Panic) Report() {
	if p != nil {
		Report(p.value, p.stack)
	}
}
