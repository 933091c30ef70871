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

// keyed returns numbered messages with these dedup keys.
func keyed(keys ...string) []model.NewMessage {
	messages := numbered(len(keys))
	for i, key := range keys {
		messages[i].DedupKey = key
	}
	return messages
}

// forget forgets keys older than age.
func (b *bundle) forget(age time.Duration, limit int) int64 {
	b.t.Helper()
	n, err := b.eng.ForgetKeys(b.ctx, age, limit)
	b.ok(err)
	return n
}

func dedupCases() []testCase {
	return []testCase{
		{name: "a remembered key stores nothing and answers the first id", run: func(b *bundle) {
			first := b.send(model.NewMessage{Payload: []byte(`"first"`), DedupKey: "k"})
			for range 3 {
				require.Equal(b.t, first, b.send(model.NewMessage{Payload: []byte(`"again"`), DedupKey: "k", Delay: long}))
			}
			m := b.take(1, long)[0]
			require.Equal(b.t, first[0], m.ID)
			requireJSON(b.t, []byte(`"first"`), m.Payload)
			b.empty(b.consumer)
		}},
		{name: "keys, known and new, and none in one batch", run: func(b *bundle) {
			known := b.send(keyed("known")...)[0]
			got := b.send(keyed("", "a", "known", "", "b", "a", "known", "")...)
			require.Equal(b.t, []int64{got[0], got[1], known, got[3], got[4], got[1], known, got[7]}, got)
			stored := []int64{got[0], got[1], got[3], got[4], got[7]}
			require.True(b.t, slices.IsSorted(stored), "ids ascend in input order: %v", got)
			require.Equal(b.t, append([]int64{known}, stored...), ids(b.take(6, long)))
			b.empty(b.consumer)
		}},
		{name: "every field of a message with a key", run: func(b *bundle) {
			at := time.Date(2124, 2, 29, 23, 59, 59, 123456000, time.UTC)
			got := b.send(
				model.NewMessage{Payload: []byte(`{"k": [1]}`), Producer: b.producer.ID, Delay: time.Hour, DedupKey: "a"},
				model.NewMessage{Payload: []byte(`2`), At: at, DedupKey: "b"})
			m := b.message(got[0])
			require.Equal(b.t, b.producer.ID, m.ProducerWorkerID)
			require.Equal(b.t, time.Hour, m.VT.Sub(m.EnqueuedAt))
			requireJSON(b.t, []byte(`{"k": [1]}`), m.Payload)
			m = b.message(got[1])
			require.Zero(b.t, m.ProducerWorkerID)
			require.True(b.t, m.VT.Equal(at))
		}},
		{name: "a key outlives its message", run: func(b *bundle) {
			got := b.send(keyed("archived", "deleted", "purged", "dead")...)
			m := b.take(2, long)
			require.Equal(b.t, []bool{true}, b.archive(token(m[0])))
			require.Equal(b.t, []bool{true}, b.finish(engine.FinishDelete, token(m[1])))
			b.ok(b.eng.DeadLetter(b.ctx, got[3]))
			_, err := b.eng.PurgeQueue(b.ctx, b.queue.Name)
			b.ok(err)
			require.Equal(b.t, got, b.send(keyed("archived", "deleted", "purged", "dead")...))
			b.empty(b.consumer)
			b.ok(b.eng.ReplayArchived(b.ctx, got[3]))
			require.Equal(b.t, got[3:], ids(b.take(1, long)))
		}},
		{name: "each queue has its own keys", run: func(b *bundle) {
			first := b.send(keyed("k")...)
			other, err := b.eng.Enqueue(b.ctx, b.newQueue(1).ID, keyed("k"))
			b.ok(err)
			require.NotEqual(b.t, first, other)
		}},
		{name: "keys are compared byte by byte", run: func(b *bundle) {
			keys := []string{"k", "K", "k ", "é", "e\u0301", strings.Repeat("x", 255), "'; drop", `"`, "%", "ß", "ss", "{}"}
			got := b.send(keyed(keys...)...)
			require.Len(b.t, slices.Compact(slices.Clone(got)), len(keys))
			require.Equal(b.t, got, b.send(keyed(keys...)...))
		}},
		{name: "many keys at once", run: func(b *bundle) {
			const n = 2345 // no multiple of any statement's size
			messages := numbered(n)
			for i := range messages {
				messages[i].DedupKey = fmt.Sprint("key ", i%2000)
			}
			got := b.send(messages...)
			require.Equal(b.t, got[:n-2000], got[2000:])
			require.True(b.t, slices.IsSorted(got[:2000]))
			require.EqualValues(b.t, 2000, b.metrics().Pending)
			require.Equal(b.t, got, b.send(messages...))
		}},
		{name: "one bad row leaves no key behind", run: func(b *bundle) {
			bad := model.NewMessage{Payload: []byte(`{`), DedupKey: "bad"}
			_, err := b.eng.Enqueue(b.ctx, b.queue.ID, append(keyed("good"), bad))
			if err == nil {
				b.t.Skip("this engine leaves all judging of payloads to core/validate")
			}
			require.True(b.t, fault.IsRowFault(err), "%v", err)
			require.Equal(b.t, b.send(keyed("good")...), ids(b.take(1, long)))
		}},
		{name: "unknown queue", run: func(b *bundle) {
			_, err := b.eng.Enqueue(b.ctx, nowhere, keyed("k", ""))
			b.fails(fault.QueueNotFound, err)
		}},
		{name: "the keys of a queue go with it", run: func(b *bundle) {
			q := b.newQueue(1)
			_, err := b.eng.Enqueue(b.ctx, q.ID, keyed("a", "b"))
			b.ok(err)
			_, err = b.eng.PurgeQueue(b.ctx, q.Name)
			b.ok(err)
			b.ok(b.eng.DeleteQueue(b.ctx, q.Name))
			again, err := b.eng.CreateQueue(b.ctx, q.Name, 1)
			b.ok(err)
			_, err = b.eng.Enqueue(b.ctx, again.ID, keyed("a"))
			b.ok(err)
			n, err := b.eng.CountMessages(b.ctx, engine.Filter{QueueID: again.ID})
			b.ok(err)
			require.EqualValues(b.t, 1, n)
		}},
		{name: "old keys are forgotten, up to a limit", own: true, run: func(b *bundle) {
			keys := []string{"a", "b", "c", "d", "e"}
			old := b.send(keyed(keys...)...)
			require.Zero(b.t, b.forget(long, 100))
			b.eventually("keys to be old", func() bool { return b.forget(brief, 2) == 2 })
			require.EqualValues(b.t, 2, b.forget(brief, 2))
			require.EqualValues(b.t, 1, b.forget(brief, 2))
			require.Zero(b.t, b.forget(brief, 2))
			for i, id := range b.send(keyed(keys...)...) {
				require.NotEqual(b.t, old[i], id)
			}
			require.EqualValues(b.t, 10, b.metrics().Pending)
		}},
		{name: "flushes of the same keys at once, in any order", run: func(b *bundle) {
			engines := b.peers(3)
			const callers, n, rounds = 6, 60, 5
			got := make([][]int64, callers)
			b.none(together(callers, func(i int) error {
				for round := range rounds {
					keys := make([]string, n)
					for k := range keys {
						keys[k] = fmt.Sprint(round, " ", k)
					}
					if i%2 == 1 {
						slices.Reverse(keys) // in opposite order: they must not deadlock
					}
					answer, err := engines[i%len(engines)].Enqueue(b.ctx, b.queue.ID, keyed(keys...))
					if err != nil {
						return err
					}
					if i%2 == 1 {
						slices.Reverse(answer)
					}
					got[i] = append(got[i], answer...)
				}
				return nil
			}))
			for i := range got {
				require.Equal(b.t, got[0], got[i])
			}
			require.EqualValues(b.t, n*rounds, b.metrics().Pending)
		}},
	}
}
