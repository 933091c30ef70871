package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// lockedRetry is the answer to "when is the next message due" while eligible
// messages are locked by somebody else: it may be about to let them go.
const lockedRetry = 20 * time.Millisecond

// Claim implements engine.Messages. It is one transaction, except when a claim
// behind the hint comes back short: then a second one looks at the whole queue
// for the rest.
func (s *store) Claim(ctx context.Context, c engine.Claim) (engine.Claimed, error) {
	began := time.Now()
	var taken []model.Message
	if from, ok := s.hints.next(c.QueueID, began); ok && c.At.IsZero() {
		var err error
		if taken, err = s.claimFrom(ctx, c, from); err != nil || len(taken) >= c.Limit {
			return engine.Claimed{Messages: handOut(taken), NextDue: -1}, err
		}
	}
	rest := c
	rest.Limit -= len(taken)
	more, next, err := s.claimWhole(ctx, rest, taken)
	if err != nil && len(taken) > 0 {
		// The first part is committed; to lose it for the error of the second
		// would strand its leases.
		s.log.Warn("the second part of a claim failed", "queue", c.QueueID, "error", err)
		return engine.Claimed{Messages: handOut(taken), NextDue: -1}, nil
	}
	return engine.Claimed{Messages: handOut(append(taken, more...)), NextDue: next}, err
}

// handOut sorts by (vt before the claim, id).
func handOut(messages []model.Message) []model.Message {
	slices.SortFunc(messages, func(a, b model.Message) int {
		return cmp.Or(a.PriorVT.Compare(b.PriorVT), cmp.Compare(a.ID, b.ID))
	})
	return messages
}

// claimFrom claims what became eligible at or after an instant.
func (s *store) claimFrom(ctx context.Context, c engine.Claim, from time.Time) ([]model.Message, error) {
	var rows []model.Message
	err := s.writeWith(ctx, pinned,
		s.step("Claim", readClaimed(&rows, c), c.QueueID, int64(c.Limit), seconds(c.Lease), c.WorkerID, from, instant(c.At)))
	if err != nil {
		return nil, err
	}
	s.remember(c.QueueID, rows)
	return rows, nil
}

// claimWhole claims from the whole queue, dead-letters what is exhausted when it
// comes back short, and then tells when the next message is due. It leaves alone
// what the first part has taken: after a stall those leases may have expired, and
// one answer must not hold a message twice.
func (s *store) claimWhole(ctx context.Context, c engine.Claim, taken []model.Message) ([]model.Message, time.Duration, error) {
	began := time.Now()
	held := make([]int64, len(taken))
	for i := range taken {
		held[i] = taken[i].ID
	}
	var rows []model.Message
	var outlook outlook
	err := s.writeWith(ctx, pinned,
		s.step("ClaimWhole", readClaimed(&rows, c), c.QueueID, int64(c.Limit), seconds(c.Lease), c.WorkerID, instant(c.At), held),
		s.step("ClaimOutlook", outlook.read, c.QueueID, c.WorkerID))
	if err != nil {
		return nil, -1, err
	}
	if len(rows) == 0 {
		if err := outlook.refusal(c); err != nil {
			if !outlook.queue {
				s.hints.forget(c.QueueID)
			}
			return nil, -1, err
		}
	}
	if !c.At.IsZero() {
		return rows, -1, nil // an instant of the caller says nothing about the queue at the server's clock
	}
	s.hints.whole(c.QueueID, began, time.Now())
	s.remember(c.QueueID, rows)
	if len(rows) >= c.Limit {
		return rows, -1, nil
	}
	return rows, outlook.nextDue(), nil
}

func (s *store) remember(queue int64, rows []model.Message) {
	var latest time.Time
	for i := range rows {
		if rows[i].PriorVT.After(latest) {
			latest = rows[i].PriorVT
		}
	}
	if !latest.IsZero() {
		s.hints.claimed(queue, latest)
	}
}

// outlook is what the ClaimOutlook query tells.
type outlook struct {
	queue  bool          // the queue exists
	worker pgtype.Text   // the worker's state, if it exists
	due    pgtype.Float8 // seconds until the first message is eligible, if there is one
}

func (o *outlook) read(rows pgx.Rows) error { return one(&o.queue, &o.worker, &o.due)(rows) }

// refusal tells why an empty claim was not allowed to take anything.
func (o *outlook) refusal(c engine.Claim) error {
	switch {
	case !o.queue:
		return queueNotFound(c.QueueID)
	case !o.worker.Valid:
		return workerNotFound(c.WorkerID)
	case !model.WorkerStatus(o.worker.String).MayClaim():
		return stateTransition("Worker %d is %s: it takes no messages", c.WorkerID, o.worker.String)
	}
	return nil
}

func (o *outlook) nextDue() time.Duration {
	switch {
	case !o.due.Valid:
		return -1
	case o.due.Float64 <= 0:
		return lockedRetry
	}
	const longest = 1 << 32 // seconds; keeps the product below within range
	return time.Duration(min(o.due.Float64, longest) * float64(time.Second))
}

// readClaimed reads the rows of Claim and ClaimWhole.
func readClaimed(into *[]model.Message, c engine.Claim) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*into = make([]model.Message, 0, min(c.Limit, 1024))
		var enqueued, vt, dequeued, due pgtype.Timestamptz
		var producer pgtype.Int8
		for rows.Next() {
			r := model.Message{QueueID: c.QueueID, ConsumerWorkerID: c.WorkerID}
			if err := rows.Scan(&r.ID, &r.Payload, &enqueued, &vt, &r.ReadCt, &dequeued, &producer, &due); err != nil {
				return err
			}
			r.EnqueuedAt, r.VT, r.DequeuedAt, r.PriorVT = utc(enqueued), utc(vt), utc(dequeued), utc(due)
			r.ProducerWorkerID = producer.Int64
			*into = append(*into, r)
		}
		return nil
	}
}
