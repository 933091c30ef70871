package bindings

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// BenchmarkBoundary measures a call that does nothing: submit, completion and the
// way back to its goroutine. It needs PGQRS_LIBRARY.
func BenchmarkBoundary(b *testing.B) {
	if os.Getenv(variable) == "" {
		b.Skip(variable + " is not set")
	}
	l, err := loaded()
	if err != nil {
		b.Fatal(err)
	}
	p, err := newPump(l)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.close)
	for _, inFlight := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(inFlight), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(max(1, inFlight/runtime.GOMAXPROCS(0)))
			if inFlight == 1 {
				for b.Loop() {
					if _, err := p.do(b.Context(), false, l.cqNop); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.RunParallel(func(loop *testing.PB) {
				for loop.Next() {
					if _, err := p.do(b.Context(), false, l.cqNop); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
