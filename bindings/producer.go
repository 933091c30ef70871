package bindings

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unsafe"
)

// Producer stores messages in one queue. Concurrent calls share commits.
type Producer struct{ worker }

// EnqueueOptions say when messages become visible. The zero value: at once.
type EnqueueOptions struct {
	// Delay counts from the database's clock at insertion, >= 0.
	Delay time.Duration
	// At, when not zero, is the instant itself, and Delay is ignored.
	At time.Time
	// DedupKeys, when given, has one for every message, up to 255 bytes of UTF-8
	// without NUL and empty for none. While the queue remembers a key, an enqueue with
	// it stores nothing and answers the id of the first, so a call whose every message
	// has a key may be repeated after any error.
	DedupKeys []string
}

// Producer registers a producer of a queue. Errors: QueueNotFound, Schema.
func (s *Store) Producer(ctx context.Context, queue string, o WorkerOptions) (*Producer, error) {
	w, err := s.register(ctx, s.lib.producerOpen, queue, o)
	if err != nil {
		return nil, err
	}
	return &Producer{w}, nil
}

// Enqueue stores payload, anything encoding/json can encode, and returns its id
// after the commit. Errors: Serialization, Validation, QueueNotFound, RateLimited,
// OutcomeUnknown.
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

// EnqueueJSON stores 1 to 100,000 JSON documents, all or none, and returns their
// ids in input order. Errors: InvalidArgument for another number.
func (p *Producer) EnqueueJSON(ctx context.Context, payloads [][]byte, o EnqueueOptions) ([]int64, error) {
	if n := len(o.DedupKeys); n != 0 && n != len(payloads) {
		return nil, &Error{
			Status: InvalidArgument, Op: "enqueue", Field: "dedup_keys", safe: true,
			Text: fmt.Sprintf("dedup_keys: has %d entries for %d messages; give one for each, empty for none", n, len(payloads)),
		}
	}
	views := borrowAll(payloads)
	options := cEnqueueOptions{
		delayMs: millis(o.Delay), at: micros(o.At), dedupKeys: unsafe.SliceData(borrowAll(o.DedupKeys)),
	}
	options.structSize = sizeOf(options)
	return ask(ctx, p.object, readIDs, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return p.lib.enqueue(p.handle, unsafe.SliceData(views), uint32(len(views)), &options, queue, userData, op, failure)
	})
}

func (p *Producer) enqueueValues(ctx context.Context, values []any, o EnqueueOptions) ([]int64, error) {
	payloads := make([][]byte, len(values))
	for i, value := range values {
		document, err := json.Marshal(value)
		if err != nil {
			return nil, &Error{
				Status: Serialization, Op: "enqueue", Field: "payload",
				Text: "payload: not encodable as JSON: " + err.Error(), safe: true,
			}
		}
		payloads[i] = document
	}
	return p.EnqueueJSON(ctx, payloads, o)
}
