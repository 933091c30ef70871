package spawn

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestYieldLetsOthersRunFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds = 20
	first := 0 // rounds in which the others ran first
	for range rounds {
		var ran atomic.Bool // one processor: the other goroutine does not run before this one yields
		var other sync.WaitGroup
		other.Go(func() { ran.Store(true) })
		Yield()
		if ran.Load() {
			first++
		}
		other.Wait()
	}
	require.Greater(t, first, rounds/2) // now and then the scheduler prefers who has yielded
}
