package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
)

// prunes requires that a filter removes n archived messages.
func (b *bundle) prunes(n int64, f engine.Filter, age time.Duration, limit int) {
	b.t.Helper()
	got, err := b.eng.PruneArchive(b.ctx, f, age, 0, limit)
	b.ok(err)
	require.Equal(b.t, n, got.Removed, "%+v", f)
}

func purgeArchiveCases() []testCase {
	return []testCase{
		{name: "of one queue", run: func(b *bundle) {
			other := b.newBundleOnQueue(5)
			kept := other.one(long)
			other.archive(token(kept))
			gone := b.one(long)
			b.archive(token(gone))
			b.prunes(1, engine.Filter{QueueID: b.queue.ID}, 0, 100)
			b.notArchived(gone.ID)
			other.archived(kept.ID)
		}},
		{name: "of one consumer", run: func(b *bundle) {
			kept := b.one(long)
			b.archive(token(kept))
			b.put(`1`)
			other := b.another()
			gone := b.takeAs(other, 1, long)[0]
			b.archive(token(gone))
			b.prunes(1, engine.Filter{WorkerID: other.ID}, 0, 100)
			b.notArchived(gone.ID)
			b.archived(kept.ID)
		}},
		{name: "of dead letters alone", run: func(b *bundle) {
			b.limit(1)
			dead := b.exhaust()
			kept := b.one(long)
			b.archive(token(kept))
			b.prunes(1, engine.Filter{QueueID: b.queue.ID, DeadOnly: true}, 0, 100)
			b.notArchived(dead)
			b.archived(kept.ID)
		}},
		{name: "of what is old and selected, up to a limit", run: func(b *bundle) {
			b.fill(3)
			m := b.take(3, long)
			b.archive(tokens(m)...)
			at := engine.Filter{QueueID: b.queue.ID, WorkerID: b.consumer.ID}
			b.prunes(0, at, time.Hour, 100)
			b.prunes(2, at, 0, 2)
			b.prunes(1, at, 0, 2)
			b.prunes(0, at, 0, 2)
		}},
		{name: "by payload and receive count", run: func(b *bundle) {
			b.put(`{"n": 1}`)
			b.put(`{"n": 2}`)
			m := b.take(2, long)
			b.archive(tokens(m)...)
			b.prunes(0, engine.Filter{QueueID: b.queue.ID, MinReads: 2}, 0, 100)
			b.prunes(1, engine.Filter{QueueID: b.queue.ID, Contains: `{"n": 2}`}, 0, 100)
			b.archived(m[0].ID)
		}},
		{name: "of nothing that is queued", run: func(b *bundle) {
			id := b.put(`1`)
			b.prunes(0, engine.Filter{QueueID: b.queue.ID}, 0, 100)
			b.message(id)
		}},
	}
}
