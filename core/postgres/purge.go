package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"
)

// purgePart is how many messages a transaction of a purge removes: acknowledgements
// of these wait for it.
const purgePart = 10_000

// PurgeQueue implements engine.Queues. It removes what was there when it began, a
// part after the other; nobody waits for the whole.
func (s *store) PurgeQueue(ctx context.Context, name string) (removed int64, err error) {
	queue, err := s.GetQueue(ctx, name)
	if err != nil {
		return 0, err
	}
	var last int64
	if err := s.read(ctx, s.step("LastMessage", one(&last))); err != nil {
		return 0, err
	}
	for {
		// What is released, or leased at the very moment, escapes a pass.
		found, gone, err := s.purgePass(ctx, queue.ID, last)
		removed += gone
		if err != nil || found == 0 {
			return removed, err
		}
	}
}

// purgePass walks the queue once and tells how many messages it found, and how many
// of these it removed.
func (s *store) purgePass(ctx context.Context, queue, last int64) (found, gone int64, err error) {
	from := pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	for {
		var n, removed int64
		var reached pgtype.Timestamptz
		if err := s.writeWith(ctx, pinned, s.step("PurgePart", one(&n, &removed, &reached), queue, from, last, purgePart)); err != nil {
			return found, gone, err
		}
		found, gone = found+n, gone+removed
		if n < purgePart {
			return found, gone, nil
		}
		from = reached
	}
}
