package enginetest

import (
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func queueCases() []testCase {
	return []testCase{
		{name: "get by id", run: func(b *bundle) {
			got, err := b.eng.GetQueueByID(b.ctx, b.queue.ID)
			b.ok(err)
			require.Equal(b.t, b.queue, got)
			_, err = b.eng.GetQueueByID(b.ctx, nowhere)
			b.fails(fault.QueueNotFound, err)
		}},
		{name: "create and get agree", run: func(b *bundle) {
			q := b.newQueue(7)
			require.Positive(b.t, q.ID)
			require.EqualValues(b.t, 7, q.MaxReadCt)
			require.False(b.t, q.CreatedAt.IsZero())
			require.Equal(b.t, time.UTC, q.CreatedAt.Location())
			got, err := b.eng.GetQueue(b.ctx, q.Name)
			b.ok(err)
			require.Equal(b.t, q, got)
		}},
		{name: "a name that is taken", run: func(b *bundle) {
			_, err := b.eng.CreateQueue(b.ctx, b.queue.Name, 9)
			require.ErrorContains(b.t, b.fails(fault.QueueExists, err), b.queue.Name)
			got, err := b.eng.GetQueue(b.ctx, b.queue.Name)
			b.ok(err)
			require.Equal(b.t, b.queue, got, "the refused call must change nothing")
		}},
		{name: "a name that is not there", run: func(b *bundle) {
			missing := name("missing")
			_, err := b.eng.GetQueue(b.ctx, missing)
			require.ErrorContains(b.t, b.fails(fault.QueueNotFound, err), missing)
			b.fails(fault.QueueNotFound, b.eng.DeleteQueue(b.ctx, missing))
			_, err = b.eng.PurgeQueue(b.ctx, missing)
			b.fails(fault.QueueNotFound, err)
		}},
		{name: "names are kept to the letter", run: func(b *bundle) {
			base := name("Q")
			for _, n := range []string{
				base, strings.ToLower(base), base + ` "x" 'y' $1 ?1 %s;--`, base + "_größe-鍵-😀", " " + base, base + `\`,
			} {
				q, err := b.eng.CreateQueue(b.ctx, n, 5)
				b.ok(err)
				got, err := b.eng.GetQueue(b.ctx, n)
				b.ok(err)
				require.Equal(b.t, q, got)
				require.Equal(b.t, n, got.Name)
			}
		}},
		{name: "four creators, one queue", run: func(b *bundle) {
			n := name("race")
			errs := together(8, func(int) error {
				_, err := b.eng.CreateQueue(b.ctx, n, 5)
				return err
			})
			created := 0
			for _, err := range errs {
				if err == nil {
					created++
				} else {
					b.fails(fault.QueueExists, err)
				}
			}
			require.Equal(b.t, 1, created)
		}},
		{name: "list and count by id, in pages", own: true, run: func(b *bundle) {
			want := []model.QueueInfo{b.queue}
			for range 9 {
				want = append(want, b.newQueue(5))
			}
			slices.SortFunc(want, func(x, y model.QueueInfo) int { return int(x.ID - y.ID) })
			requirePages(b, want, func(p model.Page) ([]model.QueueInfo, error) { return b.eng.ListQueues(b.ctx, p) })
			n, err := b.eng.CountQueues(b.ctx)
			b.ok(err)
			require.EqualValues(b.t, len(want), n)
		}},
		{name: "a page has a hundred rows unless told", own: true, run: func(b *bundle) {
			for range 104 {
				b.newQueue(5)
			}
			list, err := b.eng.ListQueues(b.ctx, model.Page{})
			b.ok(err)
			require.Len(b.t, list, 100)
			list, err = b.eng.ListQueues(b.ctx, model.Page{Offset: 100})
			b.ok(err)
			require.Len(b.t, list, 5)
		}},
		{name: "what was forgotten of a queue is found again", run: func(b *bundle) {
			b.eng.Forget(b.queue.ID)
			b.eng.Forget(nowhere)
			for range 3 {
				b.one(long)
				b.put(`"left"`)
				b.eng.Forget(b.queue.ID)
				b.take(1, long)
			}
			b.empty(b.consumer)
		}},
		{name: "delete removes an empty queue", run: func(b *bundle) {
			q := b.newQueue(5)
			b.ok(b.eng.DeleteQueue(b.ctx, q.Name))
			_, err := b.eng.GetQueue(b.ctx, q.Name)
			b.fails(fault.QueueNotFound, err)
			b.fails(fault.QueueNotFound, b.eng.DeleteQueue(b.ctx, q.Name))
			_, err = b.eng.Enqueue(b.ctx, q.ID, numbered(1))
			b.fails(fault.QueueNotFound, err)
			_, err = b.eng.RegisterWorker(b.ctx, model.NewWorker{QueueID: q.ID, Name: "consumer", Hostname: "h"})
			b.fails(fault.QueueNotFound, err)
		}},
		{name: "a name can be used again, an id cannot", run: func(b *bundle) {
			q := b.newQueue(5)
			b.ok(b.eng.DeleteQueue(b.ctx, q.Name))
			again, err := b.eng.CreateQueue(b.ctx, q.Name, 5)
			b.ok(err)
			require.Greater(b.t, again.ID, q.ID)
		}},
		{name: "delete refuses while messages exist", run: func(b *bundle) {
			b.queue = b.newQueue(5)
			for _, delay := range []time.Duration{0, long} {
				b.send(model.NewMessage{Payload: []byte(`1`), Delay: delay})
				b.fails(fault.StateTransition, b.eng.DeleteQueue(b.ctx, b.queue.Name))
				_, err := b.eng.PurgeQueue(b.ctx, b.queue.Name)
				b.ok(err)
			}
			b.ok(b.eng.DeleteQueue(b.ctx, b.queue.Name))
		}},
		{name: "delete refuses while a worker is not stopped", run: func(b *bundle) {
			b.queue = b.newQueue(5)
			w := b.another()
			for _, status := range []model.WorkerStatus{
				model.WorkerReady, model.WorkerPolling, model.WorkerSuspended, model.WorkerInterrupted,
			} {
				b.set(w.ID, status)
				b.fails(fault.StateTransition, b.eng.DeleteQueue(b.ctx, b.queue.Name))
			}
			b.set(w.ID, model.WorkerStopped)
			b.ok(b.eng.DeleteQueue(b.ctx, b.queue.Name))
		}},
		{name: "delete keeps the archive", run: func(b *bundle) {
			b.limit(1)
			id := b.exhaust()
			_, err := b.eng.StopWorkers(b.ctx, []int64{b.consumer.ID}, engine.AnyLease, false)
			b.ok(err)
			b.ok(b.eng.DeleteQueue(b.ctx, b.queue.Name))
			b.archived(id)
			n, err := b.eng.CountArchived(b.ctx, engine.Filter{QueueID: b.queue.ID})
			b.ok(err)
			require.EqualValues(b.t, 1, n)
		}},
		{name: "delete against enqueue leaves no orphan", run: func(b *bundle) {
			for range 10 {
				q := b.newQueue(5)
				errs := together(4, func(i int) error {
					if i == 0 {
						err := b.eng.DeleteQueue(b.ctx, q.Name)
						if fault.Is(err, fault.StateTransition) { // the messages were first
							return nil
						}
						return err
					}
					_, err := b.eng.Enqueue(b.ctx, q.ID, numbered(20))
					if fault.Is(err, fault.QueueNotFound) { // the deletion was first
						return nil
					}
					return err
				})
				b.none(errs)
				n, err := b.eng.CountMessages(b.ctx, engine.Filter{QueueID: q.ID})
				b.ok(err)
				if _, err := b.eng.GetQueue(b.ctx, q.Name); err != nil {
					require.Zero(b.t, n, "messages without a queue")
				} else {
					require.Positive(b.t, n)
				}
			}
		}},
		{name: "purge empties the queue and keeps the archive", run: func(b *bundle) {
			b.fill(5)
			b.send(model.NewMessage{Payload: []byte(`1`), Delay: long})
			held := b.take(2, long)
			b.archive(token(held[0]))
			n, err := b.eng.PurgeQueue(b.ctx, b.queue.Name)
			b.ok(err)
			require.EqualValues(b.t, 5, n)
			require.Equal(b.t, model.QueueMetrics{QueueID: b.queue.ID, QueueName: b.queue.Name, Archived: 1}, b.metrics())
			require.Equal(b.t, []bool{false}, b.archive(token(held[1])))
			n, err = b.eng.PurgeQueue(b.ctx, b.queue.Name)
			b.ok(err)
			require.Zero(b.t, n)
		}},
		{name: "purge leaves other queues alone", run: func(b *bundle) {
			id := b.put(`1`)
			_, err := b.eng.PurgeQueue(b.ctx, b.newQueue(5).Name)
			b.ok(err)
			b.message(id)
		}},
		{name: "a purged queue goes on", run: func(b *bundle) {
			b.fill(3)
			_, err := b.eng.PurgeQueue(b.ctx, b.queue.Name)
			b.ok(err)
			require.Equal(b.t, b.fill(3), ids(b.take(3, long)))
		}},
	}
}
