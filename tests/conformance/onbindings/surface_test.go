package onbindings

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/bindings"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// setup opens a store in a file of its own, with a queue.
func setup(t *testing.T) (context.Context, *bindings.Store, *bindings.Producer, *bindings.Consumer) {
	t.Helper()
	library(t)
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	store, err := bindings.Open(ctx, conformance.SQLite(t), bindings.Options{
		Bootstrap: true, Config: map[string]any{"default_max_batch_size": 3},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		defer cancel()
		require.NoError(t, store.Close(context.WithoutCancel(ctx)))
	})
	_, err = store.Admin().CreateQueue(ctx, "tasks", 0)
	require.NoError(t, err)
	producer, err := store.Producer(ctx, "tasks", bindings.WorkerOptions{})
	require.NoError(t, err)
	consumer, err := store.Consumer(ctx, "tasks", bindings.WorkerOptions{Hostname: "here", Port: 80})
	require.NoError(t, err)
	return ctx, store, producer, consumer
}

func fill(ctx context.Context, t *testing.T, producer *bindings.Producer, count int) []int64 {
	t.Helper()
	payloads := make([]any, count)
	for i := range payloads {
		payloads[i] = map[string]int{"n": i}
	}
	ids, err := producer.EnqueueBatch(ctx, payloads)
	require.NoError(t, err)
	return ids
}

func TestMessagesGivesBackWhatItsBodyNeverSaw(t *testing.T) {
	t.Parallel()
	ctx, store, producer, consumer := setup(t)
	ids := fill(ctx, t, producer, 4)
	var seen []int64
	for m, err := range consumer.Messages(ctx, bindings.DequeueOptions{Batch: 4, AutoExtend: true}) {
		require.NoError(t, err)
		status, err := consumer.Status(ctx)
		require.NoError(t, err)
		require.Equal(t, bindings.WorkerPolling, status)
		done, err := m.Archive(ctx)
		require.NoError(t, err)
		require.True(t, done)
		if seen = append(seen, m.ID); len(seen) == 2 {
			break
		}
	}
	require.Equal(t, ids[:2], seen)
	status, err := consumer.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, bindings.WorkerReady, status)
	metrics, err := store.Admin().Metrics(ctx, "tasks")
	require.NoError(t, err)
	require.EqualValues(t, 2, metrics[0].Pending)
	require.Zero(t, metrics[0].Leased)
	again, err := consumer.Dequeue(ctx, bindings.DequeueOptions{Batch: bindings.DefaultBatch})
	require.NoError(t, err)
	require.Len(t, again, 2)
	require.EqualValues(t, 1, again[0].ReadCt)
}

func TestMessagesEnds(t *testing.T) {
	t.Parallel()
	ctx, _, producer, consumer := setup(t)
	fill(ctx, t, producer, 1)
	for m, err := range consumer.Messages(ctx, bindings.DequeueOptions{Wait: 20 * time.Millisecond}) {
		require.NoError(t, err)
		_, err = m.Delete(ctx)
		require.NoError(t, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	fill(ctx, t, producer, 1)
	var last error
	for _, err := range consumer.Messages(cancelled, bindings.DequeueOptions{}) {
		last = err
		cancel()
	}
	require.ErrorIs(t, last, context.Canceled)
	require.ErrorIs(t, last, bindings.Cancelled)

	fill(ctx, t, producer, 1)
	for _, err := range consumer.Messages(ctx, bindings.DequeueOptions{}) {
		if last = err; err == nil {
			require.NoError(t, consumer.Interrupt(ctx))
		}
	}
	require.ErrorIs(t, last, bindings.StateTransition)
}

func TestLossesTellsOfLeasesThatWereTaken(t *testing.T) {
	t.Parallel()
	ctx, store, producer, consumer := setup(t)
	listening, stop := context.WithCancel(ctx)
	lost, ended := make(chan int64, 1), make(chan error, 1)
	go func() {
		for token, err := range consumer.Losses(listening) {
			if err != nil {
				ended <- err
				return
			}
			select {
			case lost <- token.ID:
			default: // one is enough
			}
		}
	}()
	told := func() bool { // nobody says from when on losses are told, so there may be several
		ids := fill(ctx, t, producer, 1)
		leased, err := consumer.Dequeue(ctx, bindings.DequeueOptions{Lease: 200 * time.Millisecond, AutoExtend: true})
		require.NoError(t, err)
		require.Equal(t, ids[0], leased[0].ID)
		kept, err := consumer.Keep([]bindings.Token{leased[0].Token()}, time.Minute)
		require.NoError(t, err)
		require.Equal(t, 1, kept)
		purged, err := store.Admin().PurgeQueue(ctx, "tasks")
		require.NoError(t, err)
		require.EqualValues(t, 1, purged)
		select {
		case id := <-lost:
			return id == ids[0]
		case <-time.After(time.Second):
			return false
		}
	}
	for !told() {
		require.NoError(t, ctx.Err())
	}
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestErrorsSayEverything(t *testing.T) {
	t.Parallel()
	ctx, store, producer, consumer := setup(t)
	_, err := store.Admin().GetQueue(ctx, "nobody")
	failure, ok := errors.AsType[*bindings.Error](err)
	require.True(t, ok)
	require.Equal(t, bindings.QueueNotFound, failure.Status)
	require.Equal(t, "nobody", failure.Field)
	require.NotEmpty(t, failure.Op)
	require.ErrorContains(t, err, "create")
	require.Equal(t, "QUEUE_NOT_FOUND", bindings.StatusOf(err).String())

	_, err = producer.Enqueue(ctx, make(chan int))
	require.ErrorIs(t, err, bindings.Serialization)
	require.True(t, bindings.SafeToRetry(err))
	_, err = producer.EnqueueJSON(ctx, nil, bindings.EnqueueOptions{})
	require.ErrorIs(t, err, bindings.InvalidArgument)
	_, err = producer.EnqueueDelayed(ctx, 1, -time.Second)
	require.ErrorIs(t, err, bindings.InvalidArgument)
	_, err = consumer.Dequeue(ctx, bindings.DequeueOptions{Batch: -1})
	require.Error(t, err)
	require.False(t, bindings.IsTransient(err))
	_, err = store.Admin().GetMessage(ctx, 4711)
	require.ErrorIs(t, err, bindings.MessageNotFound)
	row := bindings.Message{ID: 1}
	_, err = row.Archive(ctx)
	require.ErrorIs(t, err, bindings.State)

	_, err = bindings.Open(ctx, "nonsense://", bindings.Options{})
	require.ErrorIs(t, err, bindings.Config)
	require.Equal(t, bindings.OK, bindings.StatusOf(nil))
	require.Equal(t, bindings.Internal, bindings.StatusOf(context.Canceled))
}

func TestTables(t *testing.T) {
	t.Parallel()
	ctx, store, producer, consumer := setup(t)
	admin := store.Admin()
	ids := fill(ctx, t, producer, 3)
	_, err := producer.EnqueueDelayed(ctx, "later", time.Hour)
	require.NoError(t, err)
	leased, err := consumer.Dequeue(ctx, bindings.DequeueOptions{Lease: time.Minute})
	require.NoError(t, err)
	require.Equal(t, consumer.ID(), leased[0].ConsumerWorkerID)
	require.Equal(t, producer.ID(), leased[0].ProducerWorkerID)
	require.WithinDuration(t, time.Now().Add(time.Minute), leased[0].VT, 30*time.Second)

	worker, err := admin.GetWorker(ctx, consumer.ID())
	require.NoError(t, err)
	require.Equal(t, "here", worker.Hostname)
	require.EqualValues(t, 80, worker.Port)
	require.Equal(t, bindings.WorkerReady, worker.Status)
	require.True(t, worker.ShutdownAt.IsZero())
	held, err := admin.CountMessages(ctx, bindings.Filter{WorkerID: consumer.ID()})
	require.NoError(t, err)
	require.EqualValues(t, 1, held)
	found, err := admin.ListMessages(ctx, bindings.Filter{Queue: "tasks", Contains: `{"n":2}`}, bindings.Page{})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, ids[2], found[0].ID)
	require.True(t, found[0].DequeuedAt.IsZero())

	given, err := admin.ReleaseWorker(ctx, consumer.ID())
	require.NoError(t, err)
	require.EqualValues(t, 1, given)
	done, err := leased[0].Archive(ctx)
	require.NoError(t, err)
	require.False(t, done, "the lease was given back")

	stats, err := admin.Stats(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Queues)
	require.EqualValues(t, 3, stats.Pending)
	require.EqualValues(t, 1, stats.Delayed)
	settings, err := admin.Inspect(ctx)
	require.NoError(t, err)
	require.Equal(t, bindings.Setting{Name: "engine", Value: "sqlite"}, settings[0])
	activity, err := store.Activity(ctx)
	require.NoError(t, err)
	require.Positive(t, activity.Enqueue.Rows)
	health, err := admin.WorkerHealth(ctx, "tasks", time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, health[0].Healthy)
	require.EqualValues(t, 1, health[0].Stopped, "what a worker held was taken from it for good")
	workers, err := admin.WorkerStats(ctx, "")
	require.NoError(t, err)
	require.EqualValues(t, 1, workers[0].Producers)
	_, err = admin.PurgeArchive(ctx, bindings.Filter{}, 0)
	require.ErrorIs(t, err, bindings.InvalidArgument)
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	ctx, store, _, _ := setup(t)
	admin := store.Admin()
	info, err := admin.CreateWorkflow(ctx, "import", 0)
	require.NoError(t, err)
	_, err = admin.CreateWorkflow(ctx, "import", 0)
	require.ErrorIs(t, err, bindings.WorkflowExists)
	triggered, err := store.Trigger(ctx, "import", map[string]int{"file": 1})
	require.NoError(t, err)
	require.Equal(t, info.ID, triggered.WorkflowID)
	require.JSONEq(t, `{"file":1}`, string(triggered.Input))

	run, started, err := store.StartRun(ctx, triggered.ID, triggered.MessageID)
	require.NoError(t, err)
	require.Equal(t, bindings.WorkflowRunning, started.Status)
	_, execute, err := run.Acquire(ctx, "read", 2)
	require.NoError(t, err)
	require.True(t, execute)
	step, err := run.RetryStep(ctx, "read", "not now", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "not now", step.Error)
	_, _, err = run.Acquire(ctx, "read", 2)
	require.ErrorIs(t, err, bindings.StepNotReady)
	failure, ok := errors.AsType[*bindings.Error](err)
	require.True(t, ok)
	require.InDelta(t, time.Hour, failure.RetryAfter, float64(time.Minute))

	_, _, err = run.Acquire(ctx, "write", 0)
	require.NoError(t, err)
	_, err = run.CompleteStep(ctx, "write", json.RawMessage(`{"rows":3}`))
	require.NoError(t, err)
	record, execute, err := run.Acquire(ctx, "write", 0)
	require.NoError(t, err)
	require.False(t, execute)
	require.JSONEq(t, `{"rows":3}`, string(record.Output))
	steps, err := admin.ListSteps(ctx, triggered.ID, bindings.Page{})
	require.NoError(t, err)
	require.Len(t, steps, 2)

	paused, err := store.PauseRun(ctx, triggered.ID)
	require.NoError(t, err)
	require.Equal(t, bindings.WorkflowPaused, paused.Status)
	_, err = run.Complete(ctx, []byte("1"))
	require.ErrorIs(t, err, bindings.Paused)
	_, err = store.ResumeRun(ctx, triggered.ID)
	require.NoError(t, err)
	run, _, err = store.StartRun(ctx, triggered.ID, 0)
	require.NoError(t, err)
	finished, err := run.Complete(ctx, []byte("1"))
	require.NoError(t, err)
	require.Equal(t, bindings.WorkflowSuccess, finished.Status)
	count, err := admin.CountRuns(ctx, bindings.RunFilter{Workflow: "import", Status: bindings.WorkflowSuccess})
	require.NoError(t, err)
	require.EqualValues(t, 1, count)
}
