package batch

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
)

// flush carries units in one transaction and answers their callers. Where one
// row is to blame it halves the units until the guilty one stands alone; where that
// has to wait for somebody else it does so apart from the others.
func (l *Lane[I, R]) flush(units []*unit[I, R], rows int, carry func(context.Context, []I) ([]R, error)) {
	items := units[0].items
	if len(units) > 1 {
		items = make([]I, 0, rows)
		for _, u := range units {
			items = append(items, u.items...)
		}
	}
	answered, started := false, time.Now()
	defer func() {
		if !answered { // Flush panicked: nobody may be left waiting
			fail(units, &fault.Error{Kind: fault.Internal, Text: "the library failed while storing; see its log"})
		}
	}()
	results, err := carry(context.Background(), items)
	answered = true
	switch {
	case err != nil && fault.IsRowFault(err) && len(units) > 1:
		half := len(units) / 2
		l.flush(units[:half], countRows(units[:half]), carry)
		l.flush(units[half:], countRows(units[half:]), carry)
	case fault.IsHeld(err) && l.opt.FlushHeld != nil && units[0].call.units == 1:
		l.hold(units[0], err)
	case err != nil:
		fail(units, err)
	case len(results) != len(items):
		fail(units, fault.New(fault.Internal, "engine answered %d results for %d rows", len(results), len(items)))
	default:
		l.flushes.Add(1)
		l.carried.Add(int64(len(items)))
		l.note(int64(len(items)))
		waited := time.Duration(0)
		for _, u := range units {
			n := len(u.items)
			u.results, results = results[:n:n], results[n:]
			waited += time.Duration(n) * started.Sub(u.call.began)
		}
		l.waited.Add(int64(waited))
		answer(units)
	}
}

// note keeps the size of the largest flush.
func (l *Lane[I, R]) note(rows int64) {
	for {
		old := l.largest.Load()
		if rows <= old || l.largest.CompareAndSwap(old, rows) {
			return
		}
	}
}

func fail[I, R any](units []*unit[I, R], err error) {
	for _, u := range units {
		u.err = err
	}
	answer(units)
}

// answer wakes the callers of units whose results are set. Those of one call
// stand side by side, and are counted off together.
func answer[I, R any](units []*unit[I, R]) {
	for start := 0; start < len(units); {
		call, end := units[start].call, start+1
		for end < len(units) && units[end].call == call {
			end++
		}
		call.answered(int64(end - start))
		start = end
	}
}

func countRows[I, R any](units []*unit[I, R]) int {
	n := 0
	for _, u := range units {
		n += len(u.items)
	}
	return n
}
