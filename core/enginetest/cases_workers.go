package enginetest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func workerCases() []testCase {
	cases := []testCase{
		{name: "register and get agree", run: func(b *bundle) {
			w, err := b.eng.RegisterWorker(b.ctx, model.NewWorker{QueueID: b.queue.ID, Name: "consumer", Hostname: "größe's \"host\"", Port: 65535})
			b.ok(err)
			require.Positive(b.t, w.ID)
			require.Equal(b.t, "consumer", w.Name)
			require.Equal(b.t, "größe's \"host\"", w.Hostname)
			require.EqualValues(b.t, 65535, w.Port)
			require.Equal(b.t, b.queue.ID, w.QueueID)
			require.Equal(b.t, model.WorkerReady, w.Status)
			require.False(b.t, w.StartedAt.IsZero())
			require.Equal(b.t, time.UTC, w.StartedAt.Location())
			require.False(b.t, w.HeartbeatAt.Before(w.StartedAt))
			require.True(b.t, w.ShutdownAt.IsZero())
			require.Equal(b.t, w, b.worker(w.ID))
		}},
		{name: "hostname and port are labels, not a lock", run: func(b *bundle) {
			seen := map[int64]bool{}
			for range 4 {
				w, err := b.eng.RegisterWorker(b.ctx, model.NewWorker{QueueID: b.queue.ID, Name: "producer", Hostname: "api", Port: 8000})
				b.ok(err)
				require.False(b.t, seen[w.ID])
				seen[w.ID] = true
			}
		}},
		{name: "a worker bound to no queue", run: func(b *bundle) {
			w, err := b.eng.RegisterWorker(b.ctx, model.NewWorker{Name: "producer", Hostname: "h"})
			b.ok(err)
			require.Zero(b.t, b.worker(w.ID).QueueID)
		}},
		{name: "ids are never used again", run: func(b *bundle) {
			w := b.another()
			b.ok(b.eng.DeleteWorker(b.ctx, w.ID))
			require.Greater(b.t, b.another().ID, w.ID)
		}},
		{name: "register on an unknown queue", run: func(b *bundle) {
			_, err := b.eng.RegisterWorker(b.ctx, model.NewWorker{QueueID: nowhere, Name: "consumer", Hostname: "h"})
			b.fails(fault.QueueNotFound, err)
		}},
		{name: "an unknown worker", run: func(b *bundle) {
			_, err := b.eng.GetWorker(b.ctx, nowhere)
			b.fails(fault.WorkerNotFound, err)
			b.fails(fault.WorkerNotFound, b.eng.SetWorkerStatus(b.ctx, nowhere, allStatuses, model.WorkerReady))
			b.fails(fault.WorkerNotFound, b.eng.DeleteWorker(b.ctx, nowhere))
		}},
		{name: "a guard of several states lets any of them pass", run: func(b *bundle) {
			w := b.another()
			from := []model.WorkerStatus{model.WorkerReady, model.WorkerSuspended, model.WorkerInterrupted}
			b.ok(b.eng.SetWorkerStatus(b.ctx, w.ID, from, model.WorkerSuspended))
			b.ok(b.eng.SetWorkerStatus(b.ctx, w.ID, from, model.WorkerPolling))
			b.fails(fault.StateTransition, b.eng.SetWorkerStatus(b.ctx, w.ID, from, model.WorkerReady))
			require.Equal(b.t, model.WorkerPolling, b.worker(w.ID).Status)
		}},
		{name: "a change of state refreshes the heartbeat", run: func(b *bundle) {
			w := b.another()
			b.ok(b.eng.SetWorkerStatus(b.ctx, w.ID, allStatuses, model.WorkerSuspended))
			require.True(b.t, b.worker(w.ID).HeartbeatAt.After(w.HeartbeatAt))
		}},
		{name: "of many that stop a worker one succeeds", run: func(b *bundle) {
			w := b.another()
			errs := together(8, func(int) error {
				return b.eng.SetWorkerStatus(b.ctx, w.ID, []model.WorkerStatus{model.WorkerReady}, model.WorkerStopped)
			})
			succeeded := 0
			for _, err := range errs {
				if err == nil {
					succeeded++
				} else {
					b.fails(fault.StateTransition, err)
				}
			}
			require.Equal(b.t, 1, succeeded)
		}},
		{name: "heartbeat refreshes and tells each state", run: func(b *bundle) {
			ready, suspended, stopped := b.another(), b.another(), b.another()
			b.set(suspended.ID, model.WorkerSuspended)
			b.set(stopped.ID, model.WorkerStopped)
			before := b.worker(stopped.ID)
			got, err := b.eng.Heartbeat(b.ctx, []int64{ready.ID, nowhere, stopped.ID, suspended.ID, ready.ID})
			b.ok(err)
			require.Equal(b.t, map[int64]model.WorkerStatus{
				ready.ID: model.WorkerReady, suspended.ID: model.WorkerSuspended, stopped.ID: model.WorkerStopped,
			}, got)
			require.True(b.t, b.worker(ready.ID).HeartbeatAt.After(ready.HeartbeatAt))
			require.True(b.t, b.worker(suspended.ID).HeartbeatAt.After(suspended.HeartbeatAt))
			require.Equal(b.t, before, b.worker(stopped.ID), "a stopped worker has no heartbeat")
		}},
		{name: "heartbeat of nobody", run: func(b *bundle) {
			got, err := b.eng.Heartbeat(b.ctx, nil)
			b.ok(err)
			require.Empty(b.t, got)
			got, err = b.eng.Heartbeat(b.ctx, []int64{nowhere})
			b.ok(err)
			require.Empty(b.t, got)
		}},
		{name: "heartbeats of many", run: func(b *bundle) {
			var list []int64
			for range 120 {
				list = append(list, b.another().ID)
			}
			got, err := b.eng.Heartbeat(b.ctx, list)
			b.ok(err)
			require.Len(b.t, got, len(list))
		}},
		{name: "list and count by id, in pages, by queue", run: func(b *bundle) {
			b.queue = b.newQueue(5)
			var want []model.WorkerInfo
			for range 7 {
				want = append(want, b.another())
			}
			b.set(want[3].ID, model.WorkerStopped)
			want[3] = b.worker(want[3].ID)
			requirePages(b, want, func(p model.Page) ([]model.WorkerInfo, error) { return b.eng.ListWorkers(b.ctx, b.queue.ID, p) })
			n, err := b.eng.CountWorkers(b.ctx, b.queue.ID)
			b.ok(err)
			require.EqualValues(b.t, 7, n)
		}},
		{name: "list and count over all queues", own: true, run: func(b *bundle) {
			b.newWorker(b.newQueue(5).ID, "consumer")
			list, err := b.eng.ListWorkers(b.ctx, 0, model.Page{})
			b.ok(err)
			require.Len(b.t, list, 3)
			require.Less(b.t, list[0].ID, list[1].ID)
			require.Less(b.t, list[1].ID, list[2].ID)
			n, err := b.eng.CountWorkers(b.ctx, 0)
			b.ok(err)
			require.EqualValues(b.t, 3, n)
		}},
		{name: "an unknown queue has no workers", run: func(b *bundle) {
			list, err := b.eng.ListWorkers(b.ctx, nowhere, model.Page{})
			b.ok(err)
			require.Empty(b.t, list)
			n, err := b.eng.CountWorkers(b.ctx, nowhere)
			b.ok(err)
			require.Zero(b.t, n)
		}},
	}
	for _, from := range allStatuses {
		for _, to := range allStatuses {
			if from != to {
				cases = append(cases, transition(from, to))
			}
		}
	}
	return cases
}

// transition is one guarded move: it happens from its state and from no other.
func transition(from, to model.WorkerStatus) testCase {
	return testCase{name: fmt.Sprintf("from %s to %s", from, to), run: func(b *bundle) {
		w := b.another()
		if from != w.Status {
			b.set(w.ID, from)
		}
		var others []model.WorkerStatus
		for _, s := range allStatuses {
			if s != from {
				others = append(others, s)
			}
		}
		before := b.worker(w.ID)
		err := b.fails(fault.StateTransition, b.eng.SetWorkerStatus(b.ctx, w.ID, others, to))
		require.ErrorContains(b.t, err, string(from), "the text must name the present state")
		require.Equal(b.t, before, b.worker(w.ID), "a refused move must change nothing")
		if from == model.WorkerStopped { // nobody above the seam asks to leave it
			return
		}
		b.ok(b.eng.SetWorkerStatus(b.ctx, w.ID, []model.WorkerStatus{from}, to))
		got := b.worker(w.ID)
		require.Equal(b.t, to, got.Status)
		require.Equal(b.t, to == model.WorkerStopped, !got.ShutdownAt.IsZero(), "shutdown at %v", got.ShutdownAt)
	}}
}
