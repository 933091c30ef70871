package guard

import (
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgqrs/pgqrs/capi/internal/wakefd"
)

const (
	// bellsMax is how many goroutines sleep on a descriptor. Calls that come
	// alone need one or two; where there are more at once, hand-overs are not what
	// they wait for.
	bellsMax = 4
	// soonMax is what may pass on average from an answer to the next call, for one of them
	// to stay awake in between: a loop of the host that does nothing else takes 0.1 ms,
	// its waking up included.
	soonMax = 160 * time.Microsecond
	// awakeMax is how long it stays awake.
	awakeMax = 250 * time.Microsecond
	// lent is how long another thread may have had the processor of one that stays awake
	// without being taken for one that needs it.
	lent = 80 * time.Microsecond
	// late is what work counts as that comes later than this, or has a server to wait for.
	late = 2 * awakeMax
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
	// awake: it waits without the descriptor. Who sets it back to false ends that.
	awake atomic.Bool

	// guarded by bells

	work   func()
	others int           // how many more had no work when it rang
	since  time.Time     // when it had no more work
	pause  time.Duration // from there to the next work, on average; the latest weigh most
}

// ring hands f to a goroutine that sleeps on a descriptor, if there is one.
func ring(f func(), local bool) bool {
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
	b.others = n - 1
	pause := late
	if local {
		pause = min(late, time.Since(b.since))
	}
	b.pause += (pause - b.pause) / 4
	bells.Unlock()
	if !b.awake.CompareAndSwap(true, false) {
		b.signal.Raise()
	}
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
		b := &bell{pause: late, signal: s, sleep: os.NewFile(uintptr(s.FD()), "pgqrs calls")}
		bells.idle = append(bells.idle, b)
		go b.serve()
	}
}

// serve runs whatever the bell rings for.
func (b *bell) serve() {
	for f := b.await(false); f != nil; {
		Catch(f).Report()
		f = b.await(b.rest())
	}
}

// rest says that the bell can be rung, and reports whether it is to stay awake: what
// came alone has been back soon, several times. Beside other work, of this process or of
// another, a processor has better things to do, and the only one always has
// (docs/adr/0029).
func (b *bell) rest() (awake bool) {
	bells.Lock()
	defer bells.Unlock()
	awake = canYield && b.pause < soonMax && len(bells.idle) == b.others && runtime.GOMAXPROCS(0) > 1
	bells.idle = append(bells.idle, b)
	b.since = time.Now()
	b.awake.Store(awake) // under the lock: whoever rings next knows
	return awake
}

// await waits for work; nil when the descriptor is of no use any more.
func (b *bell) await(awake bool) func() {
	if awake && b.stayAwake(yield) {
		return b.take(nil)
	}
	var counter [8]byte
	for {
		_, err := b.sleep.Read(counter[:])
		if f := b.take(err); f != nil || err != nil {
			return f
		}
	}
}

// stayAwake returns when the bell has rung, or with false when it did not for too long.
// yield lets every thread that wants the processor have it first; to one that needs it
// for longer it is left.
func (b *bell) stayAwake(yield func()) (rang bool) {
	now := time.Now()
	for end := now.Add(awakeMax); b.awake.Load() && now.Before(end); {
		yield()
		before := now
		now = time.Now()
		if now.Sub(before) > lent {
			bells.Lock()
			b.pause = late // not again soon
			bells.Unlock()
			break
		}
	}
	return !b.awake.CompareAndSwap(true, false)
}

// take returns the work of the bell, if it has any. One that neither has work nor can
// sleep is not to be rung again.
func (b *bell) take(err error) func() {
	bells.Lock()
	defer bells.Unlock()
	f := b.work
	b.work = nil
	if f == nil && err != nil {
		bells.idle = slices.DeleteFunc(bells.idle, func(other *bell) bool { return other == b })
	}
	return f
}
