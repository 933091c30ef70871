package guard

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgqrs/pgqrs/capi/internal/wakefd"
)

const (
	// bellsMax is how many goroutines sleep on a descriptor. Calls that come
	// alone need one or two; where there are more at once, hand-overs are not what
	// they wait for.
	bellsMax = 4
	// idleMax is how many others wait for work at most.
	idleMax = 64
)

// idle hands work to a goroutine that has run before: its stack has grown to what
// a call needs, which a new one does again each time. Unbuffered, so work never
// lies about.
var (
	idle  = make(chan func())
	idlen atomic.Int32 // goroutines that wait, or are about to
)

// bells are the goroutines that sleep on a descriptor. A thread of the host that makes
// a goroutine runnable leaves it in a place from which other threads take it only after
// a pause, 0.1 ms all in all, and wakes two of them in vain; a descriptor wakes the one
// thread that waits for the network, which then runs the goroutine (docs/adr/0025).
var bells struct {
	made sync.Once
	sync.Mutex
	idle []*bell // those without work; the last one rang last, and its memory is warm
}

// bell is a goroutine and the descriptor it sleeps on.
type bell struct {
	signal wakefd.Signal
	sleep  *os.File // the same descriptor, as Go's poller knows it. Never closed
	work   func()   // guarded by bells
}

// Go runs f in a goroutine of its own; a panic of f poisons. Here are the only `go`
// statements of capi.
func Go(f func()) {
	if ring(f) {
		return
	}
	select {
	case idle <- f:
	default:
		go work(f)
	}
}

// ring hands f to a goroutine that sleeps on a descriptor, if there is one.
func ring(f func()) bool {
	bells.made.Do(makeBells)
	bells.Lock()
	n := len(bells.idle)
	if n == 0 {
		bells.Unlock()
		return false
	}
	b := bells.idle[n-1]
	bells.idle = bells.idle[:n-1]
	b.work = f
	bells.Unlock()
	b.signal.Raise()
	return true
}

// makeBells makes all of them at once: how many descriptors a process has does not
// depend on how many calls happened to meet.
func makeBells() {
	bells.Lock()
	defer bells.Unlock()
	for range bellsMax {
		s, err := wakefd.New()
		if err != nil {
			return // no descriptor left; the other goroutines need none
		}
		b := &bell{signal: s, sleep: os.NewFile(uintptr(s.FD()), "pgqrs calls")}
		bells.idle = append(bells.idle, b)
		go b.serve()
	}
}

// serve runs whatever the bell rings for.
func (b *bell) serve() {
	for f := b.wait(); f != nil; f = b.wait() {
		Catch(f).Report()
		bells.Lock()
		bells.idle = append(bells.idle, b)
		bells.Unlock()
	}
}

// wait sleeps until there is work; nil when the descriptor is of no use any more.
func (b *bell) wait() func() {
	var counter [8]byte
	for {
		_, err := b.sleep.Read(counter[:])
		bells.Lock()
		f := b.work
		b.work = nil
		if f == nil && err != nil {
			bells.idle = slices.DeleteFunc(bells.idle, func(other *bell) bool { return other == b })
		}
		bells.Unlock()
		if f != nil || err != nil {
			return f
		}
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
