package batch

import (
	"context"
	"time"
)

const (
	// slowCommit is how long a commit takes for which the next flush does not wait. To
	// begin during a faster one makes both smaller and gains nothing (ADR 0020).
	slowCommit = time.Millisecond
	// timedEvery is how many flushes pass until a commit is timed again that was fast.
	timedEvery = 32
)

// turns keep flushes in order whose commits may overlap: one flusher at a time has
// the turn, from when it takes units until their rows have their places, or until it
// looks for more. Guarded by Lane.mu.
type turns struct {
	holder  *flusher
	commit  time.Duration // how long one takes, the last ones counting most
	untimed int           // flushes since one was timed
}

// flusher is one that flies.
type flusher struct {
	timed bool // the commit of its flush is timed; of FlushInTurn, set with the turn
}

// take gives a flusher the turn.
func (t *turns) take(f *flusher) {
	t.untimed++
	f.timed = t.slow() || t.untimed >= timedEvery
	if f.timed {
		t.untimed = 0
	}
	t.holder = f
}

// end takes the turn from a flusher, if it still has it.
func (t *turns) end(f *flusher) {
	if t.holder == f {
		t.holder = nil
	}
}

// slow reports whether the next flush begins while this one commits.
func (t *turns) slow() bool { return t.commit >= slowCommit }

// inTurn carries the items of a flush of so many rows by the flusher that has the turn.
func (l *Lane[I, R]) inTurn(f *flusher, rows int) func(context.Context, []I) ([]R, error) {
	return func(ctx context.Context, items []I) ([]R, error) {
		if !f.timed || l.opt.Flushers == 1 || len(items) < rows { // where a flush is halved, its other half comes next
			return l.opt.FlushInTurn(ctx, items, nil)
		}
		var placed time.Time
		results, err := l.opt.FlushInTurn(ctx, items, func() {
			placed = time.Now()
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.turns.slow() {
				l.turns.end(f)
				l.start()
			}
		})
		if !placed.IsZero() {
			l.mu.Lock()
			l.turns.commit = (l.turns.commit + time.Since(placed)) / 2
			l.mu.Unlock()
		}
		return results, err
	}
}
