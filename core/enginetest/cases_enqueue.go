package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// nowhere is an id that no row has.
const nowhere = int64(1) << 40

func enqueueCases() []testCase {
	return []testCase{
		{name: "stores every field", run: func(b *bundle) {
			id := b.send(model.NewMessage{Payload: []byte(`{"k": [1, 2]}`), Producer: b.producer.ID})[0]
			m := b.message(id)
			require.Equal(b.t, id, m.ID)
			require.Equal(b.t, b.queue.ID, m.QueueID)
			require.Equal(b.t, b.producer.ID, m.ProducerWorkerID)
			require.Zero(b.t, m.ReadCt)
			require.Zero(b.t, m.ConsumerWorkerID)
			require.True(b.t, m.DequeuedAt.IsZero())
			require.True(b.t, m.ArchivedAt.IsZero())
			require.Empty(b.t, m.DeadReason)
			require.False(b.t, m.EnqueuedAt.IsZero())
			requireJSON(b.t, []byte(`{"k": [1, 2]}`), m.Payload)
		}},
		{name: "a plain message is visible from its insertion", run: func(b *bundle) {
			m := b.message(b.put(`1`))
			require.True(b.t, m.VT.Equal(m.EnqueuedAt), "vt %v, enqueued at %v", m.VT, m.EnqueuedAt)
		}},
		{name: "no producer is no producer", run: func(b *bundle) {
			require.Zero(b.t, b.message(b.put(`1`)).ProducerWorkerID)
		}},
		{name: "instants are UTC with microseconds", run: func(b *bundle) {
			m := b.one(long)
			for _, at := range []time.Time{m.EnqueuedAt, m.VT, m.DequeuedAt} {
				require.Equal(b.t, time.UTC, at.Location())
				require.Equal(b.t, at, at.Truncate(time.Microsecond))
			}
		}},
		{name: "delay counts from the insertion", run: func(b *bundle) {
			for _, delay := range []time.Duration{time.Microsecond, 1500 * time.Millisecond, 48 * time.Hour, 400 * 24 * time.Hour} {
				m := b.message(b.send(model.NewMessage{Payload: []byte(`1`), Delay: delay})[0])
				require.Equal(b.t, delay, m.VT.Sub(m.EnqueuedAt))
			}
		}},
		{name: "delays are per message of a batch", run: func(b *bundle) {
			messages := numbered(30)
			for i := range messages {
				messages[i].Delay = time.Duration(i) * time.Minute
			}
			for i, id := range b.send(messages...) {
				m := b.message(id)
				require.Equal(b.t, messages[i].Delay, m.VT.Sub(m.EnqueuedAt))
			}
		}},
		{name: "at replaces the delay", run: func(b *bundle) {
			at := time.Date(2124, 2, 29, 23, 59, 59, 123456000, time.FixedZone("east", 5*3600+1800))
			m := b.message(b.send(model.NewMessage{Payload: []byte(`1`), At: at, Delay: long})[0])
			require.True(b.t, m.VT.Equal(at), "%v", m.VT)
			require.Equal(b.t, time.UTC, m.VT.Location())
		}},
		{name: "at in the past is visible now and keeps its instant", run: func(b *bundle) {
			at := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
			id := b.send(model.NewMessage{Payload: []byte(`1`), At: at})[0]
			require.True(b.t, b.message(id).VT.Equal(at))
			require.Equal(b.t, []int64{id}, ids(b.take(1, long)))
		}},
		{name: "producers are per message of a batch", run: func(b *bundle) {
			other := b.newWorker(b.queue.ID, "producer")
			got := b.send(
				model.NewMessage{Payload: []byte(`1`), Producer: b.producer.ID},
				model.NewMessage{Payload: []byte(`2`)},
				model.NewMessage{Payload: []byte(`3`), Producer: other.ID})
			want := []int64{b.producer.ID, 0, other.ID}
			for i, id := range got {
				require.Equal(b.t, want[i], b.message(id).ProducerWorkerID)
			}
		}},
		{name: "ids ascend in input order", run: func(b *bundle) {
			const n = 2345 // no multiple of any statement's size
			got := b.fill(n)
			require.True(b.t, slices.IsSorted(got))
			require.Len(b.t, slices.Compact(slices.Clone(got)), n)
			messages := b.take(n, long)
			for i, m := range messages {
				require.Equal(b.t, got[i], m.ID)
				requireJSON(b.t, fmt.Appendf(nil, `{"n": %d}`, i), m.Payload)
			}
		}},
		{name: "in turn", run: func(b *bundle) {
			last := int64(0)
			for n := range 4 {
				told := 0
				sent, placed := func() { told++ }, func() { told++ }
				if n < 2 { // nobody wants to know
					sent = nil
				} else {
					placed = nil
				}
				got, err := b.eng.EnqueueInTurn(b.ctx, b.queue.ID, numbered(50), sent, placed)
				b.ok(err)
				require.LessOrEqual(b.t, told, 1)
				require.Len(b.t, got, 50)
				require.True(b.t, slices.IsSorted(got))
				require.Greater(b.t, got[0], last)
				last = got[49]
			}
			_, err := b.eng.EnqueueInTurn(b.ctx, b.queue.ID, numbered(50), nil, nil)
			b.ok(err)
			_, err = b.eng.EnqueueInTurn(b.ctx, nowhere, numbered(2), nil, func() {})
			b.fails(fault.QueueNotFound, err)
			_, err = b.eng.EnqueueInTurn(b.ctx, nowhere, numbered(2), func() {}, nil)
			b.fails(fault.QueueNotFound, err)
			require.EqualValues(b.t, 250, b.metrics().Pending)
		}},
		{name: "a batch of the flush limit", run: func(b *bundle) {
			n := b.eng.Capabilities().MaxFlushRows
			require.Positive(b.t, n)
			b.fill(n)
			require.EqualValues(b.t, n, b.metrics().Pending)
		}},
		{name: "an empty batch stores nothing", run: func(b *bundle) {
			got, err := b.eng.Enqueue(b.ctx, b.queue.ID, nil)
			b.ok(err)
			require.Empty(b.t, got)
		}},
		{name: "ids are never used again", run: func(b *bundle) {
			last := slices.Max(b.fill(3))
			_, err := b.eng.PurgeQueue(b.ctx, b.queue.Name)
			b.ok(err)
			first := b.put(`1`)
			require.Greater(b.t, first, last)
			m := b.take(1, long)[0]
			require.Equal(b.t, []bool{true}, b.finish(engine.FinishDelete, token(m)))
			require.Greater(b.t, b.put(`1`), first)
		}},
		{name: "ids are unique over queues and engines", run: func(b *bundle) {
			eng := b.second()
			seen := map[int64]bool{}
			for range 20 {
				other, err := eng.Enqueue(b.ctx, b.newQueue(1).ID, numbered(2))
				b.ok(err)
				for _, id := range append(other, b.fill(2)...) {
					require.False(b.t, seen[id], "id %d twice", id)
					seen[id] = true
				}
			}
		}},
		{name: "an answered message is seen by another engine", run: func(b *bundle) {
			eng := b.second()
			for range 20 {
				m, err := eng.GetMessage(b.ctx, b.put(`1`))
				b.ok(err)
				require.Equal(b.t, b.queue.ID, m.QueueID)
			}
		}},
		{name: "unknown queue", run: func(b *bundle) {
			_, err := b.eng.Enqueue(b.ctx, nowhere, numbered(3))
			b.fails(fault.QueueNotFound, err)
			n, err := b.eng.CountMessages(b.ctx, engine.Filter{QueueID: nowhere})
			b.ok(err)
			require.Zero(b.t, n)
		}},
		{name: "one bad row stores nothing of the batch", run: func(b *bundle) {
			bad := model.NewMessage{Payload: []byte(`{"secret": `)}
			for _, at := range []int{0, 5, 11} {
				_, err := b.eng.Enqueue(b.ctx, b.queue.ID, slices.Insert(numbered(11), at, bad))
				if err == nil {
					b.t.Skip("this engine leaves all judging of payloads to core/validate")
				}
				require.True(b.t, fault.IsRowFault(err), "%v", err)
				require.True(b.t, fault.SafeToRetry(err), "nothing was stored, and the error must know: %v", err)
				require.False(b.t, strings.Contains(err.Error(), "secret"), "a payload in an error: %v", err)
				require.Zero(b.t, b.metrics().Pending)
			}
			b.fill(3) // and the engine is as good as before
			b.take(3, long)
		}},
	}
}
