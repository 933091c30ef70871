package sqlite

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// GetArchived implements engine.Archive.
func (e *store) GetArchived(ctx context.Context, id int64) (m model.Message, err error) {
	err = e.read(ctx, func(c *conn) error {
		var found bool
		var err error
		m, found, err = selectOne(c, "archived_by_id", scanArchived, id)
		if err == nil && !found {
			err = messageNotFound(id, "the archive")
		}
		return err
	})
	return m, err
}

// ListArchived implements engine.Archive.
func (e *store) ListArchived(ctx context.Context, f engine.Filter, page model.Page) (list []model.Message, err error) {
	limit, offset := pageArgs(page)
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, ofDead("archived_list", f), scanArchived, selecting(f, limit, offset)...)
		return err
	})
	return list, err
}

// CountArchived implements engine.Archive.
func (e *store) CountArchived(ctx context.Context, f engine.Filter) (int64, error) {
	if f == (engine.Filter{}) {
		return e.count(ctx, "archived_count_all")
	}
	return e.count(ctx, ofDead("archived_count", f), selecting(f)...)
}

// ofDead names the statement that looks at the dead letters alone, where they
// alone are asked for.
func ofDead(name string, f engine.Filter) string {
	if f.DeadOnly {
		return name + "_dead"
	}
	return name
}

// DeleteArchived implements engine.Archive.
func (e *store) DeleteArchived(ctx context.Context, id int64) error {
	return e.write(ctx, 1, func(t *tx) error {
		n, err := t.exec("archived_delete", id)
		if err == nil && n == 0 {
			err = messageNotFound(id, "the archive")
		}
		return err
	})
}

// ReplayArchived implements engine.Archive.
func (e *store) ReplayArchived(ctx context.Context, id int64) error {
	return e.write(ctx, 1, func(t *tx) error {
		var dead, queue bool
		n, err := t.query("replay_guard", func(row *sqlite3.Stmt) {
			dead, queue = row.ColumnInt64(0) != 0, row.ColumnInt64(1) != 0
		}, id)
		switch {
		case err != nil:
			return err
		case n == 0:
			return messageNotFound(id, "the archive")
		case !dead:
			return stateTransition("Message %d was archived by its consumer: only dead letters can be replayed", id)
		case !queue:
			return &fault.Error{Kind: fault.QueueNotFound, Safe: true, Text: "the queue of this message was deleted: create one and enqueue the payload"}
		}
		if _, err := t.exec("replay", id, t.now); err != nil {
			return err
		}
		_, err = t.exec("archived_delete", id)
		return err
	})
}

// PruneFrom implements engine.Archive. An index finds what is old, wherever it is.
func (e *store) PruneFrom(ctx context.Context, from int64, age time.Duration, limit int) (engine.Pruned, error) {
	removed, err := e.PruneArchive(ctx, engine.Filter{}, age, limit)
	return engine.Pruned{Removed: removed, More: removed == int64(limit), Next: from}, err
}

// PruneArchive implements engine.Archive. It looks for what is old beside the
// writer, because a filter may have it look at the whole archive.
func (e *store) PruneArchive(ctx context.Context, f engine.Filter, age time.Duration, limit int) (removed int64, err error) {
	before := microsNow() - micros(age)
	var old []int64
	err = e.read(ctx, func(c *conn) (err error) {
		old, err = selectAll(c, ofDead("archived_old", f), scanID, selecting(f, before, int64(limit))...)
		return err
	})
	if err != nil || len(old) == 0 {
		return 0, err
	}
	err = e.write(ctx, len(old), func(t *tx) (err error) {
		removed, err = t.execEach("archived_prune", old, before)
		return err
	})
	return removed, err
}
