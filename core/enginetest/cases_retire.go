package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// stale is a heartbeat age that a case waits for. It is far above the time one
// statement takes, so that a worker kept fresh in a loop is never stale.
const stale = time.Second

// retireCases are the ways in which workers end and what becomes of their leases.
func retireCases() []testCase {
	return []testCase{
		{name: "stop lets go what the worker holds", run: func(b *bundle) {
			sent := b.fill(3)
			held := b.take(3, long)
			require.EqualValues(b.t, 3, b.stop(false, b.consumer.ID))
			w := b.worker(b.consumer.ID)
			require.Equal(b.t, model.WorkerStopped, w.Status)
			require.False(b.t, w.ShutdownAt.IsZero())
			require.Equal(b.t, []bool{false, false, false}, b.archive(tokens(held)...))
			again := b.takeAs(b.another(), 3, long)
			require.ElementsMatch(b.t, sent, ids(again))
			require.EqualValues(b.t, 2, again[0].ReadCt)
		}},
		{name: "stop and remove", run: func(b *bundle) {
			m := b.one(long)
			require.EqualValues(b.t, 1, b.stop(true, b.consumer.ID))
			_, err := b.eng.GetWorker(b.ctx, b.consumer.ID)
			b.fails(fault.WorkerNotFound, err)
			require.Equal(b.t, m.ID, b.takeAs(b.another(), 1, long)[0].ID)
		}},
		{name: "stop dead-letters what is at its limit", run: func(b *bundle) {
			b.limit(2)
			m := b.one(long)
			b.release(engine.Release{Token: token(m)})
			b.take(1, long)
			fresh := b.one(long)
			require.EqualValues(b.t, 2, b.stop(false, b.consumer.ID))
			require.NotEmpty(b.t, b.archived(m.ID).DeadReason)
			require.Equal(b.t, []int64{fresh.ID}, ids(b.claimAs(b.another(), 5, long).Messages))
		}},
		{name: "stop leaves other workers' leases alone", run: func(b *bundle) {
			m := b.one(long)
			other := b.another()
			require.Zero(b.t, b.stop(false, other.ID))
			require.Equal(b.t, stored(m), b.message(m.ID))
			require.Equal(b.t, model.WorkerReady, b.worker(b.consumer.ID).Status)
		}},
		{name: "stop several, unknown and stopped ones too", run: func(b *bundle) {
			other := b.another()
			b.fill(2)
			b.take(1, long)
			b.takeAs(other, 1, long)
			require.EqualValues(b.t, 2, b.stop(false, nowhere, b.consumer.ID, other.ID, b.consumer.ID))
			require.Zero(b.t, b.stop(false, nowhere, b.consumer.ID, other.ID))
			require.Zero(b.t, b.stop(true, nowhere, b.consumer.ID, other.ID))
			require.Zero(b.t, b.stop(true))
			_, err := b.eng.GetWorker(b.ctx, other.ID)
			b.fails(fault.WorkerNotFound, err)
		}},
		{name: "stop looks as far as the longest lease", run: func(b *bundle) {
			b.fill(2)
			held := b.take(2, time.Minute)
			require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(held[0]), For: long}))
			idle := b.another()
			require.Zero(b.t, b.stopWithin(0, false, idle.ID))
			require.EqualValues(b.t, 2, b.stopWithin(long, false, idle.ID, b.consumer.ID))
			require.ElementsMatch(b.t, ids(held), ids(b.takeAs(b.another(), 2, long)))
		}},
		{name: "delete worker", run: func(b *bundle) {
			w := b.another()
			b.ok(b.eng.DeleteWorker(b.ctx, w.ID))
			_, err := b.eng.GetWorker(b.ctx, w.ID)
			b.fails(fault.WorkerNotFound, err)
			b.fails(fault.WorkerNotFound, b.eng.DeleteWorker(b.ctx, w.ID))
		}},
		{name: "delete worker refuses while it holds leases", run: func(b *bundle) {
			m := b.one(long)
			b.fails(fault.StateTransition, b.eng.DeleteWorker(b.ctx, b.consumer.ID))
			b.set(b.consumer.ID, model.WorkerStopped)
			b.fails(fault.StateTransition, b.eng.DeleteWorker(b.ctx, b.consumer.ID))
			require.Equal(b.t, trues(1), b.archive(token(m)))
			b.ok(b.eng.DeleteWorker(b.ctx, b.consumer.ID))
		}},
		{name: "delete worker after its leases expired", run: func(b *bundle) {
			m := b.one(brief)
			b.awaitPending(1)
			b.ok(b.eng.DeleteWorker(b.ctx, b.consumer.ID))
			require.Equal(b.t, m.ID, b.takeAs(b.another(), 1, long)[0].ID)
		}},
		{name: "purge removes stopped workers that hold nothing", own: true, run: func(b *bundle) {
			m := b.one(long)
			stopped := b.another()
			b.set(stopped.ID, model.WorkerStopped)
			b.set(b.consumer.ID, model.WorkerStopped) // by hand, so that it keeps its lease
			require.EqualValues(b.t, 1, b.purge(time.Hour))
			_, err := b.eng.GetWorker(b.ctx, stopped.ID)
			b.fails(fault.WorkerNotFound, err)
			b.worker(b.consumer.ID)
			b.worker(b.producer.ID)
			b.archive(token(m))
			require.EqualValues(b.t, 1, b.purge(time.Hour))
			b.worker(b.producer.ID)
		}},
		{name: "purge removes workers whose heartbeat is old", own: true, run: func(b *bundle) {
			old, holds := b.another(), b.another()
			b.put(`1`)
			b.takeAs(holds, 1, long)
			b.eventually("a worker to purge", func() bool {
				_, err := b.eng.Heartbeat(b.ctx, []int64{b.producer.ID, b.consumer.ID})
				b.ok(err)
				return b.purge(stale) == 1
			})
			_, err := b.eng.GetWorker(b.ctx, old.ID)
			b.fails(fault.WorkerNotFound, err)
			for _, id := range []int64{b.producer.ID, b.consumer.ID, holds.ID} {
				b.worker(id)
			}
		}},
		{name: "reclaim takes leases of stale workers back", own: true, run: func(b *bundle) {
			b.fill(3)
			fresh := b.another()
			held := b.takeAs(fresh, 1, long)[0]
			lost := b.take(2, long)
			b.eventually("leases to reclaim", func() bool {
				_, err := b.eng.Heartbeat(b.ctx, []int64{fresh.ID})
				b.ok(err)
				return b.reclaim(b.queue.ID, stale) == 2
			})
			require.Equal(b.t, model.WorkerStopped, b.worker(b.consumer.ID).Status)
			require.Equal(b.t, model.WorkerReady, b.worker(fresh.ID).Status)
			require.Equal(b.t, stored(held), b.message(held.ID))
			require.Equal(b.t, []bool{false, false}, b.archive(tokens(lost)...))
			again := b.takeAs(fresh, 2, long)
			require.ElementsMatch(b.t, ids(lost), ids(again))
			require.EqualValues(b.t, 2, again[0].ReadCt)
		}},
		{name: "reclaim keeps to its queue, or does them all", own: true, run: func(b *bundle) {
			first := b.one(long)
			firstQueue := b.queue
			b.limit(5)
			second := b.one(long)
			b.eventually("the first queue's lease", func() bool { return b.reclaim(firstQueue.ID, stale) == 1 })
			require.Zero(b.t, b.message(first.ID).ConsumerWorkerID)
			require.Equal(b.t, stored(second), b.message(second.ID))
			b.eventually("the second queue's lease", func() bool { return b.reclaim(0, stale) == 1 })
			require.Zero(b.t, b.message(second.ID).ConsumerWorkerID)
		}},
		{name: "reclaim at the limit never leads to another lease", own: true, run: func(b *bundle) {
			b.limit(1)
			m := b.one(long)
			b.eventually("the lease", func() bool { return b.reclaim(b.queue.ID, stale) == 1 })
			b.empty(b.another())
			require.NotEmpty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "reclaim finds nothing stale", own: true, run: func(b *bundle) {
			m := b.one(long)
			require.Zero(b.t, b.reclaim(0, time.Hour))
			require.Equal(b.t, stored(m), b.message(m.ID))
			require.Equal(b.t, model.WorkerReady, b.worker(b.consumer.ID).Status)
		}},
	}
}

func (b *bundle) stop(remove bool, ids ...int64) int64 {
	b.t.Helper()
	return b.stopWithin(engine.AnyLease, remove, ids...)
}

func (b *bundle) stopWithin(leases time.Duration, remove bool, ids ...int64) int64 {
	b.t.Helper()
	n, err := b.eng.StopWorkers(b.ctx, ids, leases, remove)
	b.ok(err)
	return n
}

func (b *bundle) purge(age time.Duration) int64 {
	b.t.Helper()
	n, err := b.eng.PurgeWorkers(b.ctx, age)
	b.ok(err)
	return n
}

func (b *bundle) reclaim(queueID int64, olderThan time.Duration) int64 {
	b.t.Helper()
	n, err := b.eng.Reclaim(b.ctx, queueID, olderThan)
	b.ok(err)
	return n
}
