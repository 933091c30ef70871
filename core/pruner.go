package core

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
)

const (
	// pruneParts is into how many parts a retention is divided: as often the pruner
	// begins again from the first message.
	pruneParts = 24
	// pruneWhole is how often it does so at least.
	pruneWhole = 24 * time.Hour
)

// pruner removes what has been in the archive for longer than it is to be kept.
//
// Messages leave the archive nearly as they came, by ascending id, so a round goes on
// where the last one ended, and a large archive costs no more than a small one. What a
// round has passed because it was archived long after it was enqueued waits for the
// next look from the beginning, where little else is left. Maintenance alone uses it,
// so it needs no lock.
type pruner struct {
	next  int64     // the id at which the next round begins
	whole time.Time // by this process's clock: the last time it began with the first one
}

func (p *pruner) prune(ctx context.Context, e engine.Engine, age time.Duration) error {
	if now := time.Now(); now.Sub(p.whole) >= min(max(age/pruneParts, maintenanceInterval), pruneWhole) {
		p.next, p.whole = 0, now
	}
	for {
		step, err := e.PruneArchive(ctx, engine.Filter{}, age, p.next, pruneChunk)
		if err != nil || step.End || step.Young { // which the next round looks at again
			return err
		}
		p.next = step.Next
	}
}

// purge removes what f selects of the archive and is older than age, and returns how
// much, also when it fails.
func purge(ctx context.Context, e engine.Engine, f engine.Filter, age time.Duration) (removed int64, err error) {
	for from := int64(0); ; {
		step, err := e.PruneArchive(ctx, f, age, from, pruneChunk)
		removed += step.Removed
		if err != nil || step.End {
			return removed, err
		}
		from = step.Next
	}
}
