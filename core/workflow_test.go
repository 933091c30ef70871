package core

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

func TestAWorkflowGoesAllTheWay(t *testing.T) {
	onBoth(t, func(b *bundle) {
		w, err := b.admin.CreateWorkflow(b.ctx, "orders", 0)
		require.NoError(b.t, err)
		executor, err := b.store.Consumer(b.ctx, w.Name, WorkerOptions{})
		require.NoError(b.t, err)
		woken := make(chan []*Message, 1)
		spawn.Go(nil, func() {
			messages, _ := executor.Dequeue(b.ctx, DequeueOptions{Wait: 20 * time.Second})
			woken <- messages
		})
		triggered, err := b.store.Trigger(b.ctx, "orders", map[string]int{"order": 7})
		require.NoError(b.t, err)
		messages := <-woken
		require.Len(b.t, messages, 1)
		var carried struct {
			RunID int64 `json:"run_id"`
		}
		require.NoError(b.t, messages[0].Decode(&carried))

		run, record, err := b.store.StartRun(b.ctx, carried.RunID, messages[0].ID)
		require.NoError(b.t, err)
		assert.Equal(b.t, triggered.ID, record.ID)
		assert.JSONEq(b.t, `{"order":7}`, string(record.Input))
		_, execute, err := run.Acquire(b.ctx, "charge", 0)
		require.NoError(b.t, err)
		assert.True(b.t, execute)
		step, err := run.RetryStep(b.ctx, "charge", "", time.Hour)
		require.NoError(b.t, err)
		assert.NotEmpty(b.t, step.Error, "a failure without a text is still one")
		_, _, err = run.Acquire(b.ctx, "charge", 0)
		assert.True(b.t, fault.Is(err, fault.StepNotReady), "%v", err)
		assert.True(b.t, fault.IsTransient(err))
		done, err := run.Complete(b.ctx, []byte(`null`))
		require.NoError(b.t, err)
		assert.Equal(b.t, model.WorkflowSuccess, done.Status)
		_, err = run.Fail(b.ctx, "late")
		assert.True(b.t, fault.Is(err, fault.StateTransition), "%v", err)
		n, err := b.admin.CountRuns(b.ctx, RunFilter{Workflow: "orders", Status: model.WorkflowSuccess})
		require.NoError(b.t, err)
		assert.EqualValues(b.t, 1, n)
	})
}

func TestAResumedRunWakesItsExecutor(t *testing.T) {
	onBoth(t, func(b *bundle) {
		_, err := b.admin.CreateWorkflow(b.ctx, "orders", 0)
		require.NoError(b.t, err)
		run, err := b.store.Trigger(b.ctx, "orders", 1)
		require.NoError(b.t, err)
		_, err = b.store.PauseRun(b.ctx, run.ID)
		require.NoError(b.t, err)
		_, _, err = b.store.StartRun(b.ctx, run.ID, run.MessageID)
		assert.True(b.t, fault.Is(err, fault.Paused), "%v", err)
		resumed, err := b.store.ResumeRun(b.ctx, run.ID)
		require.NoError(b.t, err)
		assert.NotEqual(b.t, run.MessageID, resumed.MessageID)
		_, err = b.store.CancelRun(b.ctx, run.ID)
		require.NoError(b.t, err)
		_, _, err = b.store.StartRun(b.ctx, run.ID, 0)
		assert.True(b.t, fault.Is(err, fault.RunCancelled), "%v", err)
	})
}

func TestWorkflowArgumentsAreChecked(t *testing.T) {
	onBoth(t, func(b *bundle) {
		_, err := b.admin.CreateWorkflow(b.ctx, "orders", 0)
		require.NoError(b.t, err)
		run := b.store.Execution(model.RunToken{RunID: 1, Attempt: 1})
		for want, f := range map[string]func(context.Context) error{
			"workflow: is empty": func(ctx context.Context) error { _, err := b.admin.CreateWorkflow(ctx, "", 0); return err },
			"max_read_ct":        func(ctx context.Context) error { _, err := b.admin.CreateWorkflow(ctx, "x", -1); return err },
			"input: byte 0":      func(ctx context.Context) error { _, err := b.store.TriggerJSON(ctx, "orders", []byte(`x`)); return err },
			"step: is empty":     func(ctx context.Context) error { _, _, err := run.Acquire(ctx, "", 0); return err },
			"max_attempts":       func(ctx context.Context) error { _, _, err := run.Acquire(ctx, "x", -1); return err },
			"output: byte 0":     func(ctx context.Context) error { _, err := run.CompleteStep(ctx, "x", []byte(`x`)); return err },
			"delay_seconds":      func(ctx context.Context) error { _, err := run.RetryStep(ctx, "x", "y", -1); return err },
			"status: is none of": func(ctx context.Context) error {
				_, err := b.admin.CountRuns(ctx, RunFilter{Status: "done"})
				return err
			},
		} {
			assert.ErrorContains(b.t, f(b.ctx), want)
		}
	})
}
