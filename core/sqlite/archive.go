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

// archivedPage is what a step of PruneArchive looks at.
type archivedPage struct{ id, enqueuedAt, archivedAt int64 }

func scanArchivedPage(row *sqlite3.Stmt) archivedPage {
	return archivedPage{row.ColumnInt64(0), row.ColumnInt64(1), row.ColumnInt64(2)}
}

// PruneArchive implements engine.Archive. It looks for what is old beside the
// writer, because a filter may have it look at the whole archive.
func (e *store) PruneArchive(ctx context.Context, f engine.Filter, age time.Duration, from int64, limit int) (p engine.Pruned, err error) {
	before := microsNow() - micros(age)
	var page []archivedPage
	err = e.read(ctx, func(c *conn) (err error) {
		page, err = selectAll(c, ofDead("archived_page", f), scanArchivedPage, selecting(f, from, int64(limit))...)
		return err
	})
	if err != nil {
		return engine.Pruned{}, err
	}
	p = engine.Pruned{Next: from, End: len(page) < limit, Young: true}
	var old []int64
	for _, m := range page {
		p.Next = m.id + 1
		p.Young = p.Young && m.enqueuedAt >= before
		if m.archivedAt < before {
			old = append(old, m.id)
		}
	}
	if len(old) == 0 {
		return p, nil
	}
	err = e.write(ctx, len(old), func(t *tx) (err error) {
		p.Removed, err = t.execEach("archived_prune", old, before)
		return err
	})
	if err != nil {
		return engine.Pruned{}, err
	}
	return p, nil
}
