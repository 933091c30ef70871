package sqlite

import (
	"context"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// queueNotFound is the fault of a name without a queue.
func queueNotFound(name string) error {
	return &fault.Error{Kind: fault.QueueNotFound, Field: name, Safe: true, Text: "Queue '" + name + "' not found"}
}

// queueIDNotFound is the fault of an id without a queue.
func queueIDNotFound(id int64) error {
	err := fault.New(fault.QueueNotFound, "Queue with id %d not found: it was deleted, or never created", id)
	err.Safe = true
	return err
}

// mustQueue fails unless the queue exists.
func mustQueue(c *conn, id int64) error {
	found, err := c.integer("queue_exists", id)
	if err == nil && found == 0 {
		err = queueIDNotFound(id)
	}
	return err
}

// queueNamed finds a queue or fails.
func queueNamed(c *conn, name string) (model.QueueInfo, error) {
	q, found, err := selectOne(c, "queue_by_name", scanQueue, name)
	if err == nil && !found {
		err = queueNotFound(name)
	}
	return q, err
}

// CreateQueue implements engine.Queues.
func (e *store) CreateQueue(ctx context.Context, name string, maxReadCt int32) (q model.QueueInfo, err error) {
	err = e.write(ctx, 1, func(t *tx) error {
		var created bool
		var err error
		q, created, err = selectOne(t.conn, "queue_create", scanQueue, name, t.now, int64(maxReadCt))
		if err == nil && !created {
			err = &fault.Error{Kind: fault.QueueExists, Field: name, Safe: true, Text: "Queue '" + name + "' already exists"}
		}
		return err
	})
	return q, err
}

// GetQueue implements engine.Queues.
func (e *store) GetQueue(ctx context.Context, name string) (q model.QueueInfo, err error) {
	err = e.read(ctx, func(c *conn) (err error) {
		q, err = queueNamed(c, name)
		return err
	})
	return q, err
}

// GetQueueByID implements engine.Queues.
func (e *store) GetQueueByID(ctx context.Context, id int64) (q model.QueueInfo, err error) {
	err = e.read(ctx, func(c *conn) error {
		var found bool
		var err error
		q, found, err = selectOne(c, "queue_by_id", scanQueue, id)
		if err == nil && !found {
			err = queueIDNotFound(id)
		}
		return err
	})
	return q, err
}

// ListQueues implements engine.Queues.
func (e *store) ListQueues(ctx context.Context, page model.Page) (list []model.QueueInfo, err error) {
	limit, offset := pageArgs(page)
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, "queue_list", scanQueue, limit, offset)
		return err
	})
	return list, err
}

// CountQueues implements engine.Queues.
func (e *store) CountQueues(ctx context.Context) (int64, error) { return e.count(ctx, "queue_count") }

// DeleteQueue implements engine.Queues.
func (e *store) DeleteQueue(ctx context.Context, name string) error {
	return e.write(ctx, 1, func(t *tx) error {
		q, err := queueNamed(t.conn, name)
		if err != nil {
			return err
		}
		var messages, workers, workflow bool
		_, err = t.query("queue_in_use", func(row *sqlite3.Stmt) {
			messages, workers, workflow = row.ColumnInt64(0) != 0, row.ColumnInt64(1) != 0, row.ColumnInt64(2) != 0
		}, q.ID)
		switch {
		case err != nil:
			return err
		case workflow:
			return engine.KeptByWorkflow(name)
		case messages:
			return stateTransition("Queue '%s' still has messages: consume or purge them first", name)
		case workers:
			return stateTransition("Queue '%s' still has workers that are not stopped: shut them down first", name)
		}
		if _, err = t.exec("dedup_forget_queue", q.ID); err != nil {
			return err
		}
		_, err = t.exec("queue_delete", q.ID)
		return err
	})
}

// Forget implements engine.Queues: nothing is remembered.
func (e *store) Forget(int64) {}

// purgePart is how many messages one transaction of a purge removes: nobody waits for
// the write lock for longer than that takes, some 40 ms.
const purgePart = 10000

// PurgeQueue implements engine.Queues.
func (e *store) PurgeQueue(ctx context.Context, name string) (removed int64, err error) {
	q, err := e.GetQueue(ctx, name)
	if err != nil {
		return 0, err
	}
	last, err := e.count(ctx, "message_last")
	if err != nil {
		return 0, err
	}
	for {
		var n int64
		err := e.write(ctx, 0, func(t *tx) (err error) {
			n, err = t.exec("queue_purge", q.ID, last, int64(purgePart))
			return err
		})
		if err != nil {
			return removed, err
		}
		removed += n
		if n < purgePart {
			return removed, nil
		}
	}
}

// Metrics implements engine.Queues.
func (e *store) Metrics(ctx context.Context, queueID int64) (list []model.QueueMetrics, err error) {
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, "queue_metrics", func(row *sqlite3.Stmt) model.QueueMetrics {
			return model.QueueMetrics{
				QueueID: row.ColumnInt64(0), QueueName: row.ColumnText(1),
				Pending: row.ColumnInt64(2), Delayed: row.ColumnInt64(3), Leased: row.ColumnInt64(4),
				Archived: row.ColumnInt64(5), Dead: row.ColumnInt64(6), OldestPending: instant(row.ColumnInt64(7)),
			}
		}, queueID, microsNow())
		if err == nil && queueID != 0 && len(list) == 0 {
			err = queueIDNotFound(queueID)
		}
		return err
	})
	return list, err
}

// Stats implements engine.Queues.
func (e *store) Stats(ctx context.Context) (s model.SystemStats, err error) {
	err = e.read(ctx, func(c *conn) error {
		_, err := c.query("system_stats", func(row *sqlite3.Stmt) {
			for i, field := range []*int64{&s.Queues, &s.Workers, &s.Pending, &s.Delayed, &s.Leased, &s.Archived, &s.Dead, &s.SchemaVersion} {
				*field = row.ColumnInt64(i)
			}
		}, microsNow())
		return err
	})
	return s, err
}

// count reads one number.
func (e *store) count(ctx context.Context, name string, args ...any) (n int64, err error) {
	err = e.read(ctx, func(c *conn) (err error) {
		n, err = c.integer(name, args...)
		return err
	})
	return n, err
}

// stateTransition is the fault of a state that forbids a call.
func stateTransition(format string, args ...any) *fault.Error {
	err := fault.New(fault.StateTransition, format, args...)
	err.Safe = true
	return err
}
