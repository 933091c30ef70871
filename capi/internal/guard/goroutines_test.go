package guard

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const patience = 10 * time.Second

func idleBells() int {
	bells.Lock()
	defer bells.Unlock()
	return len(bells.idle)
}

// Goroutines are reused, and what was started while all are busy runs at once all
// the same: no work waits for other work.
func TestGoNeverWaitsForOtherWork(t *testing.T) {
	const n = 3 * idleMax
	for range 3 {
		var running sync.WaitGroup
		running.Add(n)
		for range n {
			Go(func() {
				running.Done()
				running.Wait() // ends only when all of them run
			})
		}
		running.Wait()
	}
	require.Eventually(t, func() bool { return idlen.Load() <= idleMax }, patience, time.Millisecond)
	require.LessOrEqual(t, idleBells(), bellsMax)
}

// Work that comes alone finds a goroutine that sleeps on a descriptor.
func TestWorkThatComesAloneRings(t *testing.T) {
	Go(func() {})
	require.Eventually(t, func() bool { return idleBells() > 0 }, patience, time.Millisecond)
	done := make(chan struct{})
	require.True(t, ring(func() { close(done) }))
	<-done
}

func TestEverythingRunsOnce(t *testing.T) {
	const callers, each = 8, 5_000
	ran := make([]atomic.Int32, callers*each)
	var all sync.WaitGroup
	all.Add(len(ran))
	for c := range callers {
		Go(func() {
			for i := range each {
				Go(func() {
					ran[c*each+i].Add(1)
					all.Done()
				})
			}
		})
	}
	all.Wait()
	for i := range ran {
		require.EqualValues(t, 1, ran[i].Load(), i)
	}
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
		if f := b.wait(); f != nil {
			f()
		}
		require.Equal(t, given, ran)
		bells.Lock()
		require.NotContains(t, bells.idle, b)
		bells.Unlock()
		require.NoError(t, r.Close())
	}
}
