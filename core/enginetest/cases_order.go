package enginetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

func orderCases() []testCase {
	return []testCase{
		{name: "plain messages are first in, first out", run: func(b *bundle) {
			var want []int64
			for range 10 {
				want = append(want, b.fill(3)...)
			}
			var got []int64
			for range 6 {
				got = append(got, ids(b.take(5, long))...)
			}
			require.Equal(b.t, want, got)
		}},
		{name: "one batch is in input order", run: func(b *bundle) {
			want := b.fill(100)
			require.Equal(b.t, want, ids(b.take(100, long)))
		}},
		{name: "the longest eligible comes first", run: func(b *bundle) {
			base := time.Now().Add(-time.Hour)
			messages := numbered(50)
			for i := range messages {
				messages[i].At = base.Add(time.Duration(i*37%50) * time.Second)
			}
			got := b.send(messages...)
			want := make([]int64, len(got))
			for i, id := range got {
				want[i*37%50] = id
			}
			require.Equal(b.t, want[:20], ids(b.take(20, long)))
			require.Equal(b.t, want[20:], ids(b.take(30, long)))
		}},
		{name: "ties go by id", run: func(b *bundle) {
			at := time.Now().Add(-time.Minute)
			messages := numbered(40)
			for i := range messages {
				messages[i].At = at
			}
			require.Equal(b.t, b.send(messages...), ids(b.take(40, long)))
		}},
		{name: "a delayed message queues up from its vt", run: func(b *bundle) {
			late := b.send(model.NewMessage{Payload: []byte(`"late"`), Delay: brief})[0]
			due := b.message(late).VT
			before := b.send(model.NewMessage{Payload: []byte(`"before"`), At: due.Add(-time.Millisecond)})[0]
			after := b.send(model.NewMessage{Payload: []byte(`"after"`), At: due.Add(time.Millisecond)})[0]
			b.awaitPending(3)
			require.Equal(b.t, []int64{before, late, after}, ids(b.take(3, long)))
		}},
		{name: "an expired message queues up from its lease's end", run: func(b *bundle) {
			m := b.one(brief)
			before := b.send(model.NewMessage{Payload: []byte(`"before"`), At: m.VT.Add(-time.Millisecond)})[0]
			after := b.send(model.NewMessage{Payload: []byte(`"after"`), At: m.VT.Add(time.Millisecond)})[0]
			b.awaitPending(3)
			require.Equal(b.t, []int64{before, m.ID, after}, ids(b.take(3, long)))
		}},
		{name: "a released message queues up from its release", run: func(b *bundle) {
			want := b.fill(3)
			first := b.take(1, long)[0]
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(first)}))
			want = append(want[1:], want[0], b.put(`"after"`))
			require.Equal(b.t, want, ids(b.take(4, long)))
		}},
		{name: "a message released to an instant queues up from it", run: func(b *bundle) {
			sent := b.fill(3)
			first := b.take(1, long)[0]
			between := b.message(sent[1]).VT // a tie, and the smaller id comes first
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(first), At: between}))
			require.Equal(b.t, sent, ids(b.take(3, long)))
		}},
		{name: "an unread message goes back to its place", run: func(b *bundle) {
			sent := b.fill(5)
			var back []engine.Release
			for _, m := range b.take(3, long) {
				back = append(back, engine.Release{Token: token(m), At: m.PriorVT, Unread: true})
			}
			slices.Reverse(back)
			require.Equal(b.t, trues(3), b.release(back...))
			require.Equal(b.t, sent, ids(b.take(5, long)))
		}},
		{name: "a claim never skips what became eligible late", run: func(b *bundle) {
			// An engine that remembers how far it has come must not miss what
			// appears behind that point.
			b.fill(200)
			b.take(200, long)
			old := b.send(model.NewMessage{Payload: []byte(`"old"`), At: time.Now().Add(-24 * time.Hour)})[0]
			require.Equal(b.t, []int64{old}, ids(b.claimAs(b.consumer, 5, long).Messages))
		}},
		{name: "an empty claim sees what was committed just before", run: func(b *bundle) {
			for range 50 {
				id := b.put(`1`)
				require.Equal(b.t, []int64{id}, ids(b.take(1, long)))
				b.empty(b.consumer)
			}
		}},
	}
}
