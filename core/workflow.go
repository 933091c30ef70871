package core

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

// DefaultStepAttempts is how often a step may fail before it has failed for good,
// where its caller does not say.
const DefaultStepAttempts = 3

// maxErrorBytes is how much of an error's text is kept.
const maxErrorBytes = 16 << 10

// Trigger stores a run of a workflow with anything encoding/json can encode as its
// input, and wakes who executes it. Errors: fault.WorkflowNotFound,
// fault.Serialization, fault.Validation, fault.OutcomeUnknown.
func (s *Store) Trigger(ctx context.Context, workflow string, input any) (model.WorkflowRun, error) {
	document, err := json.Marshal(input)
	if err != nil {
		return model.WorkflowRun{}, named("trigger", workflow, errNotJSON(err))
	}
	return s.TriggerJSON(ctx, workflow, document)
}

// TriggerJSON is Trigger with a JSON document as the input. The run and the
// message that carries it, {"run_id": id} in the queue of the workflow's name, are
// stored together, and it answers after the commit.
func (s *Store) TriggerJSON(ctx context.Context, workflow string, input []byte) (model.WorkflowRun, error) {
	return ask(s.Admin(), "trigger", "", func(e engine.Engine) (model.WorkflowRun, error) {
		if err := validate.Workflow(workflow); err != nil {
			return model.WorkflowRun{}, err
		}
		if err := s.b.rules.Document("input", input); err != nil {
			return model.WorkflowRun{}, err
		}
		run, err := e.TriggerRun(ctx, workflow, input)
		if err == nil {
			s.b.published(run.QueueID)
		}
		return run, err
	})
}

// Run is an execution of a workflow run: one attempt, begun by Store.StartRun.
// Every write takes effect only while the run is running this attempt, so whoever
// lost the run to another execution can change nothing: its calls answer
// fault.StateTransition. Where the run is paused they answer fault.Paused (but the
// outcome of a step under way is still taken), where it was cancelled
// fault.RunCancelled. All methods are safe for concurrent use.
type Run struct {
	s     *Store
	token model.RunToken
}

// StartRun begins the next attempt of a run, on behalf of the message that carries
// it (0: of anybody), which whoever calls this holds leased. Errors:
// fault.WorkflowNotFound, fault.Paused, fault.RunCancelled; fault.StateTransition
// when the run is finished, or carried by another message since it was resumed: the
// message has no more use then.
func (s *Store) StartRun(ctx context.Context, id, messageID int64) (*Run, model.WorkflowRun, error) {
	run, err := ask(s.Admin(), "start_run", "", func(e engine.Engine) (model.WorkflowRun, error) {
		return e.StartRun(ctx, id, messageID)
	})
	return s.Execution(run.Token()), run, err
}

// Execution returns the execution that a token stands for. It asks nobody: a token
// that is out of date is refused by the first call.
func (s *Store) Execution(t model.RunToken) *Run { return &Run{s: s, token: t} }

// Token is the fencing token of the execution.
func (r *Run) Token() model.RunToken { return r.token }

// Complete ends the run with its output, a JSON document.
func (r *Run) Complete(ctx context.Context, output []byte) (model.WorkflowRun, error) {
	return ask(r.s.Admin(), "complete_run", "", func(e engine.Engine) (model.WorkflowRun, error) {
		if err := r.s.b.rules.Document("output", output); err != nil {
			return model.WorkflowRun{}, err
		}
		return e.FinishRun(ctx, r.token, engine.RunFinish{Output: output})
	})
}

// Fail ends the run with an error.
func (r *Run) Fail(ctx context.Context, reason string) (model.WorkflowRun, error) {
	return ask(r.s.Admin(), "fail_run", "", func(e engine.Engine) (model.WorkflowRun, error) {
		return e.FinishRun(ctx, r.token, engine.RunFinish{Error: storable(reason)})
	})
}

// Acquire begins a step. It returns false for a step that has succeeded in an
// earlier attempt: its record holds the output, and it is not to be executed again.
// maxAttempts is how often the step may fail (0: DefaultStepAttempts). Errors
// besides the Run's: fault.StepNotReady with RetryAfter before the step's next
// attempt; fault.RetriesExhausted.
func (r *Run) Acquire(ctx context.Context, step string, maxAttempts int32) (model.WorkflowStep, bool, error) {
	var execute bool
	record, err := ask(r.s.Admin(), "acquire_step", "", func(e engine.Engine) (model.WorkflowStep, error) {
		if err := validate.Step(step); err != nil {
			return model.WorkflowStep{}, err
		}
		if err := validate.Attempts(int(maxAttempts)); err != nil {
			return model.WorkflowStep{}, err
		}
		if maxAttempts == 0 {
			maxAttempts = DefaultStepAttempts
		}
		var record model.WorkflowStep
		var err error
		record, execute, err = e.AcquireStep(ctx, r.token, step, maxAttempts)
		return record, err
	})
	return record, execute, err
}

// CompleteStep records the output, a JSON document, of a step that was acquired: it
// is never executed again.
func (r *Run) CompleteStep(ctx context.Context, step string, output []byte) (model.WorkflowStep, error) {
	return r.finishStep(ctx, "complete_step", step, engine.StepFinish{Output: output})
}

// FailStep records that a step has failed for good.
func (r *Run) FailStep(ctx context.Context, step, reason string) (model.WorkflowStep, error) {
	return r.finishStep(ctx, "fail_step", step, engine.StepFinish{Error: storable(reason)})
}

// RetryStep records that a step has failed and may be acquired again when delay has
// passed; the record's RetryAt says when that is.
func (r *Run) RetryStep(ctx context.Context, step, reason string, delay time.Duration) (model.WorkflowStep, error) {
	return r.finishStep(ctx, "fail_step", step, engine.StepFinish{Error: storable(reason), Retry: true, Delay: delay})
}

func (r *Run) finishStep(ctx context.Context, op, step string, f engine.StepFinish) (model.WorkflowStep, error) {
	return ask(r.s.Admin(), op, "", func(e engine.Engine) (model.WorkflowStep, error) {
		if err := validate.Step(step); err != nil {
			return model.WorkflowStep{}, err
		}
		if err := validate.Delay(f.Delay); err != nil {
			return model.WorkflowStep{}, err
		}
		if f.Error == "" {
			if err := r.s.b.rules.Document("output", f.Output); err != nil {
				return model.WorkflowStep{}, err
			}
		}
		return e.FinishStep(ctx, r.token, step, f)
	})
}

// PauseRun stops a queued or running run until ResumeRun: its execution is refused
// its next write. Errors: fault.WorkflowNotFound; fault.StateTransition.
func (s *Store) PauseRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return ask(s.Admin(), "pause_run", "", func(e engine.Engine) (model.WorkflowRun, error) { return e.PauseRun(ctx, id) })
}

// ResumeRun queues a paused run again, carried by a new message. Errors:
// fault.WorkflowNotFound; fault.StateTransition for a run that is not paused.
func (s *Store) ResumeRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return ask(s.Admin(), "resume_run", "", func(e engine.Engine) (model.WorkflowRun, error) {
		run, err := e.ResumeRun(ctx, id)
		if err == nil {
			s.b.published(run.QueueID)
		}
		return run, err
	})
}

// CancelRun ends a run that is not finished, for good: its execution is refused its
// next write. Errors: fault.WorkflowNotFound; fault.StateTransition.
func (s *Store) CancelRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return ask(s.Admin(), "cancel_run", "", func(e engine.Engine) (model.WorkflowRun, error) { return e.CancelRun(ctx, id) })
}

// storable is the text of an error as both engines keep it: the report of a
// failure must not fail itself. It is never empty, which would mean success.
func storable(reason string) string {
	if len(reason) > maxErrorBytes {
		reason = reason[:maxErrorBytes] + "…"
	}
	reason = strings.ReplaceAll(strings.ToValidUTF8(reason, "\uFFFD"), "\x00", "\uFFFD")
	if reason == "" {
		return "failed without saying why"
	}
	return reason
}
