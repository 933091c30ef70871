package enginetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// table is one of the two tables that a Filter selects from.
type table struct {
	list  func(f engine.Filter, p model.Page) ([]model.Message, error)
	count func(f engine.Filter) (int64, error)
}

func (b *bundle) messages() table {
	return table{
		list: func(f engine.Filter, p model.Page) ([]model.Message, error) {
			return b.eng.ListMessages(b.ctx, f, p)
		},
		count: func(f engine.Filter) (int64, error) { return b.eng.CountMessages(b.ctx, f) },
	}
}

func (b *bundle) archiveTable() table {
	return table{
		list: func(f engine.Filter, p model.Page) ([]model.Message, error) {
			return b.eng.ListArchived(b.ctx, f, p)
		},
		count: func(f engine.Filter) (int64, error) { return b.eng.CountArchived(b.ctx, f) },
	}
}

// selects requires a filter to select exactly these ids, in listing and count.
func (b *bundle) selects(t table, f engine.Filter, want ...int64) {
	b.t.Helper()
	got, err := t.list(f, model.Page{})
	b.ok(err)
	require.Equal(b.t, slices.Sorted(slices.Values(want)), append([]int64(nil), ids(got)...), "%+v", f)
	n, err := t.count(f)
	b.ok(err)
	require.EqualValues(b.t, len(want), n, "%+v", f)
}

func listingCases() []testCase {
	return []testCase{
		{name: "messages by id, in pages", run: func(b *bundle) {
			sent := b.fill(9)
			b.take(3, long)
			want := make([]model.Message, len(sent))
			for i, id := range sent {
				want[i] = b.message(id)
			}
			requirePages(b, want, func(p model.Page) ([]model.Message, error) {
				return b.eng.ListMessages(b.ctx, engine.Filter{QueueID: b.queue.ID}, p)
			})
		}},
		{name: "archived messages by id, in pages", run: func(b *bundle) {
			sent := b.fill(9)
			claimed := tokens(b.take(9, long))
			slices.Reverse(claimed)
			for _, t := range claimed {
				b.archive(t)
			}
			want := make([]model.Message, len(sent))
			for i, id := range sent {
				want[i] = b.archived(id)
			}
			requirePages(b, want, func(p model.Page) ([]model.Message, error) {
				return b.eng.ListArchived(b.ctx, engine.Filter{QueueID: b.queue.ID}, p)
			})
		}},
		{name: "a page has a hundred rows unless told", run: func(b *bundle) {
			b.fill(130)
			f := engine.Filter{QueueID: b.queue.ID}
			got, err := b.eng.ListMessages(b.ctx, f, model.Page{})
			b.ok(err)
			require.Len(b.t, got, 100)
			b.archive(tokens(b.take(130, long))...)
			got, err = b.eng.ListArchived(b.ctx, f, model.Page{})
			b.ok(err)
			require.Len(b.t, got, 100)
			got, err = b.eng.ListArchived(b.ctx, f, model.Page{Limit: 1000})
			b.ok(err)
			require.Len(b.t, got, 130)
		}},
		{name: "messages filtered", run: func(b *bundle) {
			sent := b.fill(6)
			other := b.another()
			mine := b.take(2, long)
			theirs := b.takeAs(other, 2, long)
			b.release(engine.Release{Token: token(mine[0])})
			again := b.takeAs(other, 3, long) // the two that waited, and the released one
			t, q := b.messages(), b.queue.ID
			b.selects(t, engine.Filter{QueueID: q}, sent...)
			b.selects(t, engine.Filter{QueueID: q, WorkerID: b.consumer.ID}, mine[1].ID)
			b.selects(t, engine.Filter{WorkerID: b.consumer.ID}, mine[1].ID)
			b.selects(t, engine.Filter{QueueID: q, WorkerID: other.ID}, append(ids(theirs), ids(again)...)...)
			b.selects(t, engine.Filter{QueueID: q, MinReads: 1}, sent...)
			b.selects(t, engine.Filter{QueueID: q, MinReads: 2}, mine[0].ID)
			b.selects(t, engine.Filter{QueueID: q, MinReads: 2, WorkerID: b.consumer.ID})
			b.selects(t, engine.Filter{QueueID: q, MinReads: 3})
			b.selects(t, engine.Filter{QueueID: nowhere})
			b.selects(t, engine.Filter{WorkerID: nowhere})
		}},
		{name: "messages that were never leased have no reads", run: func(b *bundle) {
			sent := b.fill(3)
			m := b.take(1, long)
			b.selects(b.messages(), engine.Filter{QueueID: b.queue.ID, MinReads: 1}, ids(m)...)
			b.selects(b.messages(), engine.Filter{QueueID: b.queue.ID}, sent...)
		}},
		{name: "archived messages filtered", run: func(b *bundle) {
			b.limit(2)
			other := b.another()
			b.fill(4)
			m := b.take(3, long)
			theirs := b.takeAs(other, 1, long)[0]
			b.archive(token(m[0]), token(theirs))
			for range 2 {
				b.release(engine.Release{Token: token(m[1])})
				if c := b.claimAs(b.consumer, 1, long).Messages; len(c) == 1 {
					m[1] = c[0]
				}
			}
			t, q := b.archiveTable(), b.queue.ID
			b.selects(t, engine.Filter{QueueID: q}, m[0].ID, m[1].ID, theirs.ID)
			b.selects(t, engine.Filter{QueueID: q, DeadOnly: true}, m[1].ID)
			b.selects(t, engine.Filter{QueueID: q, WorkerID: other.ID}, theirs.ID)
			b.selects(t, engine.Filter{WorkerID: other.ID}, theirs.ID)
			b.selects(t, engine.Filter{WorkerID: other.ID, DeadOnly: true})
			b.selects(t, engine.Filter{QueueID: q, MinReads: 2}, m[1].ID)
			b.selects(t, engine.Filter{QueueID: q, MinReads: 2, DeadOnly: true}, m[1].ID)
			b.selects(t, engine.Filter{QueueID: q, MinReads: 3})
			b.selects(t, engine.Filter{QueueID: nowhere})
		}},
		{name: "without a filter everything is selected", own: true, run: func(b *bundle) {
			first := b.one(long).ID
			done := b.one(long)
			b.archive(token(done))
			b.limit(1)
			second := b.put(`1`)
			dead := b.newBundleOnQueue(1).exhaust()
			b.selects(b.messages(), engine.Filter{}, first, second)
			b.selects(b.archiveTable(), engine.Filter{}, done.ID, dead)
			b.selects(b.archiveTable(), engine.Filter{DeadOnly: true}, dead)
			b.selects(b.messages(), engine.Filter{MinReads: 1}, first)
		}},
		{name: "a listing shows what a claim hands out", run: func(b *bundle) {
			m := b.one(time.Hour)
			list, err := b.eng.ListMessages(b.ctx, engine.Filter{WorkerID: b.consumer.ID}, model.Page{})
			b.ok(err)
			require.Equal(b.t, []model.Message{stored(m)}, list)
		}},
	}
}

// newBundleOnQueue returns a copy of the bundle on a queue of its own.
func (b *bundle) newBundleOnQueue(maxReadCt int32) *bundle {
	b.t.Helper()
	c := *b
	c.limit(maxReadCt)
	return &c
}
