package sqlite

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
)

// payload is the 60-byte document of the project's measurements.
var payload = []byte(`{"task":"send_email","to":"user@example.com","n":123}`)

// rate reports rows per second.
func rate(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEnqueue(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := setup(b, Config{})
			for b.Loop() {
				s.enqueue(n, 0)
			}
			rate(b, n)
		})
	}
}

// BenchmarkEnqueueTogether has single enqueues of many callers share transactions.
func BenchmarkEnqueueTogether(b *testing.B) {
	for _, callers := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s := setup(b, Config{})
			for b.Loop() {
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() { s.enqueue(1, 0) })
				}
				wg.Wait()
			}
			rate(b, callers)
		})
	}
}

func BenchmarkCycle(b *testing.B) {
	for _, n := range []int{1, 10, 100, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := setup(b, Config{})
			for b.Loop() {
				s.enqueue(n, 0)
				_, err := s.store.Finish(s.ctx, engine.FinishArchive, s.claim(n))
				require.NoError(b, err)
			}
			rate(b, n)
		})
	}
}

func BenchmarkClaimAtBacklog(b *testing.B) {
	for _, backlog := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(backlog), func(b *testing.B) {
			s := setup(b, Config{})
			for range backlog / 1000 {
				s.enqueue(1000, 0)
			}
			for b.Loop() {
				if len(s.claim(1)) == 0 {
					b.Fatal("the backlog is used up: run fewer rounds")
				}
			}
			rate(b, 1)
		})
	}
}
