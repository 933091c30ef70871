package core

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/batch"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

// Consumer takes messages from one queue and acknowledges them. All methods are
// safe for concurrent use; concurrent acknowledgements share commits.
//
// Every acknowledgement tells the truth: true iff it took effect, which it does
// iff this consumer still owns the message and, where the token has a receive
// count, nobody has leased it again. Lists answer one bool per input, in input
// order; of duplicates the first wins.
type Consumer struct {
	*worker
	losses losses
}

// ReleaseOptions say how leases are given back. The zero value: eligible now.
type ReleaseOptions struct {
	// At is when the messages become eligible again; zero: now.
	At time.Time
	// Unread undoes the lease: the receive count goes back by one, because user
	// code never saw the message. Without At a lease that was kept alive
	// (DequeueOptions.AutoExtend) also gets its old place in the queue back.
	Unread bool
}

// Consumer registers a consumer of a queue. Errors: fault.QueueNotFound,
// fault.Schema when the store is not installed.
func (s *Store) Consumer(ctx context.Context, queue string, o WorkerOptions) (*Consumer, error) {
	w, err := s.register(ctx, "consumer", queue, o)
	if err != nil {
		return nil, named("consumer", queue, err)
	}
	return &Consumer{worker: w}, nil
}

// Archive moves a message this consumer owns to the archive.
func (c *Consumer) Archive(ctx context.Context, id int64) (bool, error) {
	return first(c.ArchiveMany(ctx, []model.Token{{ID: id}}))
}

// ArchiveMany moves messages to the archive.
func (c *Consumer) ArchiveMany(ctx context.Context, tokens []model.Token) ([]bool, error) {
	return c.finish(ctx, "archive", c.b.lanes.archive, tokens)
}

// Delete removes a message this consumer owns, without a trace.
func (c *Consumer) Delete(ctx context.Context, id int64) (bool, error) {
	return first(c.DeleteMany(ctx, []model.Token{{ID: id}}))
}

// DeleteMany removes messages without a trace.
func (c *Consumer) DeleteMany(ctx context.Context, tokens []model.Token) ([]bool, error) {
	return c.finish(ctx, "delete", c.b.lanes.delete, tokens)
}

// ExtendVT makes the lease of a message last at least d from now. It never
// shortens a lease.
func (c *Consumer) ExtendVT(ctx context.Context, id int64, d time.Duration) (bool, error) {
	return first(c.ExtendMany(ctx, []model.Token{{ID: id}}, d))
}

// ExtendVisibility is ExtendVT under its older name.
func (c *Consumer) ExtendVisibility(ctx context.Context, id int64, d time.Duration) (bool, error) {
	return c.ExtendVT(ctx, id, d)
}

// ExtendMany makes leases last at least d from now.
func (c *Consumer) ExtendMany(ctx context.Context, tokens []model.Token, d time.Duration) ([]bool, error) {
	if err := validate.Extension(d); err != nil {
		return nil, named("extend_vt", "", err)
	}
	c.leases.take(d)
	extensions := make([]engine.Extension, len(tokens))
	for i, t := range tokens {
		extensions[i] = engine.Extension{Token: c.own(t), For: d}
	}
	return acknowledge(ctx, c, "extend_vt", c.b.lanes.extend, extensions)
}

// Release gives a message back, eligible now.
func (c *Consumer) Release(ctx context.Context, id int64) (bool, error) {
	return first(c.ReleaseMany(ctx, []model.Token{{ID: id}}, ReleaseOptions{}))
}

// ReleaseMany gives leases back. A message at its receive limit is dead-lettered
// instead, unless Unread.
func (c *Consumer) ReleaseMany(ctx context.Context, tokens []model.Token, o ReleaseOptions) ([]bool, error) {
	if err := validate.OptionalInstant("when", o.At); err != nil {
		return nil, named("release", "", err)
	}
	owned := c.owned(tokens)
	releases := make([]engine.Release, len(tokens))
	for i, t := range owned {
		releases[i] = engine.Release{Token: t, At: o.At, Unread: o.Unread}
	}
	if o.Unread && o.At.IsZero() {
		prior := c.b.keeper.Prior(owned)
		for i, t := range owned {
			releases[i].At = prior[t.ID]
		}
	}
	c.b.keeper.Forget(owned)
	outcomes, err := acknowledge(ctx, c, "release", c.b.lanes.release, releases)
	if err == nil {
		c.b.published(c.queue.ID)
	}
	return outcomes, err
}

// finish archives or deletes. Leases are kept until it has worked: should the
// database be away, the messages stay ours for another try.
func (c *Consumer) finish(ctx context.Context, op string, lane *batch.Lane[model.Token, bool],
	tokens []model.Token,
) ([]bool, error) {
	owned := c.owned(tokens)
	c.b.keeper.Hold(owned)
	outcomes, err := acknowledge(ctx, c, op, lane, owned)
	if err != nil {
		c.b.keeper.Unhold(owned)
		return nil, err
	}
	c.b.keeper.Forget(owned)
	return outcomes, nil
}

// own fills in the owner: a consumer acknowledges what is its own.
func (c *Consumer) own(t model.Token) model.Token {
	t.Worker = c.id
	return t
}

// owned is own for a list.
func (c *Consumer) owned(tokens []model.Token) []model.Token {
	owned := make([]model.Token, len(tokens))
	for i, t := range tokens {
		owned[i] = c.own(t)
	}
	return owned
}

// acknowledge sends one unit of acknowledgements through a lane.
func acknowledge[I any](ctx context.Context, c *Consumer, op string, lane *batch.Lane[I, bool], items []I) ([]bool, error) {
	if len(items) == 0 {
		return []bool{}, nil
	}
	if err := validate.Batch(len(items)); err != nil {
		return nil, named(op, "", err)
	}
	done, err := c.begin()
	if err != nil {
		return nil, named(op, "", err)
	}
	defer done()
	outcomes, err := lane.Do(ctx, items)
	if err != nil {
		return nil, named(op, c.queue.Name, err)
	}
	return outcomes, nil
}

// first turns the answer to a list of one into the answer to one.
func first(outcomes []bool, err error) (bool, error) {
	return err == nil && outcomes[0], err
}
