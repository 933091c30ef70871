package bindings

import (
	"context"
	"math"
	"time"
)

// DefaultBatch asks a dequeue for as many messages as the configuration's
// default_max_batch_size says.
const DefaultBatch = math.MaxInt

// Consumer takes messages from one queue and acknowledges them. Concurrent
// acknowledgements share commits.
//
// Every acknowledgement tells the truth: true iff it took effect. Lists answer one
// bool per input, in input order; of duplicates the first wins.
type Consumer struct{ worker }

// DequeueOptions say what to lease. The zero value: one message, the store's
// default lock time, no waiting.
type DequeueOptions struct {
	// Batch is how many messages at most; 0: 1. See DefaultBatch.
	Batch int
	// Lease is the lock time; 0: the store's default.
	Lease time.Duration
	// Wait is how long to wait for a first message; 0: not at all; < 0: for ever.
	Wait time.Duration
	// At, when not zero, replaces the database's clock in "vt <= now".
	At time.Time
	// AutoExtend keeps the leases alive in the background until they are
	// acknowledged, at most KeepMax long; 0: the store's max lease.
	AutoExtend bool
	KeepMax    time.Duration
}

func (o DequeueOptions) twin() cDequeueOptions {
	t := cDequeueOptions{
		leaseMs: millis(o.Lease), waitMs: millis(o.Wait), at: micros(o.At), keepMaxMs: millis(o.KeepMax),
	}
	t.structSize = sizeOf(t)
	switch {
	case o.Batch == DefaultBatch:
		t.batch = cBatchDefault
	case o.Batch < 0:
		t.batch = cBatchDefault - 1 // refused, as any batch that is too large
	default:
		t.batch = uint32(min(o.Batch, cBatchDefault-1))
	}
	if o.Wait < 0 {
		t.waitMs = -1
	}
	if o.AutoExtend {
		t.flags = cDequeueAutoExtend
	}
	return t
}

// ReleaseOptions say how leases are given back. The zero value: eligible now.
type ReleaseOptions struct {
	// At is when the messages become eligible again; zero: now.
	At time.Time
	// Unread undoes the lease: the receive count goes back by one.
	Unread bool
}

// Consumer registers a consumer of a queue. Errors: QueueNotFound, Schema.
func (s *Store) Consumer(ctx context.Context, queue string, o WorkerOptions) (*Consumer, error) {
	w, err := s.register(ctx, s.lib.consumerOpen, queue, o)
	if err != nil {
		return nil, err
	}
	return &Consumer{w}, nil
}

// Dequeue leases eligible messages, longest eligible first; none is an empty list.
// When ctx ends no lease is left behind. Errors: StateTransition (suspended,
// interrupted or stopped), QueueNotFound.
func (c *Consumer) Dequeue(ctx context.Context, o DequeueOptions) ([]*Message, error) {
	options := o.twin()
	done, err := c.do(ctx, true, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return c.lib.dequeue(c.handle, &options, queue, userData, op, failure)
	})
	leased, err := take(c.object, done, err, readMessages)
	if err != nil {
		return nil, err
	}
	messages := make([]*Message, len(leased))
	for i := range leased {
		leased[i].consumer = c
		messages[i] = &leased[i]
	}
	return messages, nil
}

// Archive moves a message this consumer owns to the archive.
func (c *Consumer) Archive(ctx context.Context, id int64) (bool, error) {
	return first(c.ArchiveMany(ctx, []Token{{ID: id}}))
}

// ArchiveMany moves messages to the archive.
func (c *Consumer) ArchiveMany(ctx context.Context, tokens []Token) ([]bool, error) {
	return c.acknowledge(ctx, tokens, c.lib.archive)
}

// Delete removes a message this consumer owns, without a trace.
func (c *Consumer) Delete(ctx context.Context, id int64) (bool, error) {
	return first(c.DeleteMany(ctx, []Token{{ID: id}}))
}

// DeleteMany removes messages without a trace.
func (c *Consumer) DeleteMany(ctx context.Context, tokens []Token) ([]bool, error) {
	return c.acknowledge(ctx, tokens, c.lib.delete)
}

// ExtendVT makes a lease last at least d from now, never shortening it.
func (c *Consumer) ExtendVT(ctx context.Context, id int64, d time.Duration) (bool, error) {
	return first(c.ExtendMany(ctx, []Token{{ID: id}}, d))
}

// ExtendMany makes leases last at least d from now, never shortening one.
func (c *Consumer) ExtendMany(ctx context.Context, tokens []Token, d time.Duration) ([]bool, error) {
	return c.acknowledge(ctx, tokens,
		func(target cHandle, list *cToken, count uint32, queue cHandle, userData uint64, op, failure *cHandle) int32 {
			return c.lib.extendVt(target, list, count, millis(d), queue, userData, op, failure)
		})
}

// Release gives a message back, eligible at once. At its receive limit it is
// dead-lettered instead.
func (c *Consumer) Release(ctx context.Context, id int64) (bool, error) {
	return first(c.ReleaseMany(ctx, []Token{{ID: id}}, ReleaseOptions{}))
}

// ReleaseMany gives messages back under options.
func (c *Consumer) ReleaseMany(ctx context.Context, tokens []Token, o ReleaseOptions) ([]bool, error) {
	options := cReleaseOptions{at: micros(o.At)}
	options.structSize = sizeOf(options)
	if o.Unread {
		options.flags = cReleaseUnread
	}
	return c.acknowledge(ctx, tokens,
		func(target cHandle, list *cToken, count uint32, queue cHandle, userData uint64, op, failure *cHandle) int32 {
			return c.lib.release(target, list, count, &options, queue, userData, op, failure)
		})
}

// Keep lets leases that are kept alive (DequeueOptions.AutoExtend) be so until d
// from now at the least, and no longer than the store's max lease. It returns how
// many of them are kept, and asks no database.
func (c *Consumer) Keep(tokens []Token, d time.Duration) (int, error) {
	if len(tokens) == 0 {
		return 0, nil
	}
	list := twins(tokens)
	var failure cHandle
	var kept int32
	c.lib.visit(func() { kept = c.lib.consumerKeep(c.handle, &list[0], uint32(len(list)), millis(d), &failure) })
	if kept < 0 {
		return 0, c.lib.failure(kept, failure)
	}
	return int(kept), nil
}

type onTokens = func(target cHandle, list *cToken, count uint32, queue cHandle, userData uint64,
	op, failure *cHandle) int32

func (c *Consumer) acknowledge(ctx context.Context, tokens []Token, f onTokens) ([]bool, error) {
	if len(tokens) == 0 {
		return []bool{}, nil
	}
	list := twins(tokens)
	return ask(ctx, c.object, readOutcomes, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(c.handle, &list[0], uint32(len(list)), queue, userData, op, failure)
	})
}

func twins(tokens []Token) []cToken {
	list := make([]cToken, len(tokens))
	for i, t := range tokens {
		list[i] = cToken{id: t.ID, readCt: t.ReadCt}
	}
	return list
}

// first takes the answer of a list of one.
func first(outcomes []bool, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	return outcomes[0], nil
}
