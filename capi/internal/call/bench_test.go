package call

import (
	"context"
	"testing"

	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

// deep needs about as much stack as a statement does.
func deep(n int) int {
	var frame [256]byte
	if n == 0 {
		return int(frame[0])
	}
	frame[n] = byte(n)
	return deep(n-1) + int(frame[n])
}

// BenchmarkSubmit is what an operation costs besides its work: acceptance, a
// goroutine, a completion, one poll for 16 of them.
func BenchmarkSubmit(b *testing.B) {
	l := New(func(context.Context) error { return nil })
	h, err := l.OpenQueue(cq.Options{})
	if err != nil {
		b.Fatal(err)
	}
	e := l.Handles.Acquire(h, handle.Queue)
	defer e.Release()
	q, out := e.Value().(*Queue), make([]cq.Completion, 16)
	do := func(context.Context) (Reply, error) { _ = deep(30); return Nothing, nil }
	b.ReportAllocs()
	for b.Loop() {
		for range out {
			if err := Submit(l, h, 1, Call[Reply]{Do: do}, func(handle.Handle) {}); err != nil {
				b.Fatal(err)
			}
		}
		for got := 0; got < len(out); {
			q.Wait(-1)
			n, _ := q.Poll(out)
			got += n
		}
	}
}
