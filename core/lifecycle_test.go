package core

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func TestEqualConfigurationsShareOneBackend(t *testing.T) {
	onBoth(t, func(b *bundle) {
		other, stranger := b.open(nil), b.stranger()
		assert.Same(b.t, b.store.b, other.b)
		assert.NotSame(b.t, b.store.b, stranger.b)
		require.NoError(b.t, other.Close(b.ctx))
		_, err := b.producer().Enqueue(b.ctx, "still open")
		assert.NoError(b.t, err, "closing one store leaves its equals alone")
	})
}

func TestConcurrentOpensMakeOneBackend(t *testing.T) {
	onBoth(t, func(b *bundle) {
		require.NoError(b.t, b.store.Close(b.ctx))
		opened := make([]*Store, 20)
		var all sync.WaitGroup
		for i := range opened {
			all.Go(func() { opened[i], _ = Open(b.ctx, b.dsn) })
		}
		all.Wait()
		for _, s := range opened {
			require.NotNil(b.t, s)
			assert.Same(b.t, opened[0].b, s.b)
		}
		for _, s := range opened {
			require.NoError(b.t, s.Close(b.ctx))
		}
		select {
		case <-opened[0].b.closed:
		case <-b.ctx.Done():
			b.t.Error("the last close ends the backend")
		}
	})
}

func TestAClosedStoreSaysSo(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		require.NoError(b.t, b.store.Close(b.ctx))
		_, err := p.Enqueue(b.ctx, 1)
		assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
		_, err = c.Dequeue(b.ctx, DequeueOptions{})
		assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
		_, err = b.store.Producer(b.ctx, tasks, WorkerOptions{})
		assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
		_, err = b.admin.ListQueues(b.ctx, model.Page{})
		assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
		assert.NoError(b.t, b.store.Close(b.ctx), "a second close is a no-op")
	})
}

func TestADetachedStoreLivesAsLongAsItsWorkers(t *testing.T) {
	onBoth(t, func(b *bundle) {
		s := b.stranger()
		p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		s.Detach()
		_, err = p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		require.NoError(b.t, p.Close(b.ctx))
		select {
		case <-s.b.closed:
		case <-b.ctx.Done():
			b.t.Error("the store ends with its last worker")
		}
	})
}

func TestCloseAnswersCallsInFlight(t *testing.T) {
	onBoth(t, func(b *bundle) {
		s := b.stranger()
		p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		c, err := s.Consumer(b.ctx, tasks, WorkerOptions{})
		require.NoError(b.t, err)
		var all sync.WaitGroup
		var mu sync.Mutex
		stored, started := 0, make(chan struct{}, 200)
		for i := range 200 {
			all.Go(func() {
				started <- struct{}{}
				_, err := p.Enqueue(b.ctx, i)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					stored++
				} else {
					assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
				}
			})
		}
		all.Go(func() {
			_, err := c.Dequeue(b.ctx, DequeueOptions{Wait: time.Hour, Batch: 1})
			if err != nil {
				assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
			}
		})
		for range 200 {
			<-started
		}
		require.NoError(b.t, s.Close(b.ctx))
		all.Wait()
		m := b.metrics()
		assert.EqualValues(b.t, stored, m.Pending, "every answered message is there, and nothing else; no lease is left")
		assert.Zero(b.t, m.Leased)
	})
}

func TestClosingEndsEveryWaitingDequeueAsClosed(t *testing.T) {
	onBoth(t, func(b *bundle) {
		for i := range 5 {
			s := b.open(func(c *config.Config) { c.PollInterval = time.Duration(300+i) * time.Millisecond })
			c, err := s.Consumer(b.ctx, tasks, WorkerOptions{})
			require.NoError(b.t, err)
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					_, err := c.Dequeue(b.ctx, DequeueOptions{Wait: -1})
					assert.True(b.t, fault.Is(err, fault.Closed), "%v", err)
				})
			}
			// The backend is closed under its workers, as CloseAll does, while
			// announcements send the waiting into new claims.
			for range 20 {
				s.b.hub.Announce(0)
			}
			s.b.close(b.ctx)
			all.Wait()
		}
	})
}

func TestWorkerLifecycle(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		_, err := p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		require.NoError(b.t, c.Suspend(b.ctx))
		_, err = c.Dequeue(b.ctx, DequeueOptions{})
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
		assert.ErrorContains(b.t, err, "resume()")
		assert.True(b.t, fault.Is(c.Suspend(b.ctx), fault.StateTransition))
		status, err := c.Status(b.ctx)
		require.NoError(b.t, err)
		assert.Equal(b.t, model.WorkerSuspended, status)
		require.NoError(b.t, c.Resume(b.ctx))
		require.NoError(b.t, c.Heartbeat(b.ctx))
		assert.Len(b.t, b.take(c, DequeueOptions{Lease: time.Hour}), 1)
		require.NoError(b.t, c.Shutdown(b.ctx))
		assert.EqualValues(b.t, 1, b.metrics().Pending, "shutdown releases what it holds")
		_, err = c.Dequeue(b.ctx, DequeueOptions{})
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
		require.NoError(b.t, p.Suspend(b.ctx))
		_, err = p.Enqueue(b.ctx, 1)
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
	})
}

func TestALoopIsPolling(t *testing.T) {
	onBoth(t, func(b *bundle) {
		c := b.consumer()
		says := func(want model.WorkerStatus) {
			b.t.Helper()
			status, err := c.Status(b.ctx)
			require.NoError(b.t, err)
			assert.Equal(b.t, want, status)
		}
		require.NoError(b.t, c.Poll(b.ctx, true))
		require.NoError(b.t, c.Poll(b.ctx, true))
		says(model.WorkerPolling)
		_, err := b.producer().Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		assert.Len(b.t, b.take(c, DequeueOptions{}), 1)
		require.NoError(b.t, c.Suspend(b.ctx))
		require.NoError(b.t, c.Resume(b.ctx))
		says(model.WorkerPolling)
		require.NoError(b.t, c.Poll(b.ctx, false))
		says(model.WorkerPolling)
		require.NoError(b.t, c.Poll(b.ctx, false))
		says(model.WorkerReady)
		require.NoError(b.t, c.Poll(b.ctx, true))
		require.NoError(b.t, c.Interrupt(b.ctx))
		require.NoError(b.t, c.Poll(b.ctx, false), "the end of a loop leaves an interruption alone")
		says(model.WorkerInterrupted)
		require.NoError(b.t, c.Resume(b.ctx))
		says(model.WorkerReady)
	})
}

func TestASignOfLifeKeepsALease(t *testing.T) {
	onBoth(t, func(b *bundle) {
		c := b.consumer()
		_, err := b.producer().Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		m := b.take(c, DequeueOptions{AutoExtend: true, KeepMax: time.Hour})[0]
		tokens := m.token()
		n, err := c.Keep([]model.Token{tokens[0], {ID: m.ID + 1, ReadCt: 1}}, time.Hour)
		require.NoError(b.t, err)
		assert.Equal(b.t, 1, n)
		_, err = c.ArchiveMany(b.ctx, tokens)
		require.NoError(b.t, err)
		n, err = c.Keep(tokens, time.Hour)
		require.NoError(b.t, err)
		assert.Zero(b.t, n, "it was acknowledged")
		_, err = c.Keep(tokens, -time.Second)
		assert.True(b.t, fault.Is(err, fault.InvalidArgument), "%v", err)
	})
}

func TestASuspensionByAnotherProcessIsSeenAtTheNextClaim(t *testing.T) {
	onBoth(t, func(b *bundle) {
		c := b.consumer()
		err := b.stranger().b.engine.SetWorkerStatus(b.ctx, c.ID(),
			[]model.WorkerStatus{model.WorkerReady}, model.WorkerSuspended)
		require.NoError(b.t, err)
		_, err = c.Dequeue(b.ctx, DequeueOptions{})
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
	})
}

func TestEphemeralWorkersLeaveNoRows(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, err := b.store.Producer(b.ctx, tasks, WorkerOptions{Ephemeral: true})
		require.NoError(b.t, err)
		assert.Zero(b.t, p.ID())
		_, err = p.Enqueue(b.ctx, 1)
		require.NoError(b.t, err)
		c, err := b.store.Consumer(b.ctx, tasks, WorkerOptions{Ephemeral: true})
		require.NoError(b.t, err)
		require.Len(b.t, b.take(c, DequeueOptions{}), 1)
		require.NoError(b.t, c.Close(b.ctx))
		require.NoError(b.t, p.Close(b.ctx))
		n, err := b.admin.CountWorkers(b.ctx, "")
		require.NoError(b.t, err)
		assert.Zero(b.t, n)
		assert.EqualValues(b.t, 1, b.metrics().Pending)
	})
}

func TestBadArgumentsNameThemselves(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		for field, call := range map[string]func() error{
			"when": func() error {
				_, err := p.EnqueueWith(b.ctx, 1, EnqueueOptions{At: time.Unix(-1, 0)})
				return err
			},
			"at": func() error {
				_, err := c.Dequeue(b.ctx, DequeueOptions{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
				return err
			},
			"when ": func() error {
				_, err := c.ReleaseMany(b.ctx, []model.Token{{ID: 1}}, ReleaseOptions{At: time.Unix(-1, 0)})
				return err
			},
			"queue":         func() error { _, err := b.store.Producer(b.ctx, "", WorkerOptions{}); return err },
			"port":          func() error { _, err := b.store.Consumer(b.ctx, tasks, WorkerOptions{Port: 70000}); return err },
			"batch_size":    func() error { _, err := c.Dequeue(b.ctx, DequeueOptions{Batch: -1}); return err },
			"vt":            func() error { _, err := c.Dequeue(b.ctx, DequeueOptions{Lease: -time.Second}); return err },
			"delay_seconds": func() error { _, err := p.EnqueueDelayed(b.ctx, 1, -time.Second); return err },
			"seconds":       func() error { _, err := c.ExtendVT(b.ctx, 1, -time.Second); return err },
			"limit":         func() error { _, err := b.admin.ListQueues(b.ctx, model.Page{Limit: -1}); return err },
		} {
			err := call()
			assert.True(b.t, fault.Is(err, fault.InvalidArgument), "%s: %v", field, err)
			assert.ErrorContains(b.t, err, strings.TrimSpace(field))
		}
		_, err := b.store.Producer(b.ctx, "nowhere", WorkerOptions{})
		assert.True(b.t, fault.Is(err, fault.QueueNotFound))
		assert.ErrorContains(b.t, err, "Queue 'nowhere' not found")
		_, err = b.admin.CreateQueue(b.ctx, tasks, 0)
		assert.True(b.t, fault.Is(err, fault.QueueExists))
		assert.ErrorContains(b.t, err, "Queue 'tasks' already exists")
		_, err = p.EnqueueJSON(b.ctx, [][]byte{[]byte(`{"a":1}`), []byte(`{broken`)}, EnqueueOptions{})
		assert.True(b.t, fault.Is(err, fault.Serialization), "%v", err)
		assert.Zero(b.t, b.metrics().Pending, "nothing of a refused batch is stored")
	})
}

func TestAnUninstalledStoreNamesTheRemedy(t *testing.T) {
	onBoth(t, func(b *bundle) {
		require.NoError(b.t, b.store.Uninstall(b.ctx))
		_, err := b.store.Producer(b.ctx, tasks, WorkerOptions{})
		assert.True(b.t, fault.Is(err, fault.Schema), "%v", err)
		assert.ErrorContains(b.t, err, "admin.install()")
	})
}

func TestAnUnreachableHostFailsInTime(t *testing.T) {
	t.Parallel()
	start := time.Now()
	_, err := Open(context.Background(), "postgresql://nobody:secret@127.0.0.1:1/none?pgqrs_connection_timeout_seconds=2")
	assert.True(t, fault.Is(err, fault.Connect), "%v", err)
	assert.NotContains(t, err.Error(), "secret")
	assert.Less(t, time.Since(start), 5*time.Second)
}

func TestShutdownLeavesNoLeaseOfAClaimUnderWay(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		_, err := p.EnqueueBatch(b.ctx, make([]any, 3000))
		require.NoError(b.t, err)
		for range 15 {
			c, err := b.store.Consumer(b.ctx, tasks, WorkerOptions{})
			require.NoError(b.t, err)
			// Ends anywhere in the claim.
			ctx, cancel := context.WithTimeout(b.ctx, time.Duration(rand.IntN(8000))*time.Microsecond)
			var claim sync.WaitGroup
			claim.Go(func() { _, _ = c.Dequeue(ctx, DequeueOptions{Batch: 3000, Lease: time.Hour, Wait: time.Hour}) })
			<-ctx.Done()
			cancel()
			require.NoError(b.t, c.Shutdown(b.ctx))
			metrics, err := b.admin.Metrics(b.ctx, tasks)
			require.NoError(b.t, err)
			assert.Zero(b.t, metrics[0].Leased)
			claim.Wait()
			require.NoError(b.t, c.Close(b.ctx))
		}
	})
}

func TestEmbeddedIsWhatHasNoServer(t *testing.T) {
	onBoth(t, func(b *bundle) { require.Equal(t, b.server == "", b.store.Embedded()) })
	t.Run("memory", func(t *testing.T) { require.True(t, setup(t, "sqlite::memory:").store.Embedded()) })
}
