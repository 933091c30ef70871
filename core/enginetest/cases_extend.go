package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

func extendCases() []testCase {
	return []testCase{
		{name: "lasts at least so long from now", run: func(b *bundle) {
			m := b.one(time.Minute)
			require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(m), For: time.Hour}))
			left := b.message(m.ID).VT.Sub(m.DequeuedAt)
			require.GreaterOrEqual(b.t, left, time.Hour)
			require.Less(b.t, left, time.Hour+caseTimeout)
		}},
		{name: "never shortens", run: func(b *bundle) {
			m := b.one(time.Hour)
			for _, d := range []time.Duration{0, time.Second, 59 * time.Minute} {
				require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(m), For: d}))
				require.Equal(b.t, m.VT, b.message(m.ID).VT)
			}
		}},
		{name: "never piles up", run: func(b *bundle) {
			m := b.one(time.Minute)
			for range 5 {
				require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(m), For: time.Hour}))
			}
			require.Less(b.t, b.message(m.ID).VT.Sub(m.DequeuedAt), time.Hour+caseTimeout)
		}},
		{name: "changes the lease's end and nothing else", run: func(b *bundle) {
			m := b.one(time.Minute)
			b.extend(engine.Extension{Token: token(m), For: time.Hour})
			got := b.message(m.ID)
			got.VT = m.VT
			require.Equal(b.t, stored(m), got)
		}},
		{name: "the token is the same afterwards", run: func(b *bundle) {
			m := b.one(time.Minute)
			b.extend(engine.Extension{Token: token(m), For: time.Hour})
			require.Equal(b.t, trues(1), b.archive(token(m)))
		}},
		{name: "keeps an ending lease alive", run: func(b *bundle) {
			m := b.one(brief)
			other := b.another()
			require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(m), For: long}))
			gone := b.send(model.NewMessage{Payload: []byte(`"probe"`), At: m.VT})[0]
			b.eventually("the old end of the lease", func() bool {
				got := b.claimAs(other, 10, long).Messages
				return len(got) == 1 && got[0].ID == gone
			})
		}},
		{name: "takes an expired lease that nobody took back", run: func(b *bundle) {
			m := b.one(brief)
			b.awaitPending(1)
			require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(m), For: long}))
			b.empty(b.another())
		}},
		{name: "each of a list by its own time", run: func(b *bundle) {
			b.fill(3)
			m := b.take(3, time.Minute)
			want := []time.Duration{2 * time.Hour, 0, 24 * time.Hour}
			var list []engine.Extension
			for i := range m {
				list = append(list, engine.Extension{Token: token(m[i]), For: want[i]})
			}
			require.Equal(b.t, trues(3), b.extend(list...))
			for i := range m {
				left := b.message(m[i].ID).VT.Sub(m[i].DequeuedAt)
				require.GreaterOrEqual(b.t, left, max(want[i], time.Minute))
				require.Less(b.t, left, max(want[i], time.Minute)+caseTimeout)
			}
		}},
		{name: "equal tokens are all true, and the longest time counts", run: func(b *bundle) {
			m := b.one(time.Minute)
			require.Equal(b.t, trues(3), b.extend(
				engine.Extension{Token: token(m), For: time.Second},
				engine.Extension{Token: token(m), For: 3 * time.Hour},
				engine.Extension{Token: token(m), For: time.Hour}))
			require.GreaterOrEqual(b.t, b.message(m.ID).VT.Sub(m.DequeuedAt), 3*time.Hour)
		}},
		{name: "fractions of a second", run: func(b *bundle) {
			m := b.one(time.Millisecond)
			b.extend(engine.Extension{Token: token(m), For: 90*time.Second + 250*time.Millisecond})
			require.GreaterOrEqual(b.t, b.message(m.ID).VT.Sub(m.DequeuedAt), 90*time.Second+250*time.Millisecond)
		}},
	}
}
