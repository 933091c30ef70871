package bindings

import (
	"context"
	"encoding/json"
	"time"
)

// Message is one stored payload with an id that never changes.
type Message struct {
	ID         int64
	QueueID    int64
	Payload    []byte // a JSON document, as the engine returned it
	EnqueuedAt time.Time
	VT         time.Time // may be dequeued from this instant on; while leased, the lease's end
	ReadCt     int32     // how often it has been leased; part of the fencing token
	DequeuedAt time.Time // first lease; zero when never leased

	ProducerWorkerID int64 // zero: enqueued without a registered producer
	ConsumerWorkerID int64 // zero: not leased

	ArchivedAt time.Time // zero: still in the queue
	DeadReason string    // not empty: archived as a dead letter

	consumer *Consumer // that leased it; nil for a row of a table
}

// Token names one lease. ReadCt 0: the owner alone decides; else an
// acknowledgement takes effect only if the message was leased exactly so often.
type Token struct {
	ID     int64
	ReadCt int32
}

// Token is the fencing token of the lease.
func (m *Message) Token() Token { return Token{ID: m.ID, ReadCt: m.ReadCt} }

// Decode reads the payload into v, as encoding/json does.
func (m *Message) Decode(v any) error { return json.Unmarshal(m.Payload, v) }

// Archive finishes the message and keeps it; true iff it took effect.
func (m *Message) Archive(ctx context.Context) (bool, error) {
	return m.acknowledge(func(c *Consumer, t []Token) ([]bool, error) { return c.ArchiveMany(ctx, t) })
}

// Delete finishes the message without a trace; true iff it took effect.
func (m *Message) Delete(ctx context.Context) (bool, error) {
	return m.acknowledge(func(c *Consumer, t []Token) ([]bool, error) { return c.DeleteMany(ctx, t) })
}

// ExtendVT makes the lease last at least d from now; true iff it took effect.
func (m *Message) ExtendVT(ctx context.Context, d time.Duration) (bool, error) {
	return m.acknowledge(func(c *Consumer, t []Token) ([]bool, error) { return c.ExtendMany(ctx, t, d) })
}

// Release gives the message back, eligible at once; true iff it took effect.
func (m *Message) Release(ctx context.Context) (bool, error) {
	return m.acknowledge(func(c *Consumer, t []Token) ([]bool, error) {
		return c.ReleaseMany(ctx, t, ReleaseOptions{})
	})
}

func (m *Message) acknowledge(many func(*Consumer, []Token) ([]bool, error)) (bool, error) {
	if m.consumer == nil {
		return false, &Error{
			Status: State, Field: "message", Text: "message: it was read from a table, not leased; dequeue it", safe: true,
		}
	}
	return first(many(m.consumer, []Token{m.Token()}))
}
