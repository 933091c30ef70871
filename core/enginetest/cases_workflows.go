package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// failures is the limit of a case's step, where the case does not say.
const failures = 3

// workflow creates a workflow and makes its queue, with a consumer, the bundle's.
func (b *bundle) workflow() model.WorkflowInfo {
	b.t.Helper()
	w, err := b.eng.CreateWorkflow(b.ctx, name("workflow"), maxReadCt)
	b.ok(err)
	b.queue, err = b.eng.GetQueue(b.ctx, w.Name)
	b.ok(err)
	b.consumer = b.newWorker(b.queue.ID, "consumer")
	return w
}

// trigger stores a run of a workflow.
func (b *bundle) trigger(w model.WorkflowInfo, input string) model.WorkflowRun {
	b.t.Helper()
	r, err := b.eng.TriggerRun(b.ctx, w.Name, []byte(input))
	b.ok(err)
	return r
}

// running is the token of a new run of a new workflow, started once.
func (b *bundle) running() model.RunToken {
	b.t.Helper()
	return b.startRun(b.trigger(b.workflow(), `{"n": 1}`).ID).Token()
}

func (b *bundle) startRun(id int64) model.WorkflowRun {
	b.t.Helper()
	r, err := b.eng.StartRun(b.ctx, id, 0)
	b.ok(err)
	return r
}

func (b *bundle) run(id int64) model.WorkflowRun {
	b.t.Helper()
	r, err := b.eng.GetRun(b.ctx, id)
	b.ok(err)
	return r
}

// begin requires that a step is to be executed.
func (b *bundle) begin(t model.RunToken, step string) model.WorkflowStep {
	b.t.Helper()
	s, execute, err := b.eng.AcquireStep(b.ctx, t, step, failures)
	b.ok(err)
	require.True(b.t, execute, "skipped")
	return s
}

func (b *bundle) acquireFails(kind fault.Kind, t model.RunToken, step string) *fault.Error {
	b.t.Helper()
	_, _, err := b.eng.AcquireStep(b.ctx, t, step, failures)
	return b.fails(kind, err)
}

func (b *bundle) finishStep(t model.RunToken, step string, f engine.StepFinish) model.WorkflowStep {
	b.t.Helper()
	s, err := b.eng.FinishStep(b.ctx, t, step, f)
	b.ok(err)
	return s
}

// refusesAll requires that an execution can write nothing any more.
func (b *bundle) refusesAll(kind fault.Kind, t model.RunToken, begun string) {
	b.t.Helper()
	b.acquireFails(kind, t, name("step"))
	_, err := b.eng.FinishStep(b.ctx, t, begun, engine.StepFinish{Output: []byte(`"late"`)})
	b.fails(kind, err)
	for _, f := range []engine.RunFinish{{Output: []byte(`"late"`)}, {Error: "late"}} {
		_, err = b.eng.FinishRun(b.ctx, t, f)
		b.fails(kind, err)
	}
}

// carrier requires that a run's message waits in the queue, and returns its id.
func (b *bundle) carrier(r model.WorkflowRun) int64 {
	b.t.Helper()
	require.JSONEq(b.t, fmt.Sprintf(`{"run_id": %d}`, r.ID), string(b.message(r.MessageID).Payload))
	return r.MessageID
}

func workflowCases() []testCase {
	return []testCase{
		{name: "a workflow and its queue", run: func(b *bundle) {
			w, err := b.eng.CreateWorkflow(b.ctx, name("workflow"), 7)
			b.ok(err)
			q, err := b.eng.GetQueue(b.ctx, w.Name)
			b.ok(err)
			require.Equal(b.t, q.ID, w.QueueID)
			require.EqualValues(b.t, 7, q.MaxReadCt)
			require.False(b.t, w.CreatedAt.IsZero())
			got, err := b.eng.GetWorkflow(b.ctx, w.Name)
			b.ok(err)
			require.Equal(b.t, w, got)
			got, err = b.eng.GetWorkflowByID(b.ctx, w.ID)
			b.ok(err)
			require.Equal(b.t, w, got)
			b.fails(fault.StateTransition, b.eng.DeleteQueue(b.ctx, w.Name))
		}},
		{name: "a name that is taken", run: func(b *bundle) {
			w := b.workflow()
			_, err := b.eng.CreateWorkflow(b.ctx, w.Name, maxReadCt)
			require.ErrorContains(b.t, b.fails(fault.WorkflowExists, err), w.Name)
			q := b.newQueue(maxReadCt)
			_, err = b.eng.CreateWorkflow(b.ctx, q.Name, maxReadCt)
			require.ErrorContains(b.t, b.fails(fault.QueueExists, err), q.Name)
			_, err = b.eng.GetWorkflow(b.ctx, q.Name)
			b.fails(fault.WorkflowNotFound, err)
			_, err = b.eng.CreateQueue(b.ctx, w.Name, maxReadCt)
			b.fails(fault.QueueExists, err)
		}},
		{name: "eight creators, one workflow", run: func(b *bundle) {
			n := name("race")
			created := 0
			for _, err := range together(8, func(int) error {
				_, err := b.eng.CreateWorkflow(b.ctx, n, maxReadCt)
				return err
			}) {
				if err == nil {
					created++
				} else {
					b.fails(fault.WorkflowExists, err)
				}
			}
			require.Equal(b.t, 1, created)
		}},
		{name: "what is not there", run: func(b *bundle) {
			t := model.RunToken{RunID: nowhere, Attempt: 1}
			for _, f := range []func() error{
				func() error { _, err := b.eng.GetWorkflow(b.ctx, name("missing")); return err },
				func() error { _, err := b.eng.GetWorkflowByID(b.ctx, nowhere); return err },
				func() error { _, err := b.eng.TriggerRun(b.ctx, b.queue.Name, []byte(`1`)); return err },
				func() error { _, err := b.eng.StartRun(b.ctx, nowhere, 0); return err },
				func() error { _, err := b.eng.FinishRun(b.ctx, t, engine.RunFinish{}); return err },
				func() error { _, err := b.eng.PauseRun(b.ctx, nowhere); return err },
				func() error { _, err := b.eng.ResumeRun(b.ctx, nowhere); return err },
				func() error { _, err := b.eng.CancelRun(b.ctx, nowhere); return err },
				func() error { _, _, err := b.eng.AcquireStep(b.ctx, t, "x", failures); return err },
				func() error { _, err := b.eng.FinishStep(b.ctx, t, "x", engine.StepFinish{}); return err },
				func() error { _, err := b.eng.GetRun(b.ctx, nowhere); return err },
				func() error { _, err := b.eng.GetStep(b.ctx, nowhere); return err },
			} {
				b.fails(fault.WorkflowNotFound, f())
			}
		}},
		{name: "a trigger stores a run and the message that carries it", run: func(b *bundle) {
			w := b.workflow()
			r := b.trigger(w, `{"order": 123456789012345678901234567890}`)
			require.Equal(b.t, model.WorkflowQueued, r.Status)
			require.Zero(b.t, r.Attempt)
			require.Equal(b.t, []any{w.ID, w.Name, w.QueueID}, []any{r.WorkflowID, r.WorkflowName, r.QueueID})
			require.JSONEq(b.t, `{"order": 123456789012345678901234567890}`, string(r.Input))
			require.Contains(b.t, string(r.Input), "123456789012345678901234567890")
			require.Nil(b.t, r.Output)
			require.True(b.t, r.StartedAt.IsZero())
			require.Equal(b.t, r, b.run(r.ID))
			require.Equal(b.t, b.carrier(r), b.take(1, long)[0].ID)
		}},
		{name: "a run from start to success", run: func(b *bundle) {
			queued := b.trigger(b.workflow(), `1`)
			r, err := b.eng.StartRun(b.ctx, queued.ID, queued.MessageID)
			b.ok(err)
			require.Equal(b.t, model.WorkflowRunning, r.Status)
			require.EqualValues(b.t, 1, r.Attempt)
			require.False(b.t, r.StartedAt.IsZero())
			done, err := b.eng.FinishRun(b.ctx, r.Token(), engine.RunFinish{Output: []byte(`{"a": [1, null]}`)})
			b.ok(err)
			require.Equal(b.t, model.WorkflowSuccess, done.Status)
			require.JSONEq(b.t, `{"a": [1, null]}`, string(done.Output))
			require.Empty(b.t, done.Error)
			require.False(b.t, done.CompletedAt.IsZero())
			require.Equal(b.t, done, b.run(r.ID))
			b.refusesAll(fault.StateTransition, r.Token(), "x")
			_, err = b.eng.StartRun(b.ctx, r.ID, 0)
			b.fails(fault.StateTransition, err)
			for _, move := range b.moves() {
				_, err := move(b.ctx, r.ID)
				require.ErrorContains(b.t, b.fails(fault.StateTransition, err), "success")
			}
		}},
		{name: "a run that failed", run: func(b *bundle) {
			t := b.running()
			r, err := b.eng.FinishRun(b.ctx, t, engine.RunFinish{Error: "ValueError: größer"})
			b.ok(err)
			require.Equal(b.t, model.WorkflowError, r.Status)
			require.Equal(b.t, "ValueError: größer", r.Error)
			require.Nil(b.t, r.Output)
			b.refusesAll(fault.StateTransition, t, "x")
		}},
		{name: "a second start takes the run over", run: func(b *bundle) {
			old := b.running()
			b.begin(old, "charge")
			taken := b.startRun(old.RunID)
			require.EqualValues(b.t, 2, taken.Attempt)
			b.refusesAll(fault.StateTransition, old, "charge")
			s := b.begin(taken.Token(), "charge")
			require.EqualValues(b.t, 2, s.Attempt, "begun, never finished, begun again")
			require.Zero(b.t, s.Failures)
			b.refusesAll(fault.StateTransition, old, "charge")
			b.finishStep(taken.Token(), "charge", engine.StepFinish{Output: []byte(`7`)})
			require.Equal(b.t, model.WorkflowRunning, b.run(old.RunID).Status)
		}},
		{name: "a step that has succeeded is skipped", run: func(b *bundle) {
			t := b.running()
			s := b.begin(t, "charge")
			require.Equal(b.t, []any{t.RunID, "charge", model.WorkflowRunning, int32(1)}, []any{s.RunID, s.Name, s.Status, s.Attempt})
			done := b.finishStep(t, "charge", engine.StepFinish{Output: []byte(`{"id": "ch_1"}`)})
			require.Equal(b.t, model.WorkflowSuccess, done.Status)
			t = b.startRun(t.RunID).Token()
			again, execute, err := b.eng.AcquireStep(b.ctx, t, "charge", failures)
			b.ok(err)
			require.False(b.t, execute)
			require.Equal(b.t, done, again)
			require.JSONEq(b.t, `{"id": "ch_1"}`, string(again.Output))
			_, err = b.eng.FinishStep(b.ctx, t, "charge", engine.StepFinish{Output: []byte(`"twice"`)})
			b.fails(fault.StateTransition, err)
			b.begin(t, "another")
		}},
		{name: "a failed step waits for its next attempt", run: func(b *bundle) {
			t := b.running()
			b.begin(t, "charge")
			s := b.finishStep(t, "charge", engine.StepFinish{Error: "busy", Retry: true, Delay: long})
			require.Equal(b.t, model.WorkflowQueued, s.Status)
			require.Equal(b.t, []any{"busy", int32(1)}, []any{s.Error, s.Failures})
			require.WithinDuration(b.t, s.UpdatedAt.Add(long), s.RetryAt, time.Second)
			e := b.acquireFails(fault.StepNotReady, t, "charge")
			require.Greater(b.t, e.RetryAfter, long-time.Minute)
			require.LessOrEqual(b.t, e.RetryAfter, long)
			b.begin(t, "another")
			_, err := b.eng.FinishStep(b.ctx, t, "charge", engine.StepFinish{})
			b.fails(fault.StateTransition, err)
		}},
		{name: "its next attempt comes in time", run: func(b *bundle) {
			t := b.running()
			b.begin(t, "charge")
			b.finishStep(t, "charge", engine.StepFinish{Error: "busy", Retry: true, Delay: brief})
			var s model.WorkflowStep
			b.eventually("the step to be ready", func() bool {
				var execute bool
				var err error
				s, execute, err = b.eng.AcquireStep(b.ctx, t, "charge", failures)
				if err != nil {
					b.fails(fault.StepNotReady, err)
				}
				return execute
			})
			require.EqualValues(b.t, 2, s.Attempt)
			require.True(b.t, s.RetryAt.IsZero())
			require.Equal(b.t, "busy", s.Error, "until it succeeds")
			s = b.finishStep(t, "charge", engine.StepFinish{Output: []byte(`1`)})
			require.Empty(b.t, s.Error)
		}},
		{name: "whoever asks at the very moment is told to wait, or begins", run: func(b *bundle) {
			t := b.running()
			const rounds = 100
			b.begin(t, "charge")
			for range rounds {
				b.finishStep(t, "charge", engine.StepFinish{Error: "busy", Retry: true, Delay: 3 * time.Millisecond})
				for execute := false; !execute; {
					var err error
					if _, execute, err = b.eng.AcquireStep(b.ctx, t, "charge", rounds+1); err != nil {
						require.Positive(b.t, b.fails(fault.StepNotReady, err).RetryAfter)
					}
				}
			}
		}},
		{name: "a step fails as often as it may", run: func(b *bundle) {
			t := b.running()
			for range failures {
				b.begin(t, "charge")
				b.finishStep(t, "charge", engine.StepFinish{Error: "declined", Retry: true})
			}
			require.ErrorContains(b.t, b.acquireFails(fault.RetriesExhausted, t, "charge"), "declined")
			_, execute, err := b.eng.AcquireStep(b.ctx, t, "charge", failures+1)
			b.ok(err)
			require.True(b.t, execute, "the caller says how often")
		}},
		{name: "a step that failed for good", run: func(b *bundle) {
			t := b.running()
			b.begin(t, "charge")
			s := b.finishStep(t, "charge", engine.StepFinish{Error: "no such card"})
			require.Equal(b.t, model.WorkflowError, s.Status)
			require.False(b.t, s.CompletedAt.IsZero())
			b.acquireFails(fault.RetriesExhausted, t, "charge")
			t = b.startRun(t.RunID).Token()
			require.ErrorContains(b.t, b.acquireFails(fault.RetriesExhausted, t, "charge"), "no such card")
			_, err := b.eng.FinishStep(b.ctx, t, "never begun", engine.StepFinish{})
			b.fails(fault.WorkflowNotFound, err)
		}},
		{name: "pause and resume", run: func(b *bundle) {
			t := b.running()
			first := b.run(t.RunID).MessageID
			b.begin(t, "charge")
			r, err := b.eng.PauseRun(b.ctx, t.RunID)
			b.ok(err)
			require.Equal(b.t, model.WorkflowPaused, r.Status)
			require.False(b.t, r.PausedAt.IsZero())
			_, err = b.eng.StartRun(b.ctx, t.RunID, 0)
			b.fails(fault.Paused, err)
			b.acquireFails(fault.Paused, t, "another")
			_, err = b.eng.FinishRun(b.ctx, t, engine.RunFinish{Output: []byte(`1`)})
			b.fails(fault.Paused, err)
			b.finishStep(t, "charge", engine.StepFinish{Output: []byte(`"was under way"`)})
			_, err = b.eng.PauseRun(b.ctx, t.RunID)
			b.fails(fault.StateTransition, err)

			r, err = b.eng.ResumeRun(b.ctx, t.RunID)
			b.ok(err)
			require.Equal(b.t, model.WorkflowQueued, r.Status)
			require.True(b.t, r.PausedAt.IsZero())
			require.NotEqual(b.t, first, b.carrier(r))
			_, err = b.eng.ResumeRun(b.ctx, t.RunID)
			b.fails(fault.StateTransition, err)
			b.acquireFails(fault.StateTransition, t, "another")
			_, err = b.eng.StartRun(b.ctx, t.RunID, first)
			require.ErrorContains(b.t, b.fails(fault.StateTransition, err), "message")
			r, err = b.eng.StartRun(b.ctx, t.RunID, r.MessageID)
			b.ok(err)
			require.EqualValues(b.t, 2, r.Attempt)
			b.refusesAll(fault.StateTransition, t, "charge")
			s, execute, err := b.eng.AcquireStep(b.ctx, r.Token(), "charge", failures)
			b.ok(err)
			require.False(b.t, execute)
			require.JSONEq(b.t, `"was under way"`, string(s.Output))
		}},
		{name: "a step under way at a pause may wait for its next attempt", run: func(b *bundle) {
			t := b.running()
			b.begin(t, "charge")
			_, err := b.eng.PauseRun(b.ctx, t.RunID)
			b.ok(err)
			_, err = b.eng.ResumeRun(b.ctx, t.RunID)
			b.ok(err)
			b.finishStep(t, "charge", engine.StepFinish{Error: "busy", Retry: true, Delay: long})
			b.acquireFails(fault.StepNotReady, b.startRun(t.RunID).Token(), "charge")
		}},
		{name: "a resume wakes one message, whoever resumes", run: func(b *bundle) {
			r := b.trigger(b.workflow(), `1`)
			_, err := b.eng.PauseRun(b.ctx, r.ID)
			b.ok(err)
			resumed := 0
			for _, err := range together(8, func(int) error { _, err := b.eng.ResumeRun(b.ctx, r.ID); return err }) {
				if err == nil {
					resumed++
				} else {
					b.fails(fault.StateTransition, err)
				}
			}
			require.Equal(b.t, 1, resumed)
			require.EqualValues(b.t, 1, b.metrics().Pending, "the first message made room for the new one")
		}},
		{name: "cancelling", run: func(b *bundle) {
			t := b.running()
			b.begin(t, "charge")
			r, err := b.eng.CancelRun(b.ctx, t.RunID)
			b.ok(err)
			require.Equal(b.t, model.WorkflowCancelled, r.Status)
			require.False(b.t, r.CompletedAt.IsZero())
			b.refusesAll(fault.RunCancelled, t, "charge")
			_, err = b.eng.StartRun(b.ctx, t.RunID, 0)
			b.fails(fault.RunCancelled, err)
			for _, move := range b.moves() {
				_, err := move(b.ctx, t.RunID)
				b.fails(fault.StateTransition, err)
			}
			paused := b.trigger(b.workflow(), `1`)
			_, err = b.eng.PauseRun(b.ctx, paused.ID)
			b.ok(err)
			_, err = b.eng.CancelRun(b.ctx, paused.ID)
			b.ok(err)
			b.notQueued(paused.MessageID)
			b.notArchived(paused.MessageID)
		}},
		{name: "a message somebody leases is left to him", run: func(b *bundle) {
			cancelled := b.trigger(b.workflow(), `1`)
			held := b.take(1, long)
			_, err := b.eng.CancelRun(b.ctx, cancelled.ID)
			b.ok(err)
			require.Equal(b.t, []bool{true}, b.archive(tokens(held)...))
			resumed := b.trigger(b.workflow(), `1`)
			held = b.take(1, long)
			_, err = b.eng.PauseRun(b.ctx, resumed.ID)
			b.ok(err)
			_, err = b.eng.ResumeRun(b.ctx, resumed.ID)
			b.ok(err)
			require.Equal(b.t, []bool{true}, b.archive(tokens(held)...))
			require.NotEqual(b.t, held[0].ID, b.take(1, long)[0].ID)
		}},
		{name: "a refused cancellation leaves the message alone", run: func(b *bundle) {
			r := b.trigger(b.workflow(), `1`)
			held := b.take(1, long)
			_, err := b.eng.CancelRun(b.ctx, r.ID)
			b.ok(err)
			require.Equal(b.t, []bool{true}, b.release(engine.Release{Token: token(held[0])}))
			_, err = b.eng.CancelRun(b.ctx, r.ID)
			b.fails(fault.StateTransition, err)
			require.Equal(b.t, held[0].ID, b.take(1, long)[0].ID)
		}},
		{name: "one of many executions writes", run: func(b *bundle) {
			r := b.trigger(b.workflow(), `1`)
			tokens := make([]model.RunToken, 8)
			b.none(together(len(tokens), func(i int) error {
				started, err := b.eng.StartRun(b.ctx, r.ID, r.MessageID)
				tokens[i] = started.Token()
				return err
			}))
			require.EqualValues(b.t, len(tokens), b.run(r.ID).Attempt)
			wrote := make([]bool, len(tokens))
			for i, err := range together(len(tokens), func(i int) error {
				_, _, err := b.eng.AcquireStep(b.ctx, tokens[i], "charge", failures)
				if err == nil {
					_, err = b.eng.FinishStep(b.ctx, tokens[i], "charge", engine.StepFinish{Output: fmt.Append(nil, tokens[i].Attempt)})
				}
				return err
			}) {
				if wrote[i] = err == nil; !wrote[i] {
					b.fails(fault.StateTransition, err)
				}
				require.Equal(b.t, tokens[i].Attempt == int32(len(tokens)), wrote[i], "attempt %d", tokens[i].Attempt)
			}
		}},
		{name: "lists and counts", own: true, run: func(b *bundle) {
			var workflows []model.WorkflowInfo
			var runs []model.WorkflowRun
			for range 3 {
				workflows = append(workflows, b.workflow())
				for range 3 {
					runs = append(runs, b.trigger(workflows[len(workflows)-1], `1`))
				}
			}
			requirePages(b, workflows, func(p model.Page) ([]model.WorkflowInfo, error) { return b.eng.ListWorkflows(b.ctx, p) })
			requirePages(b, runs, func(p model.Page) ([]model.WorkflowRun, error) { return b.eng.ListRuns(b.ctx, engine.RunFilter{}, p) })
			of := engine.RunFilter{WorkflowID: workflows[1].ID}
			requirePages(b, runs[3:6], func(p model.Page) ([]model.WorkflowRun, error) { return b.eng.ListRuns(b.ctx, of, p) })
			n, err := b.eng.CountWorkflows(b.ctx)
			b.ok(err)
			require.EqualValues(b.t, 3, n)
			b.startRun(runs[4].ID)
			for f, want := range map[engine.RunFilter]int64{
				{}: 9, of: 3, {Status: model.WorkflowRunning}: 1, {Status: model.WorkflowQueued}: 8,
				{WorkflowID: workflows[1].ID, Status: model.WorkflowQueued}: 2, {Status: model.WorkflowPaused}: 0,
			} {
				n, err := b.eng.CountRuns(b.ctx, f)
				b.ok(err)
				require.Equal(b.t, want, n, "%+v", f)
			}
			t := b.run(runs[4].ID).Token()
			var steps []model.WorkflowStep
			for i := range 5 {
				steps = append(steps, b.begin(t, fmt.Sprint("step ", i)))
			}
			requirePages(b, steps, func(p model.Page) ([]model.WorkflowStep, error) { return b.eng.ListSteps(b.ctx, t.RunID, p) })
			other := b.begin(b.startRun(runs[0].ID).Token(), "step 0")
			got, err := b.eng.GetStep(b.ctx, other.ID)
			b.ok(err)
			require.Equal(b.t, other, got)
			for id, want := range map[int64]int64{0: 6, t.RunID: 5, runs[0].ID: 1, nowhere: 0} {
				n, err := b.eng.CountSteps(b.ctx, id)
				b.ok(err)
				require.Equal(b.t, want, n)
			}
		}},
		{name: "a scheduled retry costs no lease", run: func(b *bundle) {
			b.trigger(b.workflow(), `1`)
			for range maxReadCt + 2 {
				m := b.take(1, long)[0]
				require.EqualValues(b.t, 1, m.ReadCt)
				var id struct {
					RunID int64 `json:"run_id"`
				}
				b.ok(json.Unmarshal(m.Payload, &id))
				_, err := b.eng.StartRun(b.ctx, id.RunID, m.ID)
				b.ok(err)
				require.Equal(b.t, []bool{true}, b.release(engine.Release{Token: token(m), At: m.EnqueuedAt, Unread: true}))
			}
		}},
	}
}

// moves are the changes of a run by hand.
func (b *bundle) moves() map[string]func(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return map[string]func(context.Context, int64) (model.WorkflowRun, error){
		"pause": b.eng.PauseRun, "resume": b.eng.ResumeRun, "cancel": b.eng.CancelRun,
	}
}
