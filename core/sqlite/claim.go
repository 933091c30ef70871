package sqlite

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// Claim implements engine.Messages. The messages are read in their order first
// and leased by id then; nobody can come between, because the transaction holds
// the only write lock from its beginning. Its commit is not synced: a lease that a
// loss of power undoes is a message that is delivered again.
func (e *store) Claim(ctx context.Context, claims []engine.Claim) ([]engine.Claimed, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	limit := 0
	for _, c := range claims {
		if c.Limit < 1 {
			return nil, fault.Argument("limit", "must be at least 1, not %d", c.Limit)
		}
		limit += c.Limit
	}
	answers := make([]engine.Claimed, len(claims))
	err := e.submit(&job{ctx: ctx, rows: limit, relaxed: true, run: func(t *tx) (err error) {
		for i := 0; i < len(claims) && err == nil; i++ {
			answers[i], err = t.claim(claims[i])
		}
		return err
	}})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (t *tx) claim(c engine.Claim) (out engine.Claimed, err error) {
	maxReads, err := t.mayClaim(c.QueueID, c.WorkerID)
	if err != nil {
		return out, err
	}
	at := t.now
	if !c.At.IsZero() {
		at = c.At.UnixMicro()
	}
	out.NextDue = -1
	out.Messages, err = selectAll(t.conn, "claim_due", scanMessage, c.QueueID, at, maxReads, int64(c.Limit))
	if err != nil {
		return out, err
	}
	ids := make([]int64, len(out.Messages))
	until := t.now + micros(c.Lease)
	for i := range out.Messages {
		m := &out.Messages[i]
		ids[i] = m.ID
		m.PriorVT, m.VT = m.VT, instant(until)
		m.ReadCt++
		m.ConsumerWorkerID = c.WorkerID
		if m.DequeuedAt.IsZero() {
			m.DequeuedAt = instant(t.now)
		}
	}
	if _, err := t.execEach("claim_lease", ids, until, t.now, c.WorkerID); err != nil {
		return out, err
	}
	if len(out.Messages) == c.Limit {
		return out, nil
	}

	exhausted, err := selectAll(t.conn, "exhausted_of_queue", scanID, c.QueueID, t.now, maxReads)
	if err != nil {
		return out, err
	}
	if err := t.archive(exhausted, deadExpired); err != nil {
		return out, err
	}
	due, err := t.integer("claim_next_due", c.QueueID, t.now)
	if err == nil && due != 0 {
		out.NextDue = time.Duration(due-t.now) * time.Microsecond
	}
	return out, err
}

// mayClaim checks the queue and the worker, and returns how often a message of
// the queue may be leased.
func (t *tx) mayClaim(queueID, workerID int64) (maxReads int64, err error) {
	var noQueue, noWorker bool
	var status model.WorkerStatus
	_, err = t.query("claim_guard", func(row *sqlite3.Stmt) {
		maxReads, noQueue = row.ColumnInt64(0), row.ColumnType(0) == sqlite3.NULL
		status, noWorker = model.WorkerStatus(row.ColumnText(1)), row.ColumnType(1) == sqlite3.NULL
	}, queueID, workerID)
	switch {
	case err != nil:
	case noQueue:
		err = queueIDNotFound(queueID)
	case noWorker:
		err = workerNotFound(workerID).ByRow()
	case !status.MayClaim():
		err = stateTransition("Worker %d is %s: it takes no messages", workerID, status).ByRow()
	}
	return maxReads, err
}
