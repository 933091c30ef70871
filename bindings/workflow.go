package bindings

import (
	"context"
	"encoding/json"
	"time"
)

// WorkflowStatus is the state of a run, and of a step of one.
type WorkflowStatus string

// The states of a run. A step is running, queued (it failed and waits for its next
// attempt), success or error.
const (
	WorkflowQueued    WorkflowStatus = "queued"
	WorkflowRunning   WorkflowStatus = "running"
	WorkflowPaused    WorkflowStatus = "paused"
	WorkflowSuccess   WorkflowStatus = "success"
	WorkflowError     WorkflowStatus = "error"
	WorkflowCancelled WorkflowStatus = "cancelled"
)

// WorkflowInfo describes a workflow: a name, and the queue of the same name that
// carries its runs.
type WorkflowInfo struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	QueueID   int64     `json:"queue_id"`
	CreatedAt time.Time `json:"created_at"`
}

// WorkflowRun is one execution of a workflow, however often it was interrupted.
type WorkflowRun struct {
	ID           int64          `json:"id"`
	WorkflowID   int64          `json:"workflow_id"`
	WorkflowName string         `json:"workflow_name"`
	MessageID    int64          `json:"message_id"` // the one message that carries it
	Status       WorkflowStatus `json:"status"`
	Attempt      int32          `json:"attempt"` // how often it was started
	Input        []byte         `json:"input"`   // a JSON document
	Output       []byte         `json:"output"`  // a JSON document; nil: none
	Error        string         `json:"error"`   // why it failed; empty: it did not
	CreatedAt    time.Time      `json:"created_at"`
	StartedAt    time.Time      `json:"started_at"` // first start; zero: never started
	UpdatedAt    time.Time      `json:"updated_at"`
	PausedAt     time.Time      `json:"paused_at"`
	CompletedAt  time.Time      `json:"completed_at"`
}

// WorkflowStep is one step of a run, recorded by name.
type WorkflowStep struct {
	ID          int64          `json:"id"`
	RunID       int64          `json:"run_id"`
	Name        string         `json:"step_name"`
	Status      WorkflowStatus `json:"status"`
	Attempt     int32          `json:"attempt"`  // how often it was begun
	Failures    int32          `json:"failures"` // how often it was reported as failed
	Output      []byte         `json:"output"`
	Error       string         `json:"error"`
	RetryAt     time.Time      `json:"retry_at"` // queued only
	CreatedAt   time.Time      `json:"created_at"`
	StartedAt   time.Time      `json:"started_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	CompletedAt time.Time      `json:"completed_at"`
}

// Trigger stores a run of a workflow, and the message that carries it, both or
// neither. input is anything encoding/json can encode. Errors: WorkflowNotFound,
// Serialization, Validation, OutcomeUnknown.
func (s *Store) Trigger(ctx context.Context, workflow string, input any) (WorkflowRun, error) {
	document, err := json.Marshal(input)
	if err != nil {
		return WorkflowRun{}, &Error{Status: Serialization, Op: "trigger", Field: "input", Text: "input: " + err.Error(), safe: true}
	}
	return s.TriggerJSON(ctx, workflow, document)
}

// TriggerJSON is Trigger with a JSON document.
func (s *Store) TriggerJSON(ctx context.Context, workflow string, input []byte) (WorkflowRun, error) {
	name, document := borrow(workflow), borrow(input)
	return ask(ctx, s.object, readRecord[WorkflowRun], func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return s.lib.runTrigger(s.handle, &name, &document, queue, userData, op, failure)
	})
}

// Run is one attempt at a run, whose writes take effect only while the run is
// running that attempt; else they answer Paused, RunCancelled or StateTransition.
type Run struct {
	object
	id      int64
	attempt int32
}

// StartRun begins the next attempt of a queued or running run. messageID is the
// message that carries it, leased by the caller; 0: do not check. Errors: Paused,
// RunCancelled, StateTransition, WorkflowNotFound; after each of them the message
// has no more use.
func (s *Store) StartRun(ctx context.Context, id, messageID int64) (*Run, WorkflowRun, error) {
	started, err := ask(ctx, s.object, readRecord[WorkflowRun],
		func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
			return s.lib.runStart(s.handle, id, messageID, queue, userData, op, failure)
		})
	if err != nil {
		return nil, WorkflowRun{}, err
	}
	return &Run{object: s.object, id: id, attempt: started.Attempt}, started, nil
}

type onRun = func(store cHandle, id int64, attempt int32, text *cStr, queue cHandle, userData uint64,
	op, failure *cHandle) int32

func (r *Run) end(ctx context.Context, f onRun, text cStr) (WorkflowRun, error) {
	return ask(ctx, r.object, readRecord[WorkflowRun], func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(r.handle, r.id, r.attempt, &text, queue, userData, op, failure)
	})
}

// Complete ends the run with its output, a JSON document.
func (r *Run) Complete(ctx context.Context, output []byte) (WorkflowRun, error) {
	return r.end(ctx, r.lib.runComplete, borrow(output))
}

// Fail ends the run with an error for people.
func (r *Run) Fail(ctx context.Context, reason string) (WorkflowRun, error) {
	return r.end(ctx, r.lib.runFail, borrow(reason))
}

// Acquire begins a step; execute says whether it is to be done: a step that has
// succeeded before is not, and its record has the output. maxAttempts is how often
// it may fail; 0: 3. Errors: StepNotReady (RetryAfter says when), RetriesExhausted.
func (r *Run) Acquire(ctx context.Context, step string, maxAttempts int32) (record WorkflowStep, execute bool, err error) {
	name := borrow(step)
	answer, err := ask(ctx, r.object, readRecord[struct {
		Result string       `json:"result"`
		Step   WorkflowStep `json:"step"`
	}], func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return r.lib.stepAcquire(r.handle, r.id, r.attempt, &name, maxAttempts, queue, userData, op, failure)
	})
	return answer.Step, answer.Result == "execute", err
}

// CompleteStep records the output of a step that was begun: it is never executed
// again.
func (r *Run) CompleteStep(ctx context.Context, step string, output []byte) (WorkflowStep, error) {
	name, document := borrow(step), borrow(output)
	return ask(ctx, r.object, readRecord[WorkflowStep], func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return r.lib.stepComplete(r.handle, r.id, r.attempt, &name, &document, queue, userData, op, failure)
	})
}

// FailStep records that a step has failed for good.
func (r *Run) FailStep(ctx context.Context, step, reason string) (WorkflowStep, error) {
	return r.failStep(ctx, step, reason, -1)
}

// RetryStep records that a step has failed and may be begun again after delay.
func (r *Run) RetryStep(ctx context.Context, step, reason string, delay time.Duration) (WorkflowStep, error) {
	return r.failStep(ctx, step, reason, max(millis(delay), 0))
}

func (r *Run) failStep(ctx context.Context, step, reason string, retryMS int64) (WorkflowStep, error) {
	name, text := borrow(step), borrow(reason)
	return ask(ctx, r.object, readRecord[WorkflowStep], func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return r.lib.stepFail(r.handle, r.id, r.attempt, &name, &text, retryMS, queue, userData, op, failure)
	})
}

// PauseRun stops a queued or running run. Errors: StateTransition,
// WorkflowNotFound, as for ResumeRun and CancelRun.
func (s *Store) PauseRun(ctx context.Context, id int64) (WorkflowRun, error) {
	return ask(ctx, s.object, readRecord[WorkflowRun], s.id(s.lib.runPause, id))
}

// ResumeRun queues a paused run again, under a new message.
func (s *Store) ResumeRun(ctx context.Context, id int64) (WorkflowRun, error) {
	return ask(ctx, s.object, readRecord[WorkflowRun], s.id(s.lib.runResume, id))
}

// CancelRun ends a run that is not finished.
func (s *Store) CancelRun(ctx context.Context, id int64) (WorkflowRun, error) {
	return ask(ctx, s.object, readRecord[WorkflowRun], s.id(s.lib.runCancel, id))
}
