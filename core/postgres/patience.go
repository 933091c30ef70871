package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/fault"
)

const (
	lockPatience = 50 * time.Millisecond
	lockPause    = 500 * time.Millisecond
)

// stopping runs f in a transaction that takes locks which nobody can enqueue, claim or
// acknowledge under. Whoever has written a message and not ended the transaction keeps
// such a lock from it, and while it waits everybody else waits behind it. So it waits
// shortly, and often. f calls impatient before the first of these locks, and returns a
// failure to get one as a fault.IsHeld.
func (s *store) stopping(ctx context.Context, f func(tx pgx.Tx) error) error {
	for until := time.Now().Add(s.writeTimeout); ; {
		err := s.transaction(ctx, f)
		if !fault.IsHeld(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return fault.FromContext(ctx)
		}
	}
}

// impatient has the locks of the transaction waited for shortly from here on.
func (s *store) impatient(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, s.queries.get("LockPatience"), timeoutText(lockPatience))
	return err
}

// unlocked makes a fault that names the remedy of an error that came of impatience; who
// is which transaction keeps the lock.
func (s *store) unlocked(ctx context.Context, field, who string, err error) error {
	return held(s.fault(ctx, reading, err), field, 0, who+" does not end: "+
		"nothing was changed; repeat the call, or end that transaction")
}
