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
		// What is released, or leased at the very moment, may escape a pass.
		n, err := s.purgePass(ctx, queue.ID, last)
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
	}
}

// purgePass walks the queue once.
func (s *store) purgePass(ctx context.Context, queue, last int64) (removed int64, err error) {
	from := pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	for {
		var n int64
		var reached pgtype.Timestamptz
		if err := s.writeWith(ctx, pinned, s.step("PurgePart", one(&n, &reached), queue, from, last, purgePart)); err != nil {
			return removed, err
		}
		removed += n
		if n < purgePart {
			return removed, nil
		}
		from = reached
	}
}
