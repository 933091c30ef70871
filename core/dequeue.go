package core

import (
	"context"
	"math"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/lease"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

// DefaultBatch asks a dequeue for as many messages as the configuration's
// DefaultMaxBatchSize says.
const DefaultBatch = math.MaxInt

// DequeueOptions say what to lease. The zero value: one message, the store's
// default lock time, no waiting.
type DequeueOptions struct {
	// Batch is how many messages at most; 0: 1. See DefaultBatch.
	Batch int
	// Lease is the lock time; 0: the store's default.
	Lease time.Duration
	// Wait is how long to wait for a first message; 0: not at all; < 0: for ever. A
	// call that waits comes back with the first it finds, also where more than these
	// are eligible: what fell back to an earlier place (released, expired, committed
	// late) may be left to one of the next calls.
	Wait time.Duration
	// At, when not zero, replaces the database's clock in "vt <= now".
	At time.Time
	// AutoExtend keeps the leases alive in the background until they are
	// acknowledged, at most KeepMax long; 0: the store's max lease. See Keep.
	AutoExtend bool
	KeepMax    time.Duration
}

// Dequeue leases eligible messages, longest eligible first; an empty slice when
// there is none. Errors: fault.StateTransition when the consumer is suspended or
// stopped, fault.QueueNotFound. When ctx ends, no lease is left behind: a deadline is
// fault.Timeout, also where the database answers later, and the call may be repeated.
func (c *Consumer) Dequeue(ctx context.Context, o DequeueOptions) ([]*Message, error) {
	messages, err := c.dequeue(ctx, o)
	if err != nil {
		return nil, named("dequeue", c.queue.Name, err)
	}
	return messages, nil
}

func (c *Consumer) dequeue(ctx context.Context, o DequeueOptions) ([]*Message, error) {
	claim, err := c.claim(&o)
	if err != nil {
		return nil, err
	}
	interrupted := c.interruption()
	done, err := c.admit()
	if err != nil {
		return nil, err
	}
	defer done()
	leased, err := c.await(ctx, claim, o.Wait, interrupted)
	if err != nil || len(leased) == 0 {
		return []*Message{}, err
	}
	records, messages := make([]Message, len(leased)), make([]*Message, len(leased))
	for i := range leased {
		records[i] = Message{Message: &leased[i], consumer: c}
		messages[i] = &records[i]
	}
	if o.AutoExtend {
		c.keep(leased, o)
	}
	return messages, nil
}

// claim checks the options, fills in their defaults and turns them into what the
// engine is asked.
func (c *Consumer) claim(o *DequeueOptions) (engine.Claim, error) {
	switch o.Batch {
	case 0:
		o.Batch = 1
	case DefaultBatch:
		o.Batch = c.b.cfg.DefaultMaxBatchSize
	}
	if o.Lease == 0 {
		o.Lease = c.b.cfg.DefaultLockTime
	}
	if o.KeepMax == 0 {
		o.KeepMax = c.b.cfg.MaxLease
	}
	if err := validate.Batch(o.Batch); err != nil {
		return engine.Claim{}, err
	}
	if err := validate.Lease(o.Lease); err != nil {
		return engine.Claim{}, err
	}
	if err := validate.OptionalInstant("at", o.At); err != nil {
		return engine.Claim{}, err
	}
	if o.KeepMax < 0 {
		return engine.Claim{}, fault.Argument("keep_max", "must not be negative")
	}
	c.leases.take(o.Lease)
	return engine.Claim{QueueID: c.queue.ID, WorkerID: c.id, Limit: o.Batch, Lease: o.Lease, At: o.At}, nil
}

// await claims until there are messages, the wait is over, the worker is
// interrupted, or ctx or the worker ends.
func (c *Consumer) await(ctx context.Context, claim engine.Claim, wait time.Duration, interrupted <-chan struct{},
) (leased []model.Message, err error) {
	if wait == 0 {
		got, err := c.take(ctx, claim)
		return got.Messages, err
	}
	claim.Some = true
	waiter := c.b.hub.Join(claim.QueueID)
	defer func() { waiter.Leave(len(leased) > 0) }()
	var over <-chan time.Time // nil, and so never, when waiting for ever
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	for tries, last := 0, false; ; tries++ {
		got, err := c.take(ctx, claim)
		if fault.Is(err, fault.StateTransition) && c.interruptedSince(ctx, interrupted, tries > 0) {
			return nil, nil
		}
		if err != nil || len(got.Messages) > 0 || last {
			return got.Messages, err
		}
		waiter.Idle(got.NextDue)
		select {
		case <-waiter.C:
		case <-over:
			last = true // what became eligible in this very moment still counts
		case <-interrupted:
			return nil, nil
		case <-ctx.Done():
			return nil, fault.FromContext(ctx)
		case <-c.ctx.Done():
			return nil, errClosed(c.kind)
		}
	}
}

// interruptedSince reports whether a claim was refused because the worker was
// interrupted while its call was waiting, which is not a failure of that call.
// claimed tells that an earlier claim of the call was not refused.
func (c *Consumer) interruptedSince(ctx context.Context, interrupted <-chan struct{}, claimed bool) bool {
	if c.interrupting.Load() > 0 {
		return true
	}
	select {
	case <-interrupted:
		return true
	default:
	}
	if !claimed {
		return false // it was interrupted before, by another process
	}
	info, err := c.b.engine.GetWorker(ctx, c.id)
	return err == nil && info.Status == model.WorkerInterrupted
}

// take is one claim. The engine finishes what it has sent, so a caller that went
// away meanwhile is checked for afterwards, and what it will never see is given
// back as if it had not been taken.
func (c *Consumer) take(ctx context.Context, claim engine.Claim) (engine.Claimed, error) {
	if ctx.Err() != nil {
		return engine.Claimed{}, fault.FromContext(ctx)
	}
	if c.ctx.Err() != nil {
		return engine.Claimed{}, errClosed(c.kind)
	}
	got, err := bounded(ctx, &c.b.group, lateClaim, func() (engine.Claimed, error) {
		c.claiming.RLock()
		defer c.claiming.RUnlock()
		got, err := c.lanes.claim(ctx, c.b.engine, claim)
		if err == nil && ctx.Err() != nil && len(got.Messages) > 0 {
			c.giveBack(got.Messages)
			return engine.Claimed{}, fault.FromContext(ctx)
		}
		return got, err
	})
	if err != nil {
		if c.ctx.Err() != nil { // whatever the engine says, it is because of the closing
			err = errClosed(c.kind)
		}
		return engine.Claimed{}, err
	}
	return got, nil
}

// lateClaim answers a caller whose deadline passed while its claim was on its way. Of
// that nothing stays, so the caller need not ask what became of it.
func lateClaim(ctx context.Context) *fault.Error {
	return &fault.Error{
		Kind: fault.Timeout, Cause: ctx.Err(), Safe: true,
		Text: "deadline passed before the database answered: what it may still lease for this call is given back",
	}
}

// giveBack undoes leases nobody will handle. Failing to is not an error: they
// expire.
func (c *Consumer) giveBack(messages []model.Message) {
	releases := make([]engine.Release, len(messages))
	for i, m := range messages {
		releases[i] = engine.Release{
			Token: model.Token{ID: m.ID, Worker: c.id, ReadCt: m.ReadCt}, At: m.PriorVT, Unread: true,
		}
	}
	if _, err := c.b.lanes.release.Do(context.Background(), releases); err != nil {
		c.b.log.Warn("giving back messages failed, their leases will expire", "error", err, "messages", len(messages))
	}
	c.b.published(c.queue.ID)
}

// keep hands leases to the keeper.
func (c *Consumer) keep(leased []model.Message, o DequeueOptions) {
	now := time.Now()
	until, most := now.Add(o.KeepMax), now.Add(max(o.KeepMax, c.b.cfg.MaxLease))
	leases := make([]lease.Lease, len(leased))
	for i, m := range leased {
		leases[i] = lease.Lease{
			Token: model.Token{ID: m.ID, Worker: c.id, ReadCt: m.ReadCt}, For: o.Lease, Until: until, Most: most,
			Prior: m.PriorVT, Lost: c.losses.tell,
		}
	}
	c.b.keeper.Keep(leases)
}

// Keep puts off when leases that are kept alive (DequeueOptions.AutoExtend) stop
// being so: at the earliest d from now, and no later than the store's max lease
// after they were taken. It is a sign of life of whoever handles the messages and
// asks the database nothing. It returns how many of the leases are kept; the
// others were acknowledged, lost, or kept for long enough.
func (c *Consumer) Keep(tokens []model.Token, d time.Duration) (int, error) {
	if err := validate.Extension(d); err != nil {
		return 0, named("keep", "", err)
	}
	done, err := c.begin()
	if err != nil {
		return 0, named("keep", "", err)
	}
	defer done()
	return c.b.keeper.Prolong(c.owned(tokens), time.Now().Add(d)), nil
}
