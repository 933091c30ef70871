package enginetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func deadLetterCases() []testCase {
	return []testCase{
		{name: "by hand, of a message nobody leases", run: func(b *bundle) {
			fresh, delayed := b.put(`{"keep": "me"}`), b.send(model.NewMessage{Payload: []byte(`1`), Delay: long})[0]
			b.ok(b.eng.DeadLetter(b.ctx, fresh))
			b.ok(b.eng.DeadLetter(b.ctx, delayed))
			m := b.archived(fresh)
			require.Equal(b.t, "moved by hand", m.DeadReason)
			require.Zero(b.t, m.ReadCt)
			require.False(b.t, m.ArchivedAt.IsZero())
			requireJSON(b.t, []byte(`{"keep": "me"}`), m.Payload)
			b.archived(delayed)
			b.empty(b.consumer)
			require.EqualValues(b.t, 2, b.metrics().Dead)
			b.ok(b.eng.ReplayArchived(b.ctx, fresh))
			require.Equal(b.t, fresh, b.take(1, long)[0].ID)
		}},
		{name: "by hand, of an expired lease that nobody took", run: func(b *bundle) {
			m := b.one(brief)
			b.awaitPending(1)
			b.ok(b.eng.DeadLetter(b.ctx, m.ID))
			got := b.archived(m.ID)
			require.Equal(b.t, "moved by hand", got.DeadReason)
			require.EqualValues(b.t, 1, got.ReadCt)
			require.Equal(b.t, []bool{false}, b.archive(token(m)), "the lease ended with the message")
		}},
		{name: "by hand, not while it is leased", run: func(b *bundle) {
			m := b.one(long)
			b.fails(fault.StateTransition, b.eng.DeadLetter(b.ctx, m.ID))
			require.Equal(b.t, stored(m), b.message(m.ID), "a refused move must change nothing")
			b.release(engine.Release{Token: token(m)})
			b.ok(b.eng.DeadLetter(b.ctx, m.ID))
		}},
		{name: "by hand or leased, never both", run: func(b *bundle) {
			sent := b.fill(60)
			var moved []int64
			b.none(together(2, func(i int) error {
				if i == 0 {
					for range sent {
						if _, err := engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 1, Lease: long}); err != nil {
							return err
						}
					}
					return nil
				}
				for _, id := range slices.Backward(sent) {
					switch err := b.eng.DeadLetter(b.ctx, id); {
					case err == nil:
						moved = append(moved, id)
					case !fault.Is(err, fault.StateTransition):
						return err
					}
				}
				return nil
			}))
			b.selects(b.archiveTable(), engine.Filter{QueueID: b.queue.ID, DeadOnly: true}, moved...)
			n, err := b.eng.CountMessages(b.ctx, engine.Filter{QueueID: b.queue.ID, WorkerID: b.consumer.ID})
			b.ok(err)
			require.EqualValues(b.t, len(sent)-len(moved), n)
		}},
		{name: "by hand, of what is not there", run: func(b *bundle) {
			b.fails(fault.MessageNotFound, b.eng.DeadLetter(b.ctx, nowhere))
			m := b.one(long)
			b.archive(token(m))
			b.fails(fault.MessageNotFound, b.eng.DeadLetter(b.ctx, m.ID))
			require.Empty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "by the claim after the last lease expired", run: func(b *bundle) {
			b.limit(2)
			id := b.put(`{"keep": "me"}`)
			b.take(1, brief)
			last := b.await(b.consumer, 1, brief)[0]
			require.EqualValues(b.t, 2, last.ReadCt)
			b.eventually("the dead letter", func() bool {
				b.empty(b.consumer)
				_, err := b.eng.GetArchived(b.ctx, id)
				return err == nil
			})
			m := b.archived(id)
			require.NotEmpty(b.t, m.DeadReason)
			require.EqualValues(b.t, 2, m.ReadCt)
			require.False(b.t, m.ArchivedAt.Before(last.VT), "dead at %v, leased until %v", m.ArchivedAt, last.VT)
			requireJSON(b.t, []byte(`{"keep": "me"}`), m.Payload)
		}},
		{name: "never leased a sixth time", run: func(b *bundle) {
			id := b.put(`1`)
			for n := range int32(5) {
				require.Equal(b.t, n+1, b.await(b.consumer, 1, time.Millisecond)[0].ReadCt)
			}
			b.eventually("the dead letter", func() bool {
				b.empty(b.consumer)
				_, err := b.eng.GetArchived(b.ctx, id)
				return err == nil
			})
			require.EqualValues(b.t, 5, b.archived(id).ReadCt)
		}},
		{name: "not while the last lease lasts", run: func(b *bundle) {
			b.limit(1)
			m := b.one(long)
			b.empty(b.another())
			n, err := b.eng.Sweep(b.ctx, b.queue.ID)
			b.ok(err)
			require.Zero(b.t, n)
			require.Equal(b.t, trues(1), b.archive(token(m)))
			require.Empty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "the last lease may still be acknowledged after its end", run: func(b *bundle) {
			b.limit(1)
			m := b.one(brief)
			b.awaitPending(1)
			require.Equal(b.t, trues(1), b.archive(token(m)))
			require.Empty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "the last lease may still be extended after its end", run: func(b *bundle) {
			b.limit(1)
			m := b.one(brief)
			b.awaitPending(1)
			require.Equal(b.t, trues(1), b.extend(engine.Extension{Token: token(m), For: long}))
			b.empty(b.another())
			b.notArchived(m.ID)
		}},
		{name: "by a release at the limit", run: func(b *bundle) {
			b.limit(2)
			m := b.one(long)
			b.release(engine.Release{Token: token(m)})
			b.notArchived(m.ID)
			m = b.take(1, long)[0]
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m)}))
			dead := b.archived(m.ID)
			require.NotEmpty(b.t, dead.DeadReason)
			require.EqualValues(b.t, 2, dead.ReadCt)
			require.False(b.t, dead.ArchivedAt.IsZero())
		}},
		{name: "by a release to an instant at the limit", run: func(b *bundle) {
			b.limit(1)
			m := b.one(long)
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m), At: m.VT.Add(time.Hour)}))
			require.NotEmpty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "a mixed release dead-letters only what is at its limit", run: func(b *bundle) {
			b.limit(2)
			b.fill(2)
			for _, m := range b.take(2, long) {
				b.release(engine.Release{Token: token(m)})
			}
			b.put(`"fresh"`)
			m := b.take(3, long)
			require.Equal(b.t, []bool{true, false, true, true}, b.release(
				engine.Release{Token: token(m[2])},
				engine.Release{Token: model.Token{ID: m[0].ID, Worker: m[0].ConsumerWorkerID, ReadCt: 1}},
				engine.Release{Token: token(m[0])},
				engine.Release{Token: token(m[1]), Unread: true}))
			require.NotEmpty(b.t, b.archived(m[0].ID).DeadReason)
			b.notArchived(m[1].ID)
			b.notArchived(m[2].ID)
			require.ElementsMatch(b.t, []int64{m[1].ID, m[2].ID}, ids(b.claimAs(b.consumer, 5, long).Messages))
		}},
		{name: "what is exhausted does not hide the rest", run: func(b *bundle) {
			b.limit(1)
			b.fill(30)
			b.take(30, time.Millisecond)
			b.awaitPending(30)
			id := b.put(`"fresh"`)
			require.Equal(b.t, []int64{id}, ids(b.take(1, long)))
		}},
		{name: "a short claim leaves nothing exhausted behind", run: func(b *bundle) {
			b.limit(1)
			b.fill(250)
			b.take(250, time.Millisecond)
			b.awaitPending(250)
			require.Negative(b.t, b.empty(b.consumer).NextDue)
			require.EqualValues(b.t, 250, b.metrics().Dead)
			require.Zero(b.t, b.metrics().Pending)
		}},
		{name: "the limit is the queue's own", run: func(b *bundle) {
			b.limit(3)
			m := b.one(long)
			for range 2 {
				b.release(engine.Release{Token: token(m)})
				m = b.take(1, long)[0]
			}
			require.EqualValues(b.t, 3, m.ReadCt)
			b.release(engine.Release{Token: token(m)})
			require.NotEmpty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "sweep moves what is exhausted, and only that", run: func(b *bundle) {
			b.limit(1)
			b.fill(4)
			b.take(3, time.Millisecond)
			held := b.take(1, long)[0]
			waiting := b.put(`"waiting"`)
			b.awaitPending(4)
			n, err := b.eng.Sweep(b.ctx, b.queue.ID)
			b.ok(err)
			require.EqualValues(b.t, 3, n)
			require.Equal(b.t, stored(held), b.message(held.ID))
			b.message(waiting)
			n, err = b.eng.Sweep(b.ctx, b.queue.ID)
			b.ok(err)
			require.Zero(b.t, n)
			require.EqualValues(b.t, 3, b.metrics().Dead)
		}},
		{name: "sweep leaves an expired lease below the limit", run: func(b *bundle) {
			m := b.one(time.Millisecond)
			b.awaitPending(1)
			n, err := b.eng.Sweep(b.ctx, b.queue.ID)
			b.ok(err)
			require.Zero(b.t, n)
			require.Equal(b.t, stored(m), b.message(m.ID))
		}},
		{name: "sweep keeps to its queue, or does them all", own: true, run: func(b *bundle) {
			b.limit(1)
			b.one(time.Millisecond)
			b.awaitPending(1)
			first := b.queue
			b.limit(1)
			b.one(time.Millisecond)
			b.awaitPending(1)
			n, err := b.eng.Sweep(b.ctx, b.newQueue(1).ID)
			b.ok(err)
			require.Zero(b.t, n)
			n, err = b.eng.Sweep(b.ctx, first.ID)
			b.ok(err)
			require.EqualValues(b.t, 1, n)
			b.limit(1)
			b.one(time.Millisecond)
			b.awaitPending(1)
			n, err = b.eng.Sweep(b.ctx, 0)
			b.ok(err)
			require.EqualValues(b.t, 2, n)
		}},
		{name: "a sweep since an instant moves what became eligible behind it, in every queue", own: true, run: func(b *bundle) {
			expire := func() int64 {
				b.limit(1)
				m := b.one(time.Millisecond)
				b.awaitPending(1)
				return m.ID
			}
			since := func(at time.Time, expected int64) time.Time {
				n, until, err := b.eng.SweepSince(b.ctx, at)
				b.ok(err)
				require.Equal(b.t, expected, n)
				return until
			}
			before := expire()
			instant := since(time.Now().Add(time.Hour), 0)
			behind := []int64{expire(), expire()}
			b.limit(1)
			held := b.one(long)
			below := b.put(`"never leased"`)
			require.True(b.t, since(instant, 2).After(instant))
			for _, id := range behind {
				require.Equal(b.t, "leased 1 times without being archived", b.archived(id).DeadReason)
			}
			b.notArchived(before)
			since(instant, 0)
			since(time.Time{}, 1)
			b.archived(before)
			b.message(below)
			require.Equal(b.t, stored(held), b.message(held.ID))
		}},
		{name: "replay puts it back, visible now, never leased", run: func(b *bundle) {
			b.limit(1)
			id := b.send(model.NewMessage{Payload: []byte(`{"again": true}`), Producer: b.producer.ID})[0]
			b.release(engine.Release{Token: token(b.take(1, long)[0])})
			dead := b.archived(id)
			b.ok(b.eng.ReplayArchived(b.ctx, id))
			b.notArchived(id)
			m := b.message(id)
			require.Zero(b.t, m.ReadCt)
			require.Zero(b.t, m.ConsumerWorkerID)
			require.True(b.t, m.ArchivedAt.IsZero())
			require.Empty(b.t, m.DeadReason)
			require.Equal(b.t, dead.EnqueuedAt, m.EnqueuedAt)
			require.Equal(b.t, b.producer.ID, m.ProducerWorkerID)
			requireJSON(b.t, []byte(`{"again": true}`), m.Payload)
			again := b.take(1, long)[0]
			require.Equal(b.t, id, again.ID)
			require.EqualValues(b.t, 1, again.ReadCt)
			require.Equal(b.t, trues(1), b.archive(token(again)))
		}},
		{name: "a replayed message can die again", run: func(b *bundle) {
			b.limit(1)
			id := b.exhaust()
			for range 3 {
				b.ok(b.eng.ReplayArchived(b.ctx, id))
				require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(b.take(1, long)[0])}))
				require.NotEmpty(b.t, b.archived(id).DeadReason)
			}
		}},
		{name: "an old token does not reach a replayed message", run: func(b *bundle) {
			b.limit(1)
			m := b.one(long)
			b.release(engine.Release{Token: token(m)})
			b.ok(b.eng.ReplayArchived(b.ctx, m.ID))
			require.Equal(b.t, []bool{false, false}, b.archive(token(m), model.Token{ID: m.ID, Worker: m.ConsumerWorkerID}))
		}},
		{name: "replay refuses what its consumer archived", run: func(b *bundle) {
			m := b.one(long)
			b.archive(token(m))
			b.fails(fault.StateTransition, b.eng.ReplayArchived(b.ctx, m.ID))
			b.archived(m.ID)
		}},
		{name: "replay of an unknown message", run: func(b *bundle) {
			b.fails(fault.MessageNotFound, b.eng.ReplayArchived(b.ctx, nowhere))
			b.fails(fault.MessageNotFound, b.eng.ReplayArchived(b.ctx, b.put(`"still queued"`)))
		}},
		{name: "replay into a queue that is gone", run: func(b *bundle) {
			b.limit(1)
			id := b.exhaust()
			_, err := b.eng.StopWorkers(b.ctx, []int64{b.consumer.ID}, engine.AnyLease, true)
			b.ok(err)
			b.ok(b.eng.DeleteQueue(b.ctx, b.queue.Name))
			b.fails(fault.QueueNotFound, b.eng.ReplayArchived(b.ctx, id))
			require.NotEmpty(b.t, b.archived(id).DeadReason)
		}},
	}
}
