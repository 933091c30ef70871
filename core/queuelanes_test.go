package core

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/wake"
)

// forgetful stores when it is told to, and notes which queues it was to forget.
type forgetful struct {
	engine.Engine
	begun     chan struct{}
	mayEnd    chan struct{}
	forgotten []int64
}

func (e *forgetful) Capabilities() engine.Capabilities {
	return engine.Capabilities{Writers: 4, MaxFlushRows: 10}
}

func (e *forgetful) EnqueueInTurn(_ context.Context, _ int64, m []model.NewMessage, _, _ func()) ([]int64, error) {
	close(e.begun)
	<-e.mayEnd
	return make([]int64, len(m)), nil
}

func (e *forgetful) Forget(queueID int64) { e.forgotten = append(e.forgotten, queueID) }

func TestAQueueIsForgottenWhenNobodyIsAtWorkThere(t *testing.T) {
	e := &forgetful{begun: make(chan struct{}), mayEnd: make(chan struct{})}
	b := &backend{engine: e, hub: wake.NewHub(wake.Options{})}
	b.lanes.init(b)
	first, err := b.lanes.hold(7)
	require.NoError(t, err)
	second, err := b.lanes.hold(7)
	require.NoError(t, err)
	require.Same(t, first, second)
	_, err = b.lanes.hold(8)
	require.NoError(t, err)

	b.lanes.letGo(first)
	b.lanes.forgetUnused()
	require.Empty(t, e.forgotten, "one of two is left")

	ended := make(chan error)
	go func() {
		_, err := second.enqueue.Do(context.Background(), make([]model.NewMessage, 3))
		ended <- err
	}()
	<-e.begun
	b.lanes.letGo(second)
	b.lanes.forgetUnused()
	require.Empty(t, e.forgotten, "a flush is under way")
	close(e.mayEnd)
	require.NoError(t, <-ended)

	again, err := b.lanes.hold(7)
	require.NoError(t, err)
	require.Same(t, first, again, "nothing is made anew for whoever comes soon")
	b.lanes.letGo(again)
	b.lanes.forgetUnused()
	require.Equal(t, []int64{7}, e.forgotten)
	require.Len(t, b.lanes.queues, 1)
	require.EqualValues(t, 3, b.lanes.activity().Enqueue.Rows, "what it carried still counts")
	require.NoError(t, b.lanes.close(t.Context()))
	_, err = b.lanes.hold(7)
	require.Error(t, err)
}

// TestQueuesMadeForAWhileLeaveNothingBehind: neither with those who used them nor with
// those who are still there.
func TestQueuesMadeForAWhileLeaveNothingBehind(t *testing.T) {
	onBoth(t, func(b *bundle) {
		b.consumer()
		const n = 3
		for i := range n {
			name := "while-" + strconv.Itoa(i)
			_, err := b.admin.CreateQueue(b.ctx, name, 0)
			require.NoError(b.t, err)
			p, err := b.store.Producer(b.ctx, name, WorkerOptions{})
			require.NoError(b.t, err)
			c, err := b.store.Consumer(b.ctx, name, WorkerOptions{})
			require.NoError(b.t, err)
			_, err = p.Enqueue(b.ctx, i)
			require.NoError(b.t, err)
			got := b.take(c, DequeueOptions{Wait: 20 * time.Second})
			require.Len(b.t, got, 1)
			_, err = got[0].Delete(b.ctx)
			require.NoError(b.t, err)
			require.NoError(b.t, p.Close(b.ctx))
			require.NoError(b.t, c.Close(b.ctx))
			require.NoError(b.t, b.admin.DeleteQueue(b.ctx, name))
		}
		lanes := &b.store.b.lanes
		require.Len(b.t, lanes.queues, n+1)
		require.NoError(b.t, b.store.b.maintainOnce())
		require.Len(b.t, lanes.queues, 1)
		require.EqualValues(b.t, n, b.store.Activity().Enqueue.Rows)
	})
}
