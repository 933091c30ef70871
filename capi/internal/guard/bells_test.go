package guard

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/pgqrs/pgqrs/capi/internal/wakefd"
)

func idleBells() int {
	bells.Lock()
	defer bells.Unlock()
	return len(bells.idle)
}

// quiet waits until every bell can be rung.
func quiet(t *testing.T) {
	t.Helper()
	Go(func() {})
	require.Eventually(t, func() bool { return idleBells() == bellsMax }, patience, time.Millisecond)
}

// Work that comes alone finds a goroutine that sleeps on a descriptor.
func TestWorkThatComesAloneRings(t *testing.T) {
	quiet(t)
	done := make(chan struct{})
	require.True(t, ring(func() { close(done) }, false))
	<-done
}

// A goroutine whose descriptor fails goes; what it was given runs.
func TestABellThatCannotSleepEnds(t *testing.T) {
	for _, given := range []bool{false, true} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, w.Close()) // every Read fails: end of the file
		b, ran := &bell{sleep: r}, false
		if given {
			b.work = func() { ran = true }
		} else {
			bells.Lock()
			bells.idle = append(bells.idle, b)
			bells.Unlock()
		}
		if f := b.await(false); f != nil {
			f()
		}
		require.Equal(t, given, ran)
		bells.Lock()
		require.NotContains(t, bells.idle, b)
		bells.Unlock()
		require.NoError(t, r.Close())
	}
}

// alone takes the bells away and puts one in their place, which nobody serves.
func alone(t *testing.T) *bell {
	t.Helper()
	quiet(t)
	s, err := wakefd.New()
	require.NoError(t, err)
	b := &bell{pause: late, signal: s}
	bells.Lock()
	defer bells.Unlock()
	others := bells.idle
	bells.idle = []*bell{b}
	t.Cleanup(func() {
		bells.Lock()
		defer bells.Unlock()
		bells.idle = others
		s.Close()
	})
	return b
}

// ringAfter rings as if so much had passed since the last work.
func (b *bell) ringAfter(pause time.Duration, local bool) {
	bells.Lock()
	b.since = time.Now().Add(-pause)
	bells.Unlock()
	ring(func() {}, local)
	b.take(nil)
}

func TestWhatComesBackSoonIsAwaitedAwake(t *testing.T) {
	if !canYield {
		t.Skip("nothing stays awake here")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	b := alone(t)
	const often = 20
	for range often {
		b.ringAfter(late, true)
		require.False(t, b.rest(), "it came late")
	}
	for range often {
		b.ringAfter(0, false)
		require.False(t, b.rest(), "it has a server to wait for")
	}
	awake := false
	for range often {
		b.ringAfter(0, true)
		awake = b.rest()
	}
	require.True(t, awake)

	b.ringAfter(0, true)
	runtime.GOMAXPROCS(1)
	require.False(t, b.rest(), "there is one processor")
	runtime.GOMAXPROCS(2)

	b.ringAfter(0, true)
	bells.Lock()
	bells.idle = append(bells.idle, &bell{}) // its work began before that of b, and ended first
	bells.Unlock()
	require.False(t, b.rest(), "there was other work")
}

func TestABellThatIsAwakeNeedsNoDescriptor(t *testing.T) {
	b := alone(t)
	b.awake.Store(true)
	ring(func() {}, true)
	fds := []unix.PollFd{{Fd: int32(b.signal.FD()), Events: unix.POLLIN}}
	raised, err := unix.Poll(fds, 0)
	require.NoError(t, err)
	require.Zero(t, raised)
	require.True(t, b.stayAwake(yield))
	require.NotNil(t, b.take(nil))

	b.awake.Store(true)
	require.False(t, b.stayAwake(yield), "nobody rang")
	require.False(t, b.awake.Load(), "who rings now has to raise the descriptor")
}

func TestABellLeavesItsProcessorToAThreadThatNeedsIt(t *testing.T) {
	if !canYield {
		t.Skip("nothing stays awake here")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	b := alone(t)
	soon := func() (awake bool) { b.ringAfter(0, true); return b.rest() }
	require.Eventually(t, soon, patience, time.Microsecond)

	rounds := 0
	require.False(t, b.stayAwake(func() { rounds++; time.Sleep(2 * lent) }))
	require.Equal(t, 1, rounds)
	require.False(t, soon(), "it would be in the way again")
	require.Eventually(t, soon, patience, time.Microsecond)
}

// Work that comes at any moment of the time awake, or at its end, runs once.
func TestLocalWorkIsNeverLost(t *testing.T) {
	quiet(t)
	var ran atomic.Int32
	for i := range 3_000 {
		bells.Lock()
		for _, b := range bells.idle {
			b.pause = 0
		}
		bells.Unlock()
		done := make(chan struct{}, 2)
		GoLocal(func() { ran.Add(1); done <- struct{}{} })
		<-done
		require.EqualValues(t, i+1, ran.Load())
		for began := time.Now(); time.Since(began) < time.Duration(i%30)*(awakeMax/20); {
			runtime.Gosched()
		}
	}
}
