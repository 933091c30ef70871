package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// sweepRows is how many messages one transaction of a SweepSince moves at most.
const sweepRows = 10000

// Sweep implements engine.Messages.
func (s *store) Sweep(ctx context.Context, queueID int64) (int64, error) {
	moved, _, err := s.sweepAll(ctx, queueID)
	return moved, err
}

func (s *store) sweepAll(ctx context.Context, queueID int64) (moved int64, until time.Time, err error) {
	err = s.transaction(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, s.queries.get("Sweep"), queueID).Scan(&moved, &until)
	})
	return moved, until, err
}

// SweepSince implements engine.Messages.
func (s *store) SweepSince(ctx context.Context, since time.Time) (moved int64, until time.Time, err error) {
	if since.IsZero() {
		return s.sweepAll(ctx, 0)
	}
	for {
		var n int64
		var at time.Time
		err = s.writeWith(ctx, pinned, s.step("SweepSince", one(&n, &at), since, sweepRows))
		moved += n
		if until.IsZero() {
			until = at
		}
		if err != nil || n < sweepRows {
			return moved, until, err
		}
	}
}

// DeadLetter implements engine.Messages.
func (s *store) DeadLetter(ctx context.Context, id int64) error {
	var moved int64
	var queued bool
	err := s.write(ctx,
		s.step("DeadLetter", affected(&moved), id),
		s.step("MessageExists", one(&queued), id))
	switch {
	case err != nil:
		return err
	case moved > 0:
		return nil
	case queued:
		return stateTransition("message %d is leased: wait for its lease to end, or release its worker's messages first", id)
	}
	return messageNotFound(id)
}

// GetMessage implements engine.Messages.
func (s *store) GetMessage(ctx context.Context, id int64) (model.Message, error) {
	return s.getMessage(ctx, "GetMessage", id)
}

// ListMessages implements engine.Messages.
func (s *store) ListMessages(ctx context.Context, f engine.Filter, page model.Page) (list []model.Message, err error) {
	err = s.read(ctx, s.step("ListMessages", each(&list, scanMessage), selecting(f, pageLimit(page), page.Offset)...))
	return list, err
}

// CountMessages implements engine.Messages.
func (s *store) CountMessages(ctx context.Context, f engine.Filter) (n int64, err error) {
	err = s.read(ctx, s.step("CountMessages", one(&n), selecting(f)...))
	return n, err
}

// selecting returns the parameters of a filter, and more behind them.
func selecting(f engine.Filter, more ...any) []any {
	var contains *string
	if f.Contains != "" {
		contains = &f.Contains
	}
	return append([]any{f.QueueID, f.WorkerID, f.MinReads, contains}, more...)
}

// GetArchived implements engine.Archive.
func (s *store) GetArchived(ctx context.Context, id int64) (model.Message, error) {
	return s.getMessage(ctx, "GetArchived", id)
}

func (s *store) getMessage(ctx context.Context, query string, id int64) (model.Message, error) {
	var found []model.Message
	if err := s.read(ctx, s.step(query, each(&found, scanMessage), id)); err != nil {
		return model.Message{}, err
	}
	if len(found) == 0 {
		return model.Message{}, messageNotFound(id)
	}
	return found[0], nil
}

// ListArchived implements engine.Archive.
func (s *store) ListArchived(ctx context.Context, f engine.Filter, page model.Page) (list []model.Message, err error) {
	err = s.read(ctx, s.step("ListArchived", each(&list, scanMessage), selecting(f, f.DeadOnly, pageLimit(page), page.Offset)...))
	return list, err
}

// CountArchived implements engine.Archive.
func (s *store) CountArchived(ctx context.Context, f engine.Filter) (n int64, err error) {
	err = s.read(ctx, s.step("CountArchived", one(&n), selecting(f, f.DeadOnly)...))
	return n, err
}

// DeleteArchived implements engine.Archive.
func (s *store) DeleteArchived(ctx context.Context, id int64) error {
	var removed int64
	if err := s.write(ctx, s.step("DeleteArchived", affected(&removed), id)); err != nil {
		return err
	}
	if removed == 0 {
		return messageNotFound(id)
	}
	return nil
}

// ReplayArchived implements engine.Archive.
func (s *store) ReplayArchived(ctx context.Context, id int64) error {
	var replayed, queue int64
	var dead *bool // nil: no such row
	err := s.write(ctx,
		s.step("ReplayArchived", affected(&replayed), id),
		s.step("WhyNotReplayed", func(rows pgx.Rows) error {
			dead = nil
			return one(&dead, &queue)(rows)
		}, id))
	switch {
	case err != nil:
		return err
	case replayed > 0:
		return nil
	case dead == nil:
		return messageNotFound(id)
	case !*dead:
		return stateTransition("message %d was archived by its consumer: only dead letters are replayed", id)
	}
	return queueNotFound(queue)
}

// PruneArchive implements engine.Archive.
func (s *store) PruneArchive(ctx context.Context, f engine.Filter, age time.Duration, from int64, limit int) (p engine.Pruned, err error) {
	walk := ordinary // a filter may leave so little that the order of the ids is no help
	if f == (engine.Filter{}) {
		walk = pinned
	}
	var seen, last int64
	args := selecting(f, f.DeadOnly, from, seconds(age), int64(limit))
	err = s.writeWith(ctx, walk, s.step("PruneArchive", one(&p.Removed, &seen, &last, &p.Young), args...))
	if err != nil {
		return engine.Pruned{}, err
	}
	p.Next, p.End = last+1, seen < int64(limit)
	return p, nil
}
