package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// RegisterWorker implements engine.Workers.
func (s *store) RegisterWorker(ctx context.Context, w model.NewWorker) (model.WorkerInfo, error) {
	var made []model.WorkerInfo
	register := s.step("RegisterWorker", each(&made, scanWorker), w.QueueID, w.Name, w.Hostname, w.Port)
	if w.QueueID == 0 {
		register = s.step("RegisterUnboundWorker", each(&made, scanWorker), w.Name, w.Hostname, w.Port)
	}
	if err := s.write(ctx, register); err != nil {
		return model.WorkerInfo{}, err
	}
	if len(made) == 0 {
		return model.WorkerInfo{}, queueNotFound(w.QueueID)
	}
	return made[0], nil
}

// GetWorker implements engine.Workers.
func (s *store) GetWorker(ctx context.Context, id int64) (model.WorkerInfo, error) {
	var found []model.WorkerInfo
	if err := s.read(ctx, s.step("GetWorker", each(&found, scanWorker), id)); err != nil {
		return model.WorkerInfo{}, err
	}
	if len(found) == 0 {
		return model.WorkerInfo{}, workerNotFound(id)
	}
	return found[0], nil
}

// ListWorkers implements engine.Workers.
func (s *store) ListWorkers(ctx context.Context, queueID int64, page model.Page) (list []model.WorkerInfo, err error) {
	err = s.read(ctx, s.step("ListWorkers", each(&list, scanWorker), queueID, pageLimit(page), page.Offset))
	return list, err
}

// CountWorkers implements engine.Workers.
func (s *store) CountWorkers(ctx context.Context, queueID int64) (n int64, err error) {
	err = s.read(ctx, s.step("CountWorkers", one(&n), queueID))
	return n, err
}

// WorkerStats implements engine.Workers.
func (s *store) WorkerStats(ctx context.Context, queueID int64, stale time.Duration) (list []model.WorkerStats, err error) {
	err = s.read(ctx, s.step("WorkerStats", each(&list, scanWorkerStats), queueID, seconds(stale)))
	return list, err
}

func scanWorkerStats(rows pgx.Rows) (model.WorkerStats, error) {
	var w model.WorkerStats
	var oldest, newest pgtype.Timestamptz
	err := rows.Scan(&w.QueueID, &w.QueueName, &w.Total, &w.Ready, &w.Polling, &w.Suspended, &w.Interrupted, &w.Stopped,
		&w.Producers, &w.Consumers, &w.Stale, &oldest, &newest)
	w.OldestHeartbeat, w.NewestHeartbeat = utc(oldest), utc(newest)
	return w, err
}

// SetWorkerStatus implements engine.Workers.
func (s *store) SetWorkerStatus(ctx context.Context, id int64, from []model.WorkerStatus, to model.WorkerStatus) error {
	var moved int64
	var present *string
	words := make([]string, len(from))
	for i, status := range from {
		words[i] = string(status)
	}
	err := s.write(ctx,
		s.step("SetWorkerStatus", affected(&moved), id, words, string(to)),
		s.step("WorkerStatus", optional(&present), id))
	switch {
	case err != nil:
		return err
	case moved > 0:
		return nil
	case present == nil:
		return workerNotFound(id)
	}
	return stateTransition("Worker %d is %s: it cannot become %s", id, *present, to)
}

// optional reads a single text, nil when there is no row.
func optional(into **string) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*into = nil
		return one(into)(rows)
	}
}

// Heartbeat implements engine.Workers.
func (s *store) Heartbeat(ctx context.Context, ids []int64) (map[int64]model.WorkerStatus, error) {
	states := make(map[int64]model.WorkerStatus, len(ids))
	if len(ids) == 0 {
		return states, nil
	}
	err := s.writeWith(ctx, either, s.step("Heartbeat", func(rows pgx.Rows) error {
		clear(states)
		for rows.Next() {
			var id int64
			var status string
			if err := rows.Scan(&id, &status); err != nil {
				return err
			}
			states[id] = model.WorkerStatus(status)
		}
		return nil
	}, sorted(ids)))
	return states, err
}

// StopWorkers implements engine.Workers.
func (s *store) StopWorkers(ctx context.Context, ids []int64, leases time.Duration, remove bool) (released int64, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	ids = sorted(ids)
	ending := s.step("StopWorkers", nil, ids)
	if remove {
		ending = s.step("RemoveWorkers", nil, ids)
	}
	err = s.writeWith(ctx, pinned,
		s.step("ReleaseHeld", one(&released), ids, seconds(leases)),
		ending)
	return released, err
}

// Reclaim implements engine.Messages.
func (s *store) Reclaim(ctx context.Context, queueID int64, olderThan time.Duration) (released int64, err error) {
	err = s.transaction(ctx, func(tx pgx.Tx) error {
		released = 0
		rows, err := tx.Query(ctx, s.queries.get("StaleWorkers"), queueID, seconds(olderThan))
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := tx.QueryRow(ctx, s.queries.get("ReleaseHeld"), ids, seconds(engine.AnyLease)).Scan(&released); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.queries.get("StopWorkers"), ids)
		return err
	})
	return released, err
}

// DeleteWorker implements engine.Workers.
func (s *store) DeleteWorker(ctx context.Context, id int64) error {
	return s.transaction(ctx, func(tx pgx.Tx) error {
		var status string
		switch err := tx.QueryRow(ctx, s.queries.get("LockWorker"), id).Scan(&status); err {
		case nil:
		case pgx.ErrNoRows:
			return workerNotFound(id)
		default:
			return err
		}
		var holds bool
		if err := tx.QueryRow(ctx, s.queries.get("HoldsLeases"), id).Scan(&holds); err != nil {
			return err
		}
		if holds {
			return stateTransition("Worker %d holds leases: release its messages first", id)
		}
		_, err := tx.Exec(ctx, s.queries.get("RemoveWorkers"), []int64{id})
		return err
	})
}

// PurgeWorkers implements engine.Workers.
func (s *store) PurgeWorkers(ctx context.Context, stale time.Duration) (removed int64, err error) {
	err = s.writeWith(ctx, pinned, s.step("PurgeWorkers", one(&removed), seconds(stale)))
	return removed, err
}

// sorted returns the ids in the order in which rows are locked.
func sorted(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}
