package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// CreateQueue implements engine.Queues.
func (s *store) CreateQueue(ctx context.Context, name string, maxReadCt int32) (model.QueueInfo, error) {
	var made []model.QueueInfo
	if err := s.write(ctx, s.step("CreateQueue", each(&made, scanQueue), name, maxReadCt)); err != nil {
		return model.QueueInfo{}, err
	}
	if len(made) == 0 {
		return model.QueueInfo{}, &fault.Error{Kind: fault.QueueExists, Field: name, Text: fmt.Sprintf("Queue '%s' already exists", name), Safe: true}
	}
	return made[0], nil
}

// GetQueue implements engine.Queues.
func (s *store) GetQueue(ctx context.Context, name string) (model.QueueInfo, error) {
	var found []model.QueueInfo
	if err := s.read(ctx, s.step("GetQueue", each(&found, scanQueue), name)); err != nil {
		return model.QueueInfo{}, err
	}
	if len(found) == 0 {
		return model.QueueInfo{}, queueNameNotFound(name)
	}
	return found[0], nil
}

// GetQueueByID implements engine.Queues.
func (s *store) GetQueueByID(ctx context.Context, id int64) (model.QueueInfo, error) {
	var found []model.QueueInfo
	if err := s.read(ctx, s.step("GetQueueByID", each(&found, scanQueue), id)); err != nil {
		return model.QueueInfo{}, err
	}
	if len(found) == 0 {
		return model.QueueInfo{}, queueNotFound(id)
	}
	return found[0], nil
}

// ListQueues implements engine.Queues.
func (s *store) ListQueues(ctx context.Context, page model.Page) (list []model.QueueInfo, err error) {
	err = s.read(ctx, s.step("ListQueues", each(&list, scanQueue), pageLimit(page), page.Offset))
	return list, err
}

// CountQueues implements engine.Queues.
func (s *store) CountQueues(ctx context.Context) (n int64, err error) {
	err = s.read(ctx, s.step("CountQueues", one(&n)))
	return n, err
}

// DeleteQueue implements engine.Queues.
func (s *store) DeleteQueue(ctx context.Context, name string) error {
	return s.withQueueLocked(ctx, name, func(tx pgx.Tx, queue int64) error {
		var messages, workers, workflow bool
		if err := tx.QueryRow(ctx, s.queries.get("QueueInUse"), queue).Scan(&messages, &workers, &workflow); err != nil {
			return err
		}
		switch {
		case workflow:
			return engine.KeptByWorkflow(name)
		case messages:
			return stateTransition("Queue '%s' still has messages: consume or purge them first", name)
		case workers:
			return stateTransition("Queue '%s' still has workers that are not stopped: shut them down first", name)
		}
		if _, err := tx.Exec(ctx, s.queries.get("DeleteQueueKeys"), queue); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, s.queries.get("DeleteQueue"), queue)
		return err
	})
}

// Forget implements engine.Queues.
func (s *store) Forget(queueID int64) {
	s.hints.forget(queueID)
	s.streams.Delete(queueID)
}

// withQueueLocked runs f while nobody can enqueue, claim or acknowledge.
func (s *store) withQueueLocked(ctx context.Context, name string, f func(tx pgx.Tx, queue int64) error) error {
	return s.stopping(ctx, func(tx pgx.Tx) error {
		if err := s.impatient(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.queries.get("LockMessages")); err != nil {
			return s.unlocked(ctx, "queue", "a transaction that has written messages", err)
		}
		var queue int64
		switch err := tx.QueryRow(ctx, s.queries.get("LockQueue"), name).Scan(&queue); err {
		case nil:
			return f(tx, queue)
		case pgx.ErrNoRows:
			return queueNameNotFound(name)
		default:
			return err
		}
	})
}

// Metrics implements engine.Queues.
func (s *store) Metrics(ctx context.Context, queueID int64) (list []model.QueueMetrics, err error) {
	err = s.read(ctx, s.step("Metrics", each(&list, scanMetrics), queueID))
	return list, err
}

func scanMetrics(rows pgx.Rows) (model.QueueMetrics, error) {
	var m model.QueueMetrics
	var oldest pgtype.Timestamptz
	err := rows.Scan(&m.QueueID, &m.QueueName, &m.Pending, &m.Delayed, &m.Leased, &m.Archived, &m.Dead, &oldest)
	m.OldestPending = utc(oldest)
	return m, err
}

// Stats implements engine.Queues.
func (s *store) Stats(ctx context.Context) (st model.SystemStats, err error) {
	err = s.read(ctx, s.step("Stats",
		one(&st.Queues, &st.Workers, &st.Pending, &st.Delayed, &st.Leased, &st.Archived, &st.Dead, &st.SchemaVersion)))
	return st, err
}
