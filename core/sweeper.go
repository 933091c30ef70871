package core

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
)

const (
	// sweepMargin is how far a sweep goes back behind the one before: over leases that
	// somebody had locked then, and claims whose commit took longer than their lease.
	sweepMargin = time.Minute
	// sweepEverything is how often a sweep looks at all there is, for what was locked for
	// longer.
	sweepEverything = 24 * time.Hour
)

// sweeper dead-letters what is exhausted in queues where no claim comes across it.
//
// A look at every eligible message takes 0.3 s for a million, and in a large queue it
// reads the whole table; every process would do that once a minute. A message gets
// exhausted by the end of a lease, so only those are looked at that became eligible
// since the last time, and all of them in the first round of a process, for leases
// that ended while there was none. Maintenance alone uses it, so it needs no lock.
type sweeper struct {
	since time.Time // by the database's clock: it was looked at everything before. Zero: at nothing
	whole time.Time // by this process's clock: the last look at everything
}

func (s *sweeper) sweep(ctx context.Context, e engine.Engine) error {
	since := s.since
	if time.Since(s.whole) >= sweepEverything {
		since = time.Time{}
	}
	began := time.Now()
	_, until, err := e.SweepSince(ctx, since)
	if err != nil {
		return err
	}
	if since.IsZero() {
		s.whole = began
	}
	// From the instant of this look, also when the clock has stepped back to before the
	// last one: leases that end in between are ahead again.
	s.since = until.Add(-sweepMargin)
	return nil
}
