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
// messages are locked by somebody else, who may be about to let them go, and where
// nobody could look.
const lockedRetry = 20 * time.Millisecond

// Claim implements engine.Messages. It is one transaction, except when claims
// behind the hint come back with too little: then a second one looks at the whole
// queue for the rest.
func (s *store) Claim(ctx context.Context, claims []engine.Claim) ([]engine.Claimed, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	answers := make([]engine.Claimed, len(claims))
	for i := range answers {
		answers[i].NextDue = -1
	}
	wanted := wantedOf(claims, answers)
	if from, ok := s.hints.next(wanted.queue, time.Now()); ok && wanted.at == nil {
		if err := s.claimFrom(ctx, wanted, from); err != nil {
			return nil, err
		}
		if wanted.got == wanted.places {
			return handOut(answers), nil
		}
		wanted = wantedOf(claims, answers)
	}
	if wanted.places > 0 {
		if err := s.claimWhole(ctx, wanted); err != nil {
			if len(wanted.held) == 0 {
				return nil, err
			}
			// The first part is committed; to lose it for the error of the second
			// would strand its leases. What the second one read may not be leased
			// at all, and who got nothing has not looked at everything.
			wanted.forget()
			wanted.short(lockedRetry)
			s.log.Warn("the second part of a claim failed", "queue", wanted.queue, "error", err)
		}
	}
	return handOut(answers), nil
}

// handOut sorts each answer by (vt before the claim, id).
func handOut(answers []engine.Claimed) []engine.Claimed {
	for i := range answers {
		slices.SortFunc(answers[i].Messages, func(a, b model.Message) int {
			return cmp.Or(a.PriorVT.Compare(b.PriorVT), cmp.Compare(a.ID, b.ID))
		})
	}
	return answers
}

// claimFrom claims what became eligible at or after an instant.
func (s *store) claimFrom(ctx context.Context, w *wanted, from time.Time) error {
	var claim step
	if len(w.workers) == 1 {
		claim = s.step("ClaimOne", w.read, w.queue, w.places, w.workers[0], w.leases[0], from)
	} else {
		claim = s.step("Claim", w.read, w.queue, w.places, w.workers, w.leases, w.starts, from)
	}
	err := s.writeWith(ctx, pinned, claim)
	if err == nil {
		s.hints.claimed(w.queue, w.latest)
	}
	return err
}

// claimWhole claims from the whole queue, dead-letters what is exhausted when it
// comes back short, and then tells when the next message is due. It leaves alone
// what the first part has taken: after a stall those leases may have expired, and
// one answer must not hold a message twice.
func (s *store) claimWhole(ctx context.Context, w *wanted) error {
	began := time.Now()
	var outlook outlook
	err := s.writeWith(ctx, pinned,
		s.step("ClaimWhole", w.read, w.queue, w.places, w.workers, w.leases, w.starts, w.at, w.held),
		s.step("ClaimOutlook", outlook.read, w.queue, w.workers))
	if err != nil {
		return err
	}
	if w.got == 0 {
		if err := outlook.refusal(w); err != nil {
			return err
		}
	}
	if w.at != nil {
		return nil // an instant of the caller says nothing about the queue at the server's clock
	}
	s.hints.whole(w.queue, began, time.Now())
	s.hints.claimed(w.queue, w.latest)
	if w.got < w.places {
		w.short(outlook.nextDue())
	}
	return nil
}

// outlook is what the ClaimOutlook query tells.
type outlook struct {
	queue   bool          // the queue exists
	workers []pgtype.Text // the states of the workers, where they exist
	due     pgtype.Float8 // seconds until the first message is eligible, if there is one
}

func (o *outlook) read(rows pgx.Rows) error { return one(&o.queue, &o.workers, &o.due)(rows) }

// refusal tells why empty claims were not allowed to take anything. One worker
// that takes no messages keeps all from it.
func (o *outlook) refusal(w *wanted) error {
	if !o.queue {
		return queueNotFound(w.queue)
	}
	for i, id := range w.workers {
		switch status := o.workers[i]; {
		case !status.Valid:
			return workerNotFound(id).ByRow()
		case !model.WorkerStatus(status.String).MayClaim():
			return stateTransition("Worker %d is %s: it takes no messages", id, status.String).ByRow()
		}
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
