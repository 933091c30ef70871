package sqlite

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// workerNotFound is the fault of an id without a worker.
func workerNotFound(id int64) *fault.Error {
	err := fault.New(fault.WorkerNotFound, "Worker %d not found: it was removed, or never registered", id)
	err.Safe = true
	return err
}

// workerByID finds a worker or fails.
func workerByID(c *conn, id int64) (model.WorkerInfo, error) {
	w, found, err := selectOne(c, "worker_by_id", scanWorker, id)
	if err == nil && !found {
		err = workerNotFound(id)
	}
	return w, err
}

// RegisterWorker implements engine.Workers.
func (e *store) RegisterWorker(ctx context.Context, w model.NewWorker) (info model.WorkerInfo, err error) {
	err = e.write(ctx, 1, func(t *tx) error {
		if w.QueueID != 0 {
			if err := mustQueue(t.conn, w.QueueID); err != nil {
				return err
			}
		}
		var err error
		info, _, err = selectOne(t.conn, "worker_register", scanWorker, w.QueueID, w.Name, w.Hostname, int64(w.Port), t.now)
		return err
	})
	return info, err
}

// GetWorker implements engine.Workers.
func (e *store) GetWorker(ctx context.Context, id int64) (w model.WorkerInfo, err error) {
	err = e.read(ctx, func(c *conn) (err error) {
		w, err = workerByID(c, id)
		return err
	})
	return w, err
}

// ListWorkers implements engine.Workers.
func (e *store) ListWorkers(ctx context.Context, queueID int64, page model.Page) (list []model.WorkerInfo, err error) {
	limit, offset := pageArgs(page)
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, "worker_list", scanWorker, queueID, limit, offset)
		return err
	})
	return list, err
}

// CountWorkers implements engine.Workers.
func (e *store) CountWorkers(ctx context.Context, queueID int64) (int64, error) {
	return e.count(ctx, "worker_count", queueID)
}

// WorkerStats implements engine.Workers.
func (e *store) WorkerStats(ctx context.Context, queueID int64, stale time.Duration) (list []model.WorkerStats, err error) {
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, "worker_stats", scanWorkerStats, queueID, microsNow()-micros(stale))
		return err
	})
	return list, err
}

func scanWorkerStats(row *sqlite3.Stmt) model.WorkerStats {
	w := model.WorkerStats{QueueID: row.ColumnInt64(0), QueueName: row.ColumnText(1)}
	for i, field := range []*int64{
		&w.Total, &w.Ready, &w.Polling, &w.Suspended, &w.Interrupted, &w.Stopped, &w.Producers, &w.Consumers, &w.Stale,
	} {
		*field = row.ColumnInt64(2 + i)
	}
	w.OldestHeartbeat, w.NewestHeartbeat = instant(row.ColumnInt64(11)), instant(row.ColumnInt64(12))
	return w
}

// SetWorkerStatus implements engine.Workers.
func (e *store) SetWorkerStatus(ctx context.Context, id int64, from []model.WorkerStatus, to model.WorkerStatus) error {
	states, err := json.Marshal(from)
	if err != nil {
		return fault.New(fault.Internal, "worker states: %w", err)
	}
	return e.write(ctx, 1, func(t *tx) error {
		n, err := t.exec("worker_set_status", id, string(to), string(states), t.now)
		if err != nil || n == 1 {
			return err
		}
		w, err := workerByID(t.conn, id)
		if err != nil {
			return err
		}
		return stateTransition("Worker %d is %s: it cannot become %s", id, w.Status, to)
	})
}

// Heartbeat implements engine.Workers.
func (e *store) Heartbeat(ctx context.Context, ids []int64) (states map[int64]model.WorkerStatus, err error) {
	err = e.write(ctx, max(len(ids), 1), func(t *tx) error {
		states = make(map[int64]model.WorkerStatus, len(ids))
		if _, err := t.execEach("worker_beat", ids, t.now); err != nil {
			return err
		}
		return t.queryEach("worker_states", ids, func(row *sqlite3.Stmt) {
			states[row.ColumnInt64(0)] = model.WorkerStatus(row.ColumnText(1))
		})
	})
	return states, err
}

// StopWorkers implements engine.Workers. An index finds what a worker holds, however
// long its leases are.
func (e *store) StopWorkers(ctx context.Context, ids []int64, _ time.Duration, remove bool) (released int64, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids))) // each holds what it holds once
	err = e.write(ctx, max(len(ids), 1), func(t *tx) error {
		var err error
		if released, err = t.letGo(ids); err != nil {
			return err
		}
		if remove {
			_, err = t.execEach("worker_delete", ids)
		} else {
			_, err = t.execEach("worker_stop", ids, t.now)
		}
		return err
	})
	return released, err
}

// DeleteWorker implements engine.Workers.
func (e *store) DeleteWorker(ctx context.Context, id int64) error {
	return e.write(ctx, 1, func(t *tx) error {
		holds, err := t.integer("worker_leases", id, t.now)
		if err != nil {
			return err
		}
		n, err := t.execEach("worker_delete", []int64{id})
		switch {
		case err != nil:
			return err
		case n == 0:
			return workerNotFound(id)
		case holds != 0: // fails the call, which rolls the deletion back
			return stateTransition("Worker %d holds leases: release its messages first", id)
		}
		return nil
	})
}

// PurgeWorkers implements engine.Workers.
func (e *store) PurgeWorkers(ctx context.Context, stale time.Duration) (removed int64, err error) {
	err = e.write(ctx, 1, func(t *tx) (err error) {
		removed, err = t.exec("worker_purge", t.now-micros(stale), t.now)
		return err
	})
	return removed, err
}

// Reclaim implements engine.Messages. The workers of a queue are those bound to
// it, or to none: they lose what they hold, wherever.
func (e *store) Reclaim(ctx context.Context, queueID int64, olderThan time.Duration) (released int64, err error) {
	err = e.write(ctx, 0, func(t *tx) error {
		ids, err := selectAll(t.conn, "worker_stale", scanID, queueID, t.now-micros(olderThan))
		if err != nil {
			return err
		}
		if released, err = t.letGo(ids); err != nil {
			return err
		}
		_, err = t.execEach("worker_stop", ids, t.now)
		return err
	})
	return released, err
}
