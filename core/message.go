package core

import (
	"context"
	"encoding/json"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// Message is a leased message. Its acknowledgements carry the whole fencing
// token: they take effect only for the lease it came with. Who keeps one message of a
// Dequeue keeps the memory of all of them.
type Message struct {
	*model.Message
	consumer *Consumer
}

// Decode decodes the payload into v by the rules of encoding/json.
func (m *Message) Decode(v any) error { return json.Unmarshal(m.Payload, v) }

// Archive moves the message to the archive; false: the lease was lost.
func (m *Message) Archive(ctx context.Context) (bool, error) {
	return first(m.consumer.ArchiveMany(ctx, m.token()))
}

// Delete removes the message without a trace; false: the lease was lost.
func (m *Message) Delete(ctx context.Context) (bool, error) {
	return first(m.consumer.DeleteMany(ctx, m.token()))
}

// ExtendVT makes the lease last at least d from now; false: the lease was lost.
func (m *Message) ExtendVT(ctx context.Context, d time.Duration) (bool, error) {
	return first(m.consumer.ExtendMany(ctx, m.token(), d))
}

// Release gives the message back, eligible now; false: the lease was lost.
func (m *Message) Release(ctx context.Context) (bool, error) {
	return first(m.consumer.ReleaseMany(ctx, m.token(), ReleaseOptions{}))
}

func (m *Message) token() []model.Token { return []model.Token{{ID: m.ID, ReadCt: m.ReadCt}} }
