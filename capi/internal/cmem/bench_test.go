package cmem

import (
	"testing"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// BenchmarkMessages lays a batch of 100 small messages out as C reads them.
func BenchmarkMessages(b *testing.B) {
	now := time.Now()
	messages := make([]*model.Message, 100)
	for i := range messages {
		messages[i] = &model.Message{
			ID: int64(i), QueueID: 1, ReadCt: 1, EnqueuedAt: now, VT: now, DequeuedAt: now, ConsumerWorkerID: 1,
			Payload: []byte(`{"task":"send_email","to":"user@example.com","n":123}`),
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		block, _, _ := Messages(messages)
		block.Free()
	}
}
