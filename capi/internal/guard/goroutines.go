package guard

import "sync/atomic"

// idleMax is how many goroutines wait for work at most, besides those of the bells.
const idleMax = 64

// idle hands work to a goroutine that has run before: its stack has grown to what
// a call needs, which a new one does again each time. Unbuffered, so work never
// lies about.
var (
	idle  = make(chan func())
	idlen atomic.Int32 // goroutines that wait, or are about to
)

// Go runs f in a goroutine of its own; a panic of f poisons.
func Go(f func()) { start(f, false) }

// GoLocal is Go for work that waits for no server. Its caller may be back at once with
// more; where that is so, the goroutine stays awake for it (docs/adr/0029).
func GoLocal(f func()) { start(f, true) }

// start holds, with makeBells, the only `go` statements of capi.
func start(f func(), local bool) {
	if ring(f, local) {
		return
	}
	select {
	case idle <- f:
	default:
		go work(f)
	}
}

// work runs f, and then whatever else there is.
func work(f func()) {
	for {
		Catch(f).Report()
		if idlen.Add(1) > idleMax {
			idlen.Add(-1)
			return
		}
		f = <-idle
		idlen.Add(-1)
	}
}
