package core

import (
	"context"
	"encoding/json"
	"time"

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

// EnqueueOptions say when messages become visible. The zero value: at once.
type EnqueueOptions struct {
	// Delay counts from the database's clock at insertion, >= 0.
	Delay time.Duration
	// At, when not zero, is the instant itself, and Delay is ignored.
	At time.Time
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
// order after the commit. It keeps none of the slices once it has returned.
// Errors: fault.Serialization and fault.Validation (nothing stored),
// fault.QueueNotFound, fault.RateLimited,
// fault.StateTransition, fault.OutcomeUnknown.
func (p *Producer) EnqueueJSON(ctx context.Context, payloads [][]byte, o EnqueueOptions) ([]int64, error) {
	ids, err := p.enqueue(ctx, payloads, o)
	if err != nil {
		return nil, named("enqueue", p.queue.Name, err)
	}
	return ids, nil
}

// messages checks what is to be stored, whichever way it goes, before anything is
// sent.
func (p *Producer) messages(payloads [][]byte, o EnqueueOptions) ([]model.NewMessage, error) {
	if err := validate.Batch(len(payloads)); err != nil {
		return nil, err
	}
	if err := validate.Delay(o.Delay); err != nil {
		return nil, err
	}
	if !o.At.IsZero() {
		if err := validate.Instant("when", o.At); err != nil {
			return nil, err
		}
	}
	messages := make([]model.NewMessage, len(payloads))
	for i, payload := range payloads {
		if err := p.b.rules.Payload(payload); err != nil {
			return nil, err
		}
		messages[i] = model.NewMessage{Payload: payload, Producer: p.id, Delay: o.Delay, At: o.At}
	}
	return messages, nil
}

func (p *Producer) enqueue(ctx context.Context, payloads [][]byte, o EnqueueOptions) ([]int64, error) {
	messages, err := p.messages(payloads, o)
	if err != nil {
		return nil, err
	}
	done, err := p.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := p.refuse(); err != nil {
		return nil, err
	}
	if err := p.limit.Take(len(messages)); err != nil {
		return nil, err
	}
	lane, err := p.b.lanes.of(p.queue.ID)
	if err != nil {
		return nil, err
	}
	ids, err := lane.Do(ctx, messages)
	if err != nil {
		return nil, err
	}
	p.b.published(p.queue.ID)
	return ids, nil
}
