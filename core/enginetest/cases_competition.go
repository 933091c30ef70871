package enginetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

func competitionCases() []testCase {
	return []testCase{
		{name: "claimers on several engines share without overlap", run: func(b *bundle) {
			engines := b.peers(3)
			const total = 1500
			sent := b.fill(total)
			workers := make([]model.WorkerInfo, 6)
			for i := range workers {
				workers[i] = b.another()
			}
			var mu sync.Mutex
			times := map[int64]int{}
			b.none(together(len(workers), func(i int) error {
				eng := engines[i%len(engines)]
				for {
					c, err := engine.ClaimOne(b.ctx, eng, engine.Claim{QueueID: b.queue.ID, WorkerID: workers[i].ID, Limit: 7, Lease: long})
					if err != nil || len(c.Messages) == 0 {
						return err
					}
					mu.Lock()
					for _, m := range c.Messages {
						times[m.ID]++
					}
					mu.Unlock()
				}
			}))
			// A claimer that found nothing may have been in the way of another.
			for _, m := range b.claimAs(b.consumer, total, long).Messages {
				times[m.ID]++
			}
			require.Len(b.t, times, total)
			for _, id := range sent {
				require.Equal(b.t, 1, times[id], "message %d", id)
			}
		}},
		{name: "of many that acknowledge a message one succeeds", run: func(b *bundle) {
			engines := b.peers(2)
			b.fill(100)
			held := b.take(100, long)
			const callers = 4
			outcomes := make([][]bool, callers)
			b.none(together(callers, func(i int) error {
				list := tokens(held)
				if i%2 == 1 {
					slices.Reverse(list) // in opposite order: they must not deadlock
				}
				got, err := engines[i/2].Finish(b.ctx, engine.Finish(i%2), list)
				if i%2 == 1 {
					slices.Reverse(got)
				}
				outcomes[i] = got
				return err
			}))
			for m := range held {
				n := 0
				for i := range callers {
					if outcomes[i][m] {
						n++
					}
				}
				require.Equal(b.t, 1, n, "message %d", held[m].ID)
			}
		}},
		{name: "all acknowledgements at once neither fail nor contradict", run: func(b *bundle) {
			b.fill(60)
			held := b.take(60, long)
			acks := acknowledgements()
			ended := make([][]bool, len(acks))
			b.none(together(2*len(acks), func(i int) error {
				switch ack := acks[i%len(acks)]; {
				case ack.repeats:
					list := make([]engine.Extension, len(held))
					for k, m := range held {
						list[k] = engine.Extension{Token: token(m), For: time.Hour}
					}
					_, err := b.eng.Extend(b.ctx, list)
					return err
				case i >= len(acks):
					_, err := b.eng.Release(b.ctx, nil)
					return err
				case ack.name == "release":
					list := make([]engine.Release, len(held))
					for k, m := range held {
						list[k] = engine.Release{Token: token(m)}
					}
					var err error
					ended[i], err = b.eng.Release(b.ctx, list)
					return err
				default:
					var err error
					ended[i], err = b.eng.Finish(b.ctx, engine.Finish(i), tokens(held))
					return err
				}
			}))
			for k := range held {
				n := 0
				for _, outcome := range ended {
					if outcome != nil && outcome[k] {
						n++
					}
				}
				require.Equal(b.t, 1, n, "message %d", held[k].ID)
			}
		}},
		{name: "an acknowledgement and a takeover agree", run: func(b *bundle) {
			// Around a lease's end the holder archives while another claims: one of
			// them has the message, and the other knows that it has not.
			other := b.another()
			for range 15 {
				m := b.one(20 * time.Millisecond)
				var acked bool
				var taken []model.Message
				var answered atomic.Bool
				b.none(together(2, func(i int) error {
					if i == 0 {
						defer answered.Store(true)
						<-time.After(time.Until(m.VT)) // only a guess: both outcomes are right
						got, err := b.eng.Finish(b.ctx, engine.FinishArchive, []model.Token{token(m)})
						acked = err == nil && got[0]
						return err
					}
					for last := false; !last && len(taken) == 0; {
						last = answered.Load()
						c, err := engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: other.ID, Limit: 1, Lease: long})
						if taken = c.Messages; err != nil {
							return err
						}
					}
					return nil
				}))
				require.False(b.t, acked && len(taken) > 0, "message %d acknowledged and taken over", m.ID)
				if len(taken) > 0 {
					require.Equal(b.t, trues(1), b.archive(token(taken[0])))
				}
				b.archived(m.ID)
			}
		}},
		{name: "producers and consumers on several engines lose nothing", run: func(b *bundle) {
			engines := b.peers(2)
			const producers, batches, size = 4, 15, 10
			var mu sync.Mutex
			var sent, done []int64
			producing := producers
			b.none(together(2*producers, func(i int) error {
				eng := engines[i%len(engines)]
				if i < producers {
					defer func() { mu.Lock(); producing--; mu.Unlock() }()
					for range batches {
						got, err := eng.Enqueue(b.ctx, b.queue.ID, numbered(size))
						if err != nil {
							return err
						}
						mu.Lock()
						sent = append(sent, got...)
						mu.Unlock()
					}
					return nil
				}
				for {
					mu.Lock()
					over := producing == 0 && len(done) == len(sent)
					mu.Unlock()
					if over || b.ctx.Err() != nil {
						return b.ctx.Err()
					}
					c, err := engine.ClaimOne(b.ctx, eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 25, Lease: long})
					if err != nil {
						return err
					}
					if _, err := eng.Finish(b.ctx, engine.FinishArchive, tokens(c.Messages)); err != nil {
						return err
					}
					mu.Lock()
					done = append(done, ids(c.Messages)...)
					mu.Unlock()
				}
			}))
			require.Len(b.t, sent, producers*batches*size)
			require.ElementsMatch(b.t, sent, done)
			require.EqualValues(b.t, len(sent), b.metrics().Archived)
		}},
		{name: "a late commit is found by the next claim", run: func(b *bundle) {
			if b.store.EnqueueTx == nil {
				b.t.Skipf("%s offers no transactions of users", b.store.Name)
			}
			late, end, err := b.store.EnqueueTx(b.ctx, b.queue.ID, [][]byte{[]byte(`"late"`)})
			b.ok(err)
			// Meanwhile the queue moves on, well past the late message's vt.
			for range 30 {
				b.fill(10)
				b.take(10, long)
			}
			b.empty(b.consumer)
			b.ok(end(b.ctx, true))
			require.Equal(b.t, late, ids(b.claimAs(b.consumer, 5, long).Messages))
		}},
		{name: "a transaction that was rolled back left nothing", run: func(b *bundle) {
			if b.store.EnqueueTx == nil {
				b.t.Skipf("%s offers no transactions of users", b.store.Name)
			}
			gone, end, err := b.store.EnqueueTx(b.ctx, b.queue.ID, [][]byte{[]byte(`1`), []byte(`2`)})
			b.ok(err)
			b.empty(b.consumer)
			b.ok(end(b.ctx, false))
			b.empty(b.consumer)
			for _, id := range gone {
				b.notQueued(id)
			}
		}},
	}
}
