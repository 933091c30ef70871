package core

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/ratelimit"
	"github.com/pgqrs/pgqrs/core/validate"
)

// Producer stores messages in one queue. All methods are safe for concurrent
// use; concurrent calls share commits.
type Producer struct {
	*worker
	limit *ratelimit.Bucket
}

// EnqueueOptions say when messages become visible, and what they are known by. The
// zero value: at once, by nothing but their ids.
type EnqueueOptions struct {
	// Delay counts from the database's clock at insertion, >= 0.
	Delay time.Duration
	// At, when not zero, is the instant itself, and Delay is ignored.
	At time.Time
	// DedupKeys, when given, has one for every message, up to 255 bytes of UTF-8
	// without NUL and empty for none. A queue remembers a key for the DedupRetention
	// of the configuration at least, whatever becomes of the message; meanwhile an
	// enqueue with that key stores nothing and answers the id of the first. So a call
	// whose every message has a key may be repeated after any error.
	DedupKeys []string
}

// Producer registers a producer of a queue. Errors: fault.QueueNotFound,
// fault.Schema when the store is not installed.
func (s *Store) Producer(ctx context.Context, queue string, o WorkerOptions) (*Producer, error) {
	w, err := s.register(ctx, "producer", queue, o)
	if err != nil {
		return nil, named("producer", queue, err)
	}
	return &Producer{worker: w, limit: ratelimit.New(w.b.cfg.MaxEnqueuePerSecond, w.b.cfg.MaxEnqueueBurst)}, nil
}

// Enqueue stores payload, anything encoding/json can encode, and returns its id
// after the commit.
func (p *Producer) Enqueue(ctx context.Context, payload any) (int64, error) {
	return p.EnqueueWith(ctx, payload, EnqueueOptions{})
}

// EnqueueDelayed stores payload, visible when delay has passed.
func (p *Producer) EnqueueDelayed(ctx context.Context, payload any, delay time.Duration) (int64, error) {
	return p.EnqueueWith(ctx, payload, EnqueueOptions{Delay: delay})
}

// EnqueueWith stores payload under options.
func (p *Producer) EnqueueWith(ctx context.Context, payload any, o EnqueueOptions) (int64, error) {
	ids, err := p.enqueueValues(ctx, []any{payload}, o)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// EnqueueBatch stores all payloads or none and returns their ids in input order.
func (p *Producer) EnqueueBatch(ctx context.Context, payloads []any) ([]int64, error) {
	return p.enqueueValues(ctx, payloads, EnqueueOptions{})
}

func (p *Producer) enqueueValues(ctx context.Context, payloads []any, o EnqueueOptions) ([]int64, error) {
	documents := make([][]byte, len(payloads))
	for i, payload := range payloads {
		document, err := json.Marshal(payload)
		if err != nil {
			return nil, named("enqueue", "", errNotJSON(err))
		}
		documents[i] = document
	}
	return p.EnqueueJSON(ctx, documents, o)
}

// EnqueueJSON stores JSON documents, all or none, and returns their ids in input
// order after the commit. It keeps none of the slices once it has returned. For a
// transaction of somebody else's that has one of the dedup keys it waits as long as
// for a connection, and at least 30 s; nobody else waits for that.
// Errors: fault.Serialization and fault.Validation (nothing stored),
// fault.QueueNotFound, fault.RateLimited, fault.Timeout (that transaction did not end;
// nothing stored), fault.StateTransition,
// fault.OutcomeUnknown (fault.SafeToRetry with dedup keys).
func (p *Producer) EnqueueJSON(ctx context.Context, payloads [][]byte, o EnqueueOptions) ([]int64, error) {
	ids, err := p.enqueue(ctx, unshared(ctx, payloads), o)
	if err != nil {
		return nil, named("enqueue", p.queue.Name, err)
	}
	return ids, nil
}

// unshared are payloads that nobody else writes to: a call with a deadline may return
// while its messages are on their way, and its caller may use the memory again.
func unshared(ctx context.Context, payloads [][]byte) [][]byte {
	if _, hurried := ctx.Deadline(); !hurried {
		return payloads
	}
	copies := make([][]byte, len(payloads))
	for i, payload := range payloads {
		copies[i] = bytes.Clone(payload)
	}
	return copies
}

// EnqueueEach stores JSON documents that do not depend on each other: each as if
// it came from a call of its own, in the order given, for the price of one call.
// It returns an id or an error for every document; the errors are those of
// EnqueueJSON. Where there are several, one whose dedup key a transaction of somebody
// else's has is not waited for: fault.Timeout at once, with RetryAfter, for that
// document; EnqueueJSON waits. The last result is the error of the call as a whole: nothing was stored then.
func (p *Producer) EnqueueEach(ctx context.Context, payloads [][]byte, o EnqueueOptions) ([]int64, []error, error) {
	return p.BeginEach(unshared(ctx, payloads), o)(ctx)
}

// BeginEach is EnqueueEach in two steps: it takes the documents on, which fixes
// their order among other calls, and never waits; the function it returns, which
// must be called, waits for their ids. The documents must stay what they are, also
// when it returns at a deadline.
func (p *Producer) BeginEach(payloads [][]byte, o EnqueueOptions) func(context.Context) ([]int64, []error, error) {
	wait, err := p.beginEach(payloads, o)
	if err != nil {
		return func(context.Context) ([]int64, []error, error) {
			return nil, nil, named("enqueue", p.queue.Name, err)
		}
	}
	return func(ctx context.Context) ([]int64, []error, error) {
		ids, errs := wait(ctx)
		for i := range errs {
			errs[i] = named("enqueue", p.queue.Name, errs[i])
		}
		return ids, errs, nil
	}
}

func (p *Producer) beginEach(payloads [][]byte, o EnqueueOptions) (func(context.Context) ([]int64, []error), error) {
	if err := checkEnqueue(len(payloads), o); err != nil {
		return nil, err
	}
	errs := make([]error, len(payloads))
	for i := range payloads {
		errs[i] = p.check(payloads, o, i)
	}
	done, err := p.admit()
	if err != nil {
		return nil, err
	}
	messages, places := make([]model.NewMessage, 0, len(payloads)), make([]int, 0, len(payloads))
	for i, payload := range payloads {
		if errs[i] == nil {
			errs[i] = p.limit.Take(1)
		}
		if errs[i] == nil {
			messages = append(messages, p.message(payload, o, i))
			places = append(places, i)
		}
	}
	wait := p.lanes.enqueue.BeginEach(messages)
	return func(ctx context.Context) ([]int64, []error) {
		defer done()
		ids := make([]int64, len(payloads))
		stored, refused := wait(ctx)
		for i, place := range places {
			ids[place], errs[place] = stored[i], repeatable(refused[i], messages[i:i+1])
			if fault.IsHeld(refused[i]) {
				p.limit.Return(1)
			}
		}
		p.b.published(p.queue.ID)
		return ids, errs
	}, nil
}

// message is payload i of a call on its way in.
func (p *Producer) message(payload []byte, o EnqueueOptions, i int) model.NewMessage {
	return model.NewMessage{Payload: payload, Producer: p.id, Delay: o.Delay, At: o.At, DedupKey: o.dedupKey(i)}
}

// check checks what is message i's own.
func (p *Producer) check(payloads [][]byte, o EnqueueOptions, i int) error {
	if err := p.b.rules.Payload(payloads[i]); err != nil {
		return err
	}
	return validate.DedupKey(o.dedupKey(i))
}

// checkEnqueue checks the arguments that all messages of a call share.
func checkEnqueue(count int, o EnqueueOptions) error {
	if err := validate.Batch(count); err != nil {
		return err
	}
	if err := validate.Delay(o.Delay); err != nil {
		return err
	}
	if n := len(o.DedupKeys); n != 0 && n != count {
		return fault.Argument("dedup_keys", "has %d entries for %d messages; give one for each, empty for none", n, count)
	}
	return validate.OptionalInstant("when", o.At)
}

// messages checks what is to be stored, whichever way it goes, before anything is
// sent.
func (p *Producer) messages(payloads [][]byte, o EnqueueOptions) ([]model.NewMessage, error) {
	if err := checkEnqueue(len(payloads), o); err != nil {
		return nil, err
	}
	messages := make([]model.NewMessage, len(payloads))
	for i, payload := range payloads {
		if err := p.check(payloads, o, i); err != nil {
			return nil, err
		}
		messages[i] = p.message(payload, o, i)
	}
	return messages, nil
}

func (p *Producer) enqueue(ctx context.Context, payloads [][]byte, o EnqueueOptions) ([]int64, error) {
	messages, err := p.messages(payloads, o)
	if err != nil {
		return nil, err
	}
	done, err := p.admit()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := p.limit.Take(len(messages)); err != nil {
		return nil, err
	}
	ids, err := p.lanes.enqueue.Do(ctx, messages)
	if err != nil {
		return nil, repeatable(err, messages)
	}
	p.b.published(p.queue.ID)
	return ids, nil
}
