package engine

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// Finish says how a message leaves its queue.
type Finish uint8

// The two ways.
const (
	FinishArchive Finish = iota // move the row to the archive
	FinishDelete                // remove it without a trace
)

// Keyed reports whether any of these messages has a dedup key. A flush without one
// pays nothing for the others.
func Keyed(messages []model.NewMessage) bool {
	return slices.ContainsFunc(messages, func(m model.NewMessage) bool { return m.DedupKey != "" })
}

// AnyLease is longer than any lease.
const AnyLease time.Duration = math.MaxInt64

// Pruned is the answer to PruneArchive.
type Pruned struct {
	Removed int64
	// Next is the id from which the next step looks.
	Next int64
	// End: nothing follows that the filter selects.
	End bool
	// Young: none of those it looked at had been enqueued longer than age ago. What
	// follows was enqueued later still, or nearly so, and is no older in the archive.
	Young bool
}

// Claim asks for messages on behalf of one worker.
type Claim struct {
	QueueID  int64
	WorkerID int64
	Limit    int           // >= 1
	Lease    time.Duration // > 0, counted from the database's clock
	// At, when not zero, replaces the database's clock in "vt <= now". The lease
	// runs from the database's clock all the same.
	At time.Time
	// Some says that any messages at all will do, for callers who come again at once:
	// an engine that has found some, though fewer than Limit, need not look further. A
	// claim that finds none has looked at the whole queue all the same.
	Some bool
}

// Satisfied reports whether so many messages are enough.
func (c Claim) Satisfied(messages int) bool {
	return messages >= c.Limit || c.Some && messages > 0
}

// Claimed is the answer to a Claim.
type Claimed struct {
	Messages []model.Message // in hand-out order: by (vt before the claim, id)
	// NextDue is how long until the next message of this queue becomes eligible
	// by time alone, by the database's clock. It is known only when the claim
	// came back short; negative: unknown, or nothing is waiting.
	NextDue time.Duration
}

// ClaimOne is a claim that comes alone.
func ClaimOne(ctx context.Context, e Messages, c Claim) (Claimed, error) {
	answers, err := e.Claim(ctx, []Claim{c})
	if err != nil {
		return Claimed{}, err
	}
	return answers[0], nil
}

// Extension asks for more time.
type Extension struct {
	Token model.Token
	For   time.Duration // >= 0
}

// Release gives a lease back.
type Release struct {
	Token model.Token
	// At is when the message becomes eligible again; zero: now.
	At time.Time
	// Unread undoes the claim: the receive count goes back by one, because user
	// code never saw the message. It never dead-letters.
	Unread bool
}

// Filter selects messages of a table; zero fields do not restrict.
type Filter struct {
	QueueID  int64
	WorkerID int64 // the consumer that holds, or finished, the message
	DeadOnly bool  // archive only: dead letters
	MinReads int32 // leased at least so often
	// Contains is a JSON document that the payload contains as PostgreSQL's
	// jsonb @> has it; it has passed core/validate. Empty: any payload.
	Contains string
}
