package guard

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const patience = 10 * time.Second

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
