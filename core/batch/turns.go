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

// turns keep flushes in order that are under way at the same time: one flusher at a
// time has the turn, from when it takes units until another flush may follow, or until
// it looks for more. Guarded by Lane.mu.
//
// Where commits are slow the next flush begins when the rows of this one have their
// places, and several commits overlap. Otherwise it is sent behind this one, so that the
// database has it at hand: one, and not before half as many rows wait for it, because
// two small flushes cost more than a larger one.
type turns struct {
	holder  *flusher
	commit  time.Duration // how long one takes, the last ones counting most
	untimed int           // flushes since one was timed
	sent    *flusher      // the last one behind which another flush may be sent, until it has its answers
	rows    int           // that it carries
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

// mayFollow reports whether a flush of so many rows may begin beside so many others, of
// which there may be so many where commits are slow.
func (t *turns) mayFollow(others, most, rows int) bool {
	switch {
	case t.holder != nil:
		return false
	case others == 0:
		return true
	case t.slow():
		return others < most
	}
	// One that is timed goes alone.
	return others == 1 && t.sent != nil && 2*rows >= t.rows && t.untimed+1 < timedEvery
}

// inTurn carries the items of a flush of so many rows by the flusher that has the turn.
func (l *Lane[I, R]) inTurn(f *flusher, rows int) func(context.Context, []I) ([]R, error) {
	return func(ctx context.Context, items []I) ([]R, error) {
		switch {
		case len(items) < rows: // where a flush is halved, its other half comes next
			return l.opt.FlushInTurn(ctx, items, nil, nil)
		case f.timed && l.opt.Flushers > 1:
			return l.timed(ctx, f, items)
		}
		defer l.landed(f)
		return l.opt.FlushInTurn(ctx, items, func() { l.follow(f, rows) }, nil)
	}
}

// follow ends the turn of a flusher whose flush of so many rows was sent.
func (l *Lane[I, R]) follow(f *flusher, rows int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns.sent, l.turns.rows = f, rows
	l.turns.end(f)
	l.start()
}

// landed says that the flush of a flusher has its answers.
func (l *Lane[I, R]) landed(f *flusher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turns.sent == f {
		l.turns.sent = nil
	}
}

// timed carries a flush and takes the time of its commit.
func (l *Lane[I, R]) timed(ctx context.Context, f *flusher, items []I) ([]R, error) {
	var placed time.Time
	results, err := l.opt.FlushInTurn(ctx, items, nil, func() {
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
