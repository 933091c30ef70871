package enginetest

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// acknowledgement is one of the four calls that a fencing token guards.
type acknowledgement struct {
	name string
	// do answers one bool per token.
	do func(b *bundle, tokens ...model.Token) []bool
	// repeats: an equal token takes effect again, as extending does.
	repeats bool
}

func acknowledgements() []acknowledgement {
	return []acknowledgement{
		{name: "archive", do: func(b *bundle, tokens ...model.Token) []bool {
			return b.finish(engine.FinishArchive, tokens...)
		}},
		{name: "delete", do: func(b *bundle, tokens ...model.Token) []bool {
			return b.finish(engine.FinishDelete, tokens...)
		}},
		{name: "extend", repeats: true, do: func(b *bundle, tokens ...model.Token) []bool {
			list := make([]engine.Extension, len(tokens))
			for i, t := range tokens {
				list[i] = engine.Extension{Token: t, For: long}
			}
			return b.extend(list...)
		}},
		{name: "release", do: func(b *bundle, tokens ...model.Token) []bool {
			list := make([]engine.Release, len(tokens))
			for i, t := range tokens {
				list[i] = engine.Release{Token: t}
			}
			return b.release(list...)
		}},
	}
}

// finishCases are the fencing rules, for each of the four acknowledgements.
func finishCases() []testCase {
	var cases []testCase
	for _, ack := range acknowledgements() {
		cases = append(cases, fencingCases(ack)...)
		cases = append(cases, listCases(ack)...)
	}
	return cases
}

func fencingCases(ack acknowledgement) []testCase {
	rule := func(rule string, run func(b *bundle)) testCase {
		return testCase{name: ack.name + ": " + rule, run: run}
	}
	return []testCase{
		rule("the holder's full token takes effect", func(b *bundle) {
			require.Equal(b.t, []bool{true}, ack.do(b, token(b.one(long))))
		}),
		rule("the owner alone decides when no receive count is given", func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, []bool{false}, ack.do(b, model.Token{ID: m.ID, Worker: b.another().ID}))
			require.Equal(b.t, []bool{true}, ack.do(b, model.Token{ID: m.ID, Worker: b.consumer.ID}))
		}),
		rule("another worker is refused", func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, []bool{false}, ack.do(b, model.Token{ID: m.ID, Worker: b.another().ID, ReadCt: m.ReadCt}))
			require.Equal(b.t, stored(m), b.message(m.ID), "a refused call must change nothing")
		}),
		rule("a wrong receive count is refused", func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, []bool{false}, ack.do(b, model.Token{ID: m.ID, Worker: b.consumer.ID, ReadCt: m.ReadCt + 1}))
			require.Equal(b.t, stored(m), b.message(m.ID))
		}),
		rule("an expired lease that nobody took still counts", func(b *bundle) {
			m := b.one(brief)
			b.awaitPending(1)
			require.Equal(b.t, []bool{true}, ack.do(b, token(m)))
		}),
		rule("the old token is refused after a redelivery to another", func(b *bundle) {
			old := b.one(brief)
			other := b.another()
			now := b.await(other, 1, long)[0]
			require.Equal(b.t, []bool{false, false}, ack.do(b, token(old), model.Token{ID: old.ID, Worker: b.consumer.ID}))
			require.Equal(b.t, stored(now), b.message(now.ID))
			require.Equal(b.t, []bool{true}, ack.do(b, token(now)))
		}),
		rule("the old token is refused after a redelivery to the same worker", func(b *bundle) {
			old := b.one(brief)
			now := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, []bool{false}, ack.do(b, token(old)))
			require.Equal(b.t, []bool{true}, ack.do(b, token(now)))
		}),
		rule("the token is refused after a release", func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, []bool{true}, b.release(engine.Release{Token: token(m)}))
			require.Equal(b.t, []bool{false, false}, ack.do(b, token(m), model.Token{ID: m.ID, Worker: b.consumer.ID}))
			require.EqualValues(b.t, 1, b.metrics().Pending)
		}),
		rule("the token is refused after archive", func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, []bool{true}, b.archive(token(m)))
			before := b.archived(m.ID)
			require.Equal(b.t, []bool{false}, ack.do(b, token(m)))
			require.Equal(b.t, before, b.archived(m.ID))
		}),
		rule("the token is refused after delete", func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, []bool{true}, b.finish(engine.FinishDelete, token(m)))
			require.Equal(b.t, []bool{false}, ack.do(b, token(m)))
			b.notArchived(m.ID)
		}),
		rule("a message that is not leased has no owner", func(b *bundle) {
			id := b.put(`1`)
			require.Equal(b.t, []bool{false, false, false}, ack.do(b,
				model.Token{ID: id}, model.Token{ID: id, Worker: b.consumer.ID}, model.Token{ID: id, Worker: b.consumer.ID, ReadCt: 1}))
			require.Zero(b.t, b.message(id).ReadCt)
			b.take(1, long)
		}),
		rule("a token on another engine counts as well", func(b *bundle) {
			m := b.one(long)
			c := *b
			c.eng = b.second()
			require.Equal(b.t, []bool{true}, ack.do(&c, token(m)))
		}),
		rule("a suspended worker may still acknowledge", func(b *bundle) {
			m := b.one(long)
			b.set(b.consumer.ID, model.WorkerSuspended)
			require.Equal(b.t, []bool{true}, ack.do(b, token(m)))
		}),
	}
}

func listCases(ack acknowledgement) []testCase {
	rule := func(rule string, run func(b *bundle)) testCase {
		return testCase{name: ack.name + ": " + rule, run: run}
	}
	return []testCase{
		rule("an empty list", func(b *bundle) {
			require.Empty(b.t, ack.do(b))
		}),
		rule("a mixed list is told the truth in input order", func(b *bundle) {
			b.fill(4)
			m := b.take(3, long)
			waiting := b.message(b.put(`"waiting"`))
			foreign := b.takeAs(b.another(), 1, long)[0]
			got := ack.do(b,
				model.Token{ID: nowhere, Worker: b.consumer.ID},
				token(m[2]),
				model.Token{ID: foreign.ID, Worker: b.consumer.ID},
				model.Token{ID: m[1].ID, Worker: b.consumer.ID, ReadCt: 9},
				token(m[0]),
				model.Token{ID: waiting.ID, Worker: b.consumer.ID},
				model.Token{ID: -1, Worker: b.consumer.ID},
				token(m[1]))
			require.Equal(b.t, []bool{false, true, false, false, true, false, false, true}, got)
			require.Equal(b.t, stored(foreign), b.message(foreign.ID))
			require.Equal(b.t, waiting, b.message(waiting.ID))
		}),
		rule("of equal tokens the first wins", func(b *bundle) {
			b.fill(2)
			m := b.take(2, long)
			want := []bool{true, true, ack.repeats, ack.repeats, ack.repeats}
			require.Equal(b.t, want, ack.do(b, token(m[1]), token(m[0]), token(m[1]), token(m[1]), token(m[0])))
		}),
		rule("a stale and a valid token for one message", func(b *bundle) {
			old := b.one(brief)
			now := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, []bool{false, true, false}, ack.do(b, token(old), token(now), token(old)))
		}),
		rule("a full token and an owner's token for one message", func(b *bundle) {
			if ack.repeats {
				b.t.Skip("only what ends a lease is exclusive")
			}
			m := b.one(long)
			got := ack.do(b, token(m), model.Token{ID: m.ID, Worker: m.ConsumerWorkerID})
			require.NotEqual(b.t, got[0], got[1], "exactly one may take effect")
		}),
		rule("a long list", func(b *bundle) {
			const n = 1205
			b.fill(n)
			held := b.take(n, long)
			list := make([]model.Token, 0, 2*n)
			want := make([]bool, 0, 2*n)
			for i, m := range held {
				stale := token(m)
				stale.ReadCt++
				if i%3 == 0 {
					list, want = append(list, stale), append(want, false)
				}
				list, want = append(list, token(m)), append(want, true)
			}
			slices.Reverse(list)
			slices.Reverse(want)
			require.Equal(b.t, want, ack.do(b, list...))
		}),
	}
}
