package core

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// hear starts to listen for the losses of a consumer. The returned channels get
// each loss, and how listening ended.
func (b *bundle) hear(ctx context.Context, c *Consumer) (<-chan model.Token, <-chan error) {
	lost, ended := make(chan model.Token, 100), make(chan error, 1)
	before := c.losses.len()
	go func() {
		ended <- c.Losses(ctx, func(tokens []model.Token) {
			for _, t := range tokens {
				lost <- t
			}
		})
	}()
	require.Eventually(b.t, func() bool { return c.losses.len() > before }, 10*time.Second, time.Millisecond)
	return lost, ended
}

// len returns how many listen.
func (l *losses) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.hearers)
}

func TestALostLeaseIsToldToEveryListener(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		first, firstEnded := b.hear(b.ctx, c)
		ctx, cancel := context.WithCancel(b.ctx)
		second, secondEnded := b.hear(ctx, c)
		_, err := p.EnqueueBatch(b.ctx, []any{1, 2, 3})
		require.NoError(b.t, err)
		messages := b.take(c, DequeueOptions{Batch: 3, Lease: 600 * time.Millisecond, AutoExtend: true})
		ok, err := messages[0].Archive(b.ctx)
		require.NoError(b.t, err)
		require.True(b.t, ok)
		_, err = b.admin.PurgeQueue(b.ctx, tasks)
		require.NoError(b.t, err)
		for _, heard := range []<-chan model.Token{first, second} {
			got := []model.Token{<-heard, <-heard}
			assert.ElementsMatch(b.t, []model.Token{
				{ID: messages[1].ID, Worker: c.ID(), ReadCt: 1}, {ID: messages[2].ID, Worker: c.ID(), ReadCt: 1},
			}, got)
			assert.Empty(b.t, heard, "what was archived was not lost")
		}
		cancel()
		assert.True(b.t, fault.Is(<-secondEnded, fault.Cancelled))
		require.NoError(b.t, c.Close(b.ctx))
		assert.True(b.t, fault.Is(<-firstEnded, fault.Closed))
		assert.True(b.t, fault.Is(c.Losses(b.ctx, nil), fault.Closed), "a closed consumer loses nothing")
	})
}

func TestAcknowledgingUnderWayIsNoLoss(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		lost, _ := b.hear(b.ctx, c)
		for range 20 { // extensions of a lease this short meet the acknowledgements
			_, err := p.Enqueue(b.ctx, 1)
			require.NoError(b.t, err)
			m := b.take(c, DequeueOptions{Lease: 30 * time.Millisecond, AutoExtend: true, Wait: 10 * time.Second})[0]
			ok, err := m.Archive(b.ctx)
			require.NoError(b.t, err)
			assert.True(b.t, ok)
		}
		assert.Empty(b.t, lost)
	})
}

func TestAnInterruptedConsumerStopsWaiting(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		_, err := p.Enqueue(b.ctx, "held")
		require.NoError(b.t, err)
		held := b.take(c, DequeueOptions{Lease: time.Hour})[0]
		for name, interrupt := range map[string]func() error{
			"by itself": func() error { return c.Interrupt(b.ctx) },
			"by another process": func() error {
				err := b.stranger().b.engine.SetWorkerStatus(b.ctx, c.ID(),
					[]model.WorkerStatus{model.WorkerReady}, model.WorkerInterrupted)
				b.store.b.published(c.Queue().ID) // the next look at the queue hears of it
				return err
			},
		} {
			answers := make(chan error, 3)
			for range cap(answers) {
				go func() {
					messages, err := c.Dequeue(b.ctx, DequeueOptions{Wait: -1})
					assert.Empty(b.t, messages, name)
					answers <- err
				}()
			}
			require.Eventually(b.t, func() bool { return b.store.b.hub.Waiting(c.Queue().ID) == cap(answers) }, 10*time.Second, time.Millisecond)
			require.NoError(b.t, interrupt(), name)
			for range cap(answers) {
				require.NoError(b.t, <-answers, name)
			}
			_, err = c.Dequeue(b.ctx, DequeueOptions{Wait: -1})
			assert.True(b.t, fault.Is(err, fault.StateTransition), "%s: %v", name, err)
			assert.True(b.t, fault.Is(c.Interrupt(b.ctx), fault.StateTransition), "it is interrupted already")
			status, err := c.Status(b.ctx)
			require.NoError(b.t, err)
			assert.Equal(b.t, model.WorkerInterrupted, status)
			require.NoError(b.t, c.Resume(b.ctx))
			assert.Empty(b.t, b.take(c, DequeueOptions{}), "resumed, and nothing to take")
		}
		ok, err := held.Archive(b.ctx)
		require.NoError(b.t, err)
		assert.True(b.t, ok, "what it held it kept")
		require.NoError(b.t, c.Suspend(b.ctx))
		assert.True(b.t, fault.Is(c.Interrupt(b.ctx), fault.StateTransition), "a suspended worker is not interrupted")
		require.NoError(b.t, p.Interrupt(b.ctx))
		_, err = p.Enqueue(b.ctx, 1)
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
	})
}
