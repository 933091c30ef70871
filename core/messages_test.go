package core

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func TestAMessageGoesAllTheWay(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		id, err := p.Enqueue(b.ctx, map[string]any{"task": "send_email"})
		require.NoError(b.t, err)
		messages := b.take(c, DequeueOptions{Batch: 10})
		require.Len(b.t, messages, 1)
		m := messages[0]
		assert.Equal(b.t, id, m.ID)
		assert.Equal(b.t, p.ID(), m.ProducerWorkerID)
		assert.Equal(b.t, c.ID(), m.ConsumerWorkerID)
		var payload map[string]string
		require.NoError(b.t, m.Decode(&payload))
		assert.Equal(b.t, "send_email", payload["task"])
		ok, err := m.ExtendVT(b.ctx, time.Minute)
		require.NoError(b.t, err)
		assert.True(b.t, ok)
		ok, err = m.Archive(b.ctx)
		require.NoError(b.t, err)
		assert.True(b.t, ok)
		ok, err = m.Archive(b.ctx)
		require.NoError(b.t, err)
		assert.False(b.t, ok, "the second time it is not there")
		archived, err := b.admin.GetArchived(b.ctx, id)
		require.NoError(b.t, err)
		assert.JSONEq(b.t, `{"task":"send_email"}`, string(archived.Payload))
	})
}

func TestConcurrentSingleCallsShareStatements(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		const n = 1000
		ids := make([]int64, n)
		b.together(n, func() Flushes { return b.store.Activity().Enqueue }, func(all *sync.WaitGroup) {
			for i := range n {
				all.Go(func() {
					id, err := p.Enqueue(b.ctx, i)
					assert.NoError(b.t, err)
					ids[i] = id
				})
			}
		})
		distinct := map[int64]bool{}
		for _, id := range ids {
			distinct[id] = true
		}
		assert.Len(b.t, distinct, n)
		assert.Less(b.t, b.store.Activity().Enqueue.Flushes, int64(n/4))

		taken := b.take(c, DequeueOptions{Batch: n, Lease: time.Minute})
		b.together(n, func() Flushes { return b.store.Activity().Archive }, func(all *sync.WaitGroup) {
			for _, m := range taken {
				all.Go(func() {
					ok, err := m.Archive(b.ctx)
					assert.NoError(b.t, err)
					assert.True(b.t, ok)
				})
			}
		})
		assert.Less(b.t, b.store.b.lanes.archive.Stats().Flushes, int64(n/4))
		assert.EqualValues(b.t, n, b.metrics().Archived)
	})
}

// TestConcurrentDequeuesShareClaims: each consumer gets messages of its own, and
// one that may take none spoils it for nobody.
func TestConcurrentDequeuesShareClaims(t *testing.T) {
	onBoth(t, func(b *bundle) {
		const n = 100
		p, suspended := b.producer(), b.consumer()
		// By another process, so that its claim is refused among the others.
		require.NoError(b.t, b.store.b.engine.SetWorkerStatus(b.ctx, suspended.ID(),
			[]model.WorkerStatus{model.WorkerReady}, model.WorkerSuspended))
		payloads := make([]any, n)
		_, err := p.EnqueueBatch(b.ctx, payloads)
		require.NoError(b.t, err)
		consumers := make([]*Consumer, n/2)
		for i := range consumers {
			consumers[i] = b.consumer()
		}
		var taken sync.Map
		b.together(n/2+1, func() Flushes { return b.store.Activity().Claim }, func(all *sync.WaitGroup) {
			for _, c := range consumers {
				all.Go(func() {
					got, err := c.Dequeue(b.ctx, DequeueOptions{Batch: 2, Lease: time.Minute})
					assert.NoError(b.t, err)
					for _, m := range got {
						assert.Equal(b.t, c.ID(), m.ConsumerWorkerID)
						_, twice := taken.LoadOrStore(m.ID, true)
						assert.False(b.t, twice)
					}
				})
			}
			all.Go(func() {
				_, err := suspended.Dequeue(b.ctx, DequeueOptions{})
				assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
			})
		})
		claims := b.store.Activity().Claim
		assert.EqualValues(b.t, n/2, claims.Rows)
		assert.Less(b.t, claims.Flushes, claims.Rows)
		count := 0
		taken.Range(func(any, any) bool { count++; return true })
		assert.Equal(b.t, n, count)
	})
}

// TestAStormOfClaimsLosesNothing: calls of many consumers end anywhere on their
// way, some of the consumers are stopped by another process, and each message is
// answered once, at its first lease, or still there as if nobody had asked.
func TestAStormOfClaimsLosesNothing(t *testing.T) {
	onBoth(t, func(b *bundle) {
		const n, consumers, calls = 400, 24, 10
		p, counting := b.producer(), sync.Mutex{}
		_, err := p.EnqueueBatch(b.ctx, make([]any, n/2))
		require.NoError(b.t, err)
		answered := map[int64]bool{}
		answer := func(messages []*Message) {
			counting.Lock()
			defer counting.Unlock()
			for _, m := range messages {
				assert.False(b.t, answered[m.ID], "message %d was answered twice", m.ID)
				assert.EqualValues(b.t, 1, m.ReadCt)
				answered[m.ID] = true
			}
		}
		var all sync.WaitGroup
		for i := range consumers {
			c := b.consumer()
			all.Go(func() {
				for call := range calls {
					ctx, cancel := context.WithTimeout(b.ctx, rand.N(8*time.Millisecond))
					if i%2 == 0 { // no deadline, but cancelled
						cancel()
						ctx, cancel = context.WithCancel(b.ctx)
						time.AfterFunc(rand.N(8*time.Millisecond), cancel)
					}
					got, err := c.Dequeue(ctx, DequeueOptions{Batch: 1 + rand.IntN(3), Lease: time.Hour, Wait: -1})
					stopped := i%8 == 7 && call >= calls/2
					if err == nil {
						answer(got)
					} else if !stopped {
						assert.True(b.t, fault.Is(err, fault.Cancelled) || fault.Is(err, fault.Timeout), "%v", err)
					}
					cancel()
					if i%8 == 7 && call == calls/2-1 {
						assert.NoError(b.t, b.store.b.engine.SetWorkerStatus(b.ctx, c.ID(),
							[]model.WorkerStatus{model.WorkerReady}, model.WorkerSuspended))
					}
				}
			})
		}
		all.Go(func() {
			for range n / 2 {
				_, err := p.Enqueue(b.ctx, 1)
				assert.NoError(b.t, err)
			}
		})
		all.Wait()
		require.Eventually(b.t, func() bool { return b.metrics().Leased == int64(len(answered)) }, 5*time.Second, 5*time.Millisecond,
			"what nobody was answered is given back")
		took := len(answered)
		last := b.consumer()
		answer(b.take(last, DequeueOptions{Batch: n, Lease: time.Hour}))
		assert.Len(b.t, answered, n)
		b.t.Logf("%d of %d messages answered in the storm, %+v", took, n, b.store.Activity().Claim)
	})
}

func TestEachEnqueueStandsForItself(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		documents := make([][]byte, 50)
		for i := range documents {
			documents[i] = []byte(strconv.Itoa(i))
		}
		documents[7], documents[9] = []byte("{"), []byte(`"\u0000"`)
		ids, errs, err := p.EnqueueEach(b.ctx, documents, EnqueueOptions{})
		require.NoError(b.t, err)
		for i := range documents {
			if i == 7 || i == 9 {
				assert.True(b.t, fault.Is(errs[i], fault.Serialization), "%v", errs[i])
				assert.Zero(b.t, ids[i])
				continue
			}
			require.NoError(b.t, errs[i])
			m, err := b.admin.GetMessage(b.ctx, ids[i])
			require.NoError(b.t, err)
			assert.Equal(b.t, strconv.Itoa(i), string(m.Payload))
		}
		assert.IsIncreasing(b.t, append(append(append([]int64{}, ids[:7]...), ids[8]), ids[10:]...))

		require.NoError(b.t, p.Suspend(b.ctx))
		_, _, err = p.EnqueueEach(b.ctx, documents, EnqueueOptions{})
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
		_, _, err = p.EnqueueEach(b.ctx, documents[:1], EnqueueOptions{At: time.Unix(-1, 0)})
		assert.ErrorContains(b.t, err, "when: lies outside the years")
		_, _, err = p.EnqueueEach(b.ctx, nil, EnqueueOptions{})
		assert.True(b.t, fault.Is(err, fault.InvalidArgument), "%v", err)
	})
}

func TestEachEnqueueTakesATokenOfItsOwn(t *testing.T) {
	onBoth(t, func(b *bundle) {
		s := b.open(func(c *config.Config) { c.MaxEnqueuePerSecond, c.MaxEnqueueBurst = 0.001, 2 })
		p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		ids, errs, err := p.EnqueueEach(b.ctx, [][]byte{[]byte("1"), []byte("2"), []byte("3")}, EnqueueOptions{})
		require.NoError(b.t, err)
		assert.NotZero(b.t, ids[1])
		assert.NoError(b.t, errs[1])
		assert.True(b.t, fault.IsRateLimited(errs[2]), "%v", errs[2])
	})
}

func TestAWaitingConsumerIsWoken(t *testing.T) {
	onBoth(t, func(b *bundle) {
		c := b.consumer()
		for name, s := range map[string]*Store{"same process": b.store, "another process": b.stranger()} {
			got := make(chan time.Time, 1)
			waiting := make(chan struct{})
			go func() {
				close(waiting)
				messages, err := c.Dequeue(b.ctx, DequeueOptions{Wait: 30 * time.Second})
				assert.NoError(b.t, err)
				assert.Len(b.t, messages, 1)
				got <- time.Now()
			}()
			<-waiting
			p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
			require.NoError(b.t, err)
			sent := time.Now()
			_, err = p.Enqueue(b.ctx, 1)
			require.NoError(b.t, err)
			assert.Less(b.t, (<-got).Sub(sent), 2*time.Second, name)
		}
	})
}

func TestADelayedMessageArrivesWhileAConsumerWaits(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		start := time.Now()
		_, err := p.EnqueueDelayed(b.ctx, 1, 700*time.Millisecond)
		require.NoError(b.t, err)
		require.Len(b.t, b.take(c, DequeueOptions{Wait: 30 * time.Second}), 1)
		late := time.Since(start) - 700*time.Millisecond
		assert.GreaterOrEqual(b.t, late, -10*time.Millisecond)
		assert.Less(b.t, late, time.Second)
	})
}

func TestTheDefaultBatchIsTheConfigurations(t *testing.T) {
	onBoth(t, func(b *bundle) {
		s := b.open(func(c *config.Config) { c.DefaultMaxBatchSize = 3 })
		p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		_, err = p.EnqueueBatch(b.ctx, []any{1, 2, 3, 4})
		require.NoError(b.t, err)
		c, err := s.Consumer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		assert.Len(b.t, b.take(c, DequeueOptions{Batch: DefaultBatch}), 3)
		assert.Len(b.t, b.take(c, DequeueOptions{}), 1)
	})
}

func TestWaitingEndsEmptyHanded(t *testing.T) {
	onBoth(t, func(b *bundle) {
		start := time.Now()
		assert.Empty(b.t, b.take(b.consumer(), DequeueOptions{Wait: 300 * time.Millisecond}))
		assert.GreaterOrEqual(b.t, time.Since(start), 300*time.Millisecond)
	})
}

func TestAnUnreadReleaseRestoresThePlaceInTheQueue(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		ids, err := p.EnqueueBatch(b.ctx, []any{1, 2, 3})
		require.NoError(b.t, err)
		before, err := b.admin.GetMessage(b.ctx, ids[0])
		require.NoError(b.t, err)
		got := b.take(c, DequeueOptions{Lease: time.Hour, AutoExtend: true})
		require.Len(b.t, got, 1)
		token := model.Token{ID: got[0].ID, ReadCt: got[0].ReadCt}
		took, err := c.ReleaseMany(b.ctx, []model.Token{token}, ReleaseOptions{Unread: true})
		require.NoError(b.t, err)
		assert.Equal(b.t, []bool{true}, took)
		after, err := b.admin.GetMessage(b.ctx, ids[0])
		require.NoError(b.t, err)
		assert.Equal(b.t, before, after)
	})
}

func TestACancelledDequeueLeavesNoLease(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		for range 40 {
			_, err := p.Enqueue(b.ctx, 1)
			require.NoError(b.t, err)
			ctx, cancel := context.WithCancel(b.ctx)
			done := make(chan []*Message, 1)
			go func() {
				messages, _ := c.Dequeue(ctx, DequeueOptions{Lease: time.Hour, Wait: time.Minute})
				done <- messages
			}()
			cancel()
			for _, m := range <-done { // it was faster than the cancel
				_, err := m.Release(b.ctx)
				require.NoError(b.t, err)
			}
			m := b.metrics()
			require.Zero(b.t, m.Leased)
			got := b.take(c, DequeueOptions{})
			require.Len(b.t, got, 1)
			require.LessOrEqual(b.t, got[0].ReadCt, int32(2))
			_, err = got[0].Delete(b.ctx)
			require.NoError(b.t, err)
		}
	})
}

func TestAutoExtendKeepsTheLeaseAndEndsWithTheAcknowledgement(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c, thief := b.producer(), b.consumer(), b.consumer()
		_, err := p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		lease := time.Second // a busy machine keeps a shorter one's extension waiting until it is over
		m := b.take(c, DequeueOptions{Lease: lease, AutoExtend: true})[0]
		stolen := b.take(thief, DequeueOptions{Wait: 15 * lease / 4})
		assert.Empty(b.t, stolen, "three lock times later it is still ours")
		ok, err := m.Archive(b.ctx)
		require.NoError(b.t, err)
		assert.True(b.t, ok)
		assert.Zero(b.t, b.store.b.keeper.Len())
	})
}

func TestWithoutAutoExtendTheLeaseExpires(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c, other := b.producer(), b.consumer(), b.consumer()
		_, err := p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		m := b.take(c, DequeueOptions{Lease: 200 * time.Millisecond})[0]
		again := b.take(other, DequeueOptions{Wait: 10 * time.Second})
		require.Len(b.t, again, 1)
		assert.EqualValues(b.t, 2, again[0].ReadCt)
		ok, err := m.Archive(b.ctx)
		require.NoError(b.t, err)
		assert.False(b.t, ok, "who lost the lease cannot acknowledge")
	})
}

func TestAMessageThatComesBackToTheSameConsumerHasANewToken(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		_, err := p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		old := b.take(c, DequeueOptions{Lease: 100 * time.Millisecond})[0]
		again := b.take(c, DequeueOptions{Wait: 10 * time.Second})[0]
		outcomes, err := c.ArchiveMany(b.ctx, []model.Token{
			{ID: old.ID, ReadCt: old.ReadCt}, {ID: again.ID, ReadCt: again.ReadCt}, {ID: again.ID, ReadCt: again.ReadCt}, {ID: 1 << 60},
		})
		require.NoError(b.t, err)
		assert.Equal(b.t, []bool{false, true, false, false}, outcomes)
	})
}

func TestClosingAConsumerReleasesAndWakes(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c, other := b.producer(), b.consumer(), b.consumer()
		_, err := p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		b.take(c, DequeueOptions{Lease: time.Hour, AutoExtend: true})
		go func() { _ = c.Close(b.ctx) }()
		assert.Len(b.t, b.take(other, DequeueOptions{Wait: 30 * time.Second}), 1)
	})
}

// TestClosingAConsumerReleasesWhateverItsLeasesAre: what a consumer holds is looked for
// up to the longest of its leases, however that came to be.
func TestClosingAConsumerReleasesWhateverItsLeasesAre(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		for name, hold := range map[string]func(c *Consumer){
			"taken for long": func(c *Consumer) { b.take(c, DequeueOptions{Lease: 3 * time.Hour}) },
			"extended": func(c *Consumer) {
				m := b.take(c, DequeueOptions{Lease: time.Second})[0]
				extended, err := m.ExtendVT(b.ctx, 3*time.Hour)
				require.NoError(b.t, err)
				require.True(b.t, extended)
			},
			"one after the other": func(c *Consumer) {
				b.take(c, DequeueOptions{Lease: 3 * time.Hour})
				m := b.take(c, DequeueOptions{Lease: time.Second})[0]
				archived, err := m.Archive(b.ctx)
				require.NoError(b.t, err)
				require.True(b.t, archived)
			},
		} {
			for range 2 {
				_, err := p.Enqueue(b.ctx, name)
				require.NoError(b.t, err)
			}
			c, other := b.consumer(), b.consumer()
			hold(c)
			theirs := b.take(other, DequeueOptions{Lease: time.Minute, Batch: 2})
			require.NoError(b.t, c.Close(b.ctx), name)
			require.EqualValues(b.t, len(theirs), b.metrics().Leased, name)
			for _, m := range append(theirs, b.take(other, DequeueOptions{Batch: 2})...) {
				archived, err := m.Archive(b.ctx)
				require.NoError(b.t, err)
				require.True(b.t, archived, name)
			}
		}
	})
}

func TestTheRateLimitIsPerProducer(t *testing.T) {
	onBoth(t, func(b *bundle) {
		s := b.open(func(c *config.Config) { c.MaxEnqueuePerSecond, c.MaxEnqueueBurst = 0.001, 2 })
		p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		for range 2 {
			_, err = p.Enqueue(b.ctx, 1)
			require.NoError(b.t, err)
		}
		_, err = p.Enqueue(b.ctx, 1)
		assert.True(b.t, fault.IsRateLimited(err), "%v", err)
		other, err := s.Producer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		_, err = other.Enqueue(b.ctx, 1)
		assert.NoError(b.t, err)
	})
}

func TestADeletedQueueIsNamed(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		require.NoError(b.t, p.Shutdown(b.ctx))
		e, err := b.store.Producer(b.ctx, tasks, WorkerOptions{Ephemeral: true})
		require.NoError(b.t, err)
		require.NoError(b.t, b.admin.DeleteQueue(b.ctx, tasks))
		_, err = e.Enqueue(b.ctx, 1)
		assert.True(b.t, fault.Is(err, fault.QueueNotFound), "%v", err)
		assert.ErrorContains(b.t, err, "Queue 'tasks' not found")
	})
}

func TestMaintenanceBuriesAndPrunes(t *testing.T) {
	onBoth(t, func(b *bundle) {
		_, err := b.admin.CreateQueue(b.ctx, "once", 1)
		require.NoError(b.t, err)
		s := b.open(func(c *config.Config) { c.ArchiveRetention = time.Second })
		p, err := s.Producer(b.ctx, "once", WorkerOptions{})
		require.NoError(b.t, err)
		c, err := s.Consumer(b.ctx, "once", WorkerOptions{})
		require.NoError(b.t, err)
		_, err = p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		require.Len(b.t, b.take(c, DequeueOptions{Lease: time.Millisecond}), 1)
		require.Eventually(b.t, func() bool {
			require.NoError(b.t, s.b.maintainOnce())
			n, err := b.admin.CountArchived(b.ctx, Filter{Queue: "once", DeadOnly: true})
			return err == nil && n == 1
		}, 10*time.Second, 10*time.Millisecond)
		require.Eventually(b.t, func() bool {
			require.NoError(b.t, s.b.maintainOnce())
			n, err := b.admin.CountArchived(b.ctx, Filter{Queue: "once"})
			return err == nil && n == 0
		}, 10*time.Second, 100*time.Millisecond)
	})
}

// steppedBack answers heartbeats that lie an hour back, as they all do at the moment
// in which the database's clock steps forward by an hour.
type steppedBack struct{ engine.Engine }

func (e steppedBack) ListWorkers(ctx context.Context, queue int64, page model.Page) ([]model.WorkerInfo, error) {
	workers, err := e.Engine.ListWorkers(ctx, queue, page)
	for i := range workers {
		workers[i].HeartbeatAt = workers[i].HeartbeatAt.Add(-time.Hour)
	}
	return workers, err
}

// PurgeWorkers purges as at a clock an hour later.
func (e steppedBack) PurgeWorkers(ctx context.Context, stale time.Duration) (int64, error) {
	return e.Engine.PurgeWorkers(ctx, max(0, stale-time.Hour))
}

func TestMaintenancePurgesTheSilentWhateverTheClockDoes(t *testing.T) {
	onBoth(t, func(b *bundle) {
		s := b.open(func(c *config.Config) { c.HeartbeatInterval = 100 * time.Millisecond })
		live, err := s.Consumer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		queue, err := b.admin.GetQueue(b.ctx, tasks)
		require.NoError(b.t, err)
		dead, err := s.b.engine.RegisterWorker(b.ctx, model.NewWorker{QueueID: queue.ID, Name: "consumer"}) // nobody beats for it
		require.NoError(b.t, err)
		s.b.engine = steppedBack{s.b.engine}
		began := time.Now()
		require.Eventually(b.t, func() bool {
			require.NoError(b.t, s.b.maintainOnce())
			_, err := b.admin.GetWorker(b.ctx, dead.ID)
			return fault.Is(err, fault.WorkerNotFound)
		}, 20*time.Second, 20*time.Millisecond)
		require.GreaterOrEqual(b.t, time.Since(began), staleBeats*100*time.Millisecond)
		_, err = b.admin.GetWorker(b.ctx, live.ID())
		require.NoError(b.t, err, "the one who beats is there")
	})
}

func TestWhatIsGivenBackIsAsItWas(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		first, err := p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		before, err := b.admin.GetMessage(b.ctx, first)
		require.NoError(b.t, err)
		_, err = p.Enqueue(b.ctx, 2)
		require.NoError(b.t, err)
		got := b.take(c, DequeueOptions{Lease: time.Hour})
		require.Len(b.t, got, 1)
		c.giveBack([]model.Message{*got[0].Message})
		after, err := b.admin.GetMessage(b.ctx, first)
		require.NoError(b.t, err)
		assert.Equal(b.t, before, after, "vt, read_ct and owner are as before the lease")
		again := b.take(c, DequeueOptions{})
		assert.Equal(b.t, first, again[0].ID, "and so is its place in the queue")
		assert.EqualValues(b.t, 1, again[0].ReadCt)
	})
}
