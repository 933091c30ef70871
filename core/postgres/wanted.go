package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// wanted is what several claims of one queue still want, as the statements take
// it: the messages found fill the places in order, and each claim begins at one.
type wanted struct {
	queue   int64
	places  int64
	workers []int64    // one per claim, as the two below
	leases  []float64  // seconds
	starts  []int64    // the first place, from 1
	at      *time.Time // an instant of the caller's, or nil
	held    []int64    // ids that the claims have got before

	answers []*engine.Claimed
	before  []int     // how many messages each answer had before
	got     int64     // messages read
	latest  time.Time // the largest vt before the claim among them
}

func wantedOf(claims []engine.Claim, answers []engine.Claimed) *wanted {
	w := &wanted{queue: claims[0].QueueID, at: instant(claims[0].At), held: []int64{}}
	for i := range claims {
		has := answers[i].Messages
		for j := range has {
			w.held = append(w.held, has[j].ID)
		}
		if claims[i].Satisfied(len(has)) {
			continue
		}
		w.workers = append(w.workers, claims[i].WorkerID)
		w.leases = append(w.leases, seconds(claims[i].Lease))
		w.starts = append(w.starts, w.places+1)
		w.answers = append(w.answers, &answers[i])
		w.before = append(w.before, len(has))
		w.places += int64(claims[i].Limit - len(has))
	}
	return w
}

// forget takes what was read out of the answers again.
func (w *wanted) forget() {
	for i, answer := range w.answers {
		answer.Messages = answer.Messages[:w.before[i]]
	}
	w.got, w.latest = 0, time.Time{}
}

// read reads the rows of Claim and ClaimWhole into the answers.
func (w *wanted) read(rows pgx.Rows) error {
	w.forget()
	var claim int32
	var enqueued, vt, dequeued, due pgtype.Timestamptz
	var producer pgtype.Int8
	var m model.Message
	// Made once, not for every row: what a row is read into lives on the heap.
	row := cellsInto(&claim, &m.ID, &m.Payload, &enqueued, &vt, &m.ReadCt, &dequeued, &producer, &due)
	for rows.Next() {
		m = model.Message{QueueID: w.queue}
		if err := row.read(rows); err != nil {
			return err
		}
		m.EnqueuedAt, m.VT, m.DequeuedAt, m.PriorVT = utc(enqueued), utc(vt), utc(dequeued), utc(due)
		m.ProducerWorkerID, m.ConsumerWorkerID = producer.Int64, w.workers[claim-1]
		if m.PriorVT.After(w.latest) {
			w.latest = m.PriorVT
		}
		answer := w.answers[claim-1]
		if answer.Messages == nil {
			answer.Messages = make([]model.Message, 0, min(w.rest(int(claim)-1), 1024)) // a large limit is no promise
		}
		answer.Messages = append(answer.Messages, m)
		w.got++
	}
	return nil
}

// rest is how many places belong to a claim.
func (w *wanted) rest(claim int) int64 {
	end := w.places + 1
	if claim+1 < len(w.starts) {
		end = w.starts[claim+1]
	}
	return end - w.starts[claim]
}

// short tells the claims that did not get all they want when to come again.
func (w *wanted) short(due time.Duration) {
	for i, answer := range w.answers {
		if int64(len(answer.Messages)-w.before[i]) < w.rest(i) {
			answer.NextDue = due
		}
	}
}
