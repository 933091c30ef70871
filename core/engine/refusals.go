package engine

import (
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// The engines decide with guarded statements whether something about a workflow
// may happen. Why it may not is said here, so that both say it alike.

// WorkflowNotFound is the fault of a name without a workflow.
func WorkflowNotFound(name string) error {
	return missing(name, "Workflow '%s' not found; create it with create_workflow() first", name)
}

// WorkflowIDNotFound is the fault of an id without a workflow.
func WorkflowIDNotFound(id int64) error {
	return missing("workflow", "Workflow with id %d not found", id)
}

// RunNotFound is the fault of an id without a run.
func RunNotFound(id int64) error { return missing("run", "Workflow run %d not found", id) }

// StepNotFound is the fault of an id without a step.
func StepNotFound(id int64) error { return missing("step", "Workflow step %d not found", id) }

// WorkflowTaken is the fault of creating a workflow whose name is taken, by a
// workflow or only by a queue.
func WorkflowTaken(name string, workflow bool) error {
	if workflow {
		return refused(fault.WorkflowExists, name, "Workflow '%s' already exists", name)
	}
	return refused(fault.QueueExists, name, "Queue '%s' already exists, so no workflow can have this name", name)
}

// KeptByWorkflow is the fault of deleting the queue of a workflow.
func KeptByWorkflow(queue string) error {
	return refused(fault.StateTransition, queue, "Queue '%s' carries the runs of the workflow of that name: it cannot be deleted", queue)
}

// RefuseStart says why a run cannot be started, or nil when it can.
func RefuseStart(r model.WorkflowRun, messageID int64) error {
	switch {
	case r.Status == model.WorkflowPaused || r.Status.Finished():
		return refuseState(r, "be started")
	case messageID != 0 && messageID != r.MessageID:
		return refused(fault.StateTransition, "message_id",
			"Workflow run %d is carried by message %d since it was resumed, not by message %d", r.ID, r.MessageID, messageID)
	}
	return nil
}

// RefuseWrite says why an execution can write nothing any more, or nil when it
// can: the run is running its attempt.
func RefuseWrite(r model.WorkflowRun, t model.RunToken) error {
	if r.Status != model.WorkflowRunning {
		return refuseState(r, "be continued")
	}
	return refuseAttempt(r, t)
}

// RefuseOutcome is RefuseWrite for the outcome of a step that was begun: a run that
// was paused meanwhile takes it, else the step would be executed again.
func RefuseOutcome(r model.WorkflowRun, t model.RunToken) error {
	if r.Status.Finished() {
		return refuseState(r, "be continued")
	}
	return refuseAttempt(r, t)
}

func refuseAttempt(r model.WorkflowRun, t model.RunToken) error {
	if r.Attempt == t.Attempt {
		return nil
	}
	return refused(fault.StateTransition, "run",
		"Workflow run %d was taken over: it is at attempt %d, this is attempt %d", r.ID, r.Attempt, t.Attempt)
}

// RefuseMove is the fault of a change by hand that the run's state forbids.
func RefuseMove(r model.WorkflowRun, verb string) error {
	return refused(fault.StateTransition, "run", "Workflow run %d is %s: it cannot be %s", r.ID, r.Status, verb)
}

func refuseState(r model.WorkflowRun, what string) error {
	switch r.Status {
	case model.WorkflowPaused:
		return refused(fault.Paused, "run", "Workflow run %d is paused: resume it first", r.ID)
	case model.WorkflowCancelled:
		return refused(fault.RunCancelled, "run", "Workflow run %d was cancelled", r.ID)
	}
	return refused(fault.StateTransition, "run", "Workflow run %d is %s: it cannot %s", r.ID, r.Status, what)
}

// RefuseStep says why a step that was begun before and has not succeeded cannot
// be begun again, or nil when it can. wait is how long its next attempt is away.
func RefuseStep(s model.WorkflowStep, maxFailures int32, wait time.Duration) error {
	switch {
	case s.Status == model.WorkflowError, s.Failures >= maxFailures:
		return refused(fault.RetriesExhausted, s.Name, "Step '%s' of workflow run %d failed for good after %d attempts: %s",
			s.Name, s.RunID, s.Attempt, s.Error)
	case wait > 0:
		e := refused(fault.StepNotReady, s.Name, "Step '%s' of workflow run %d is to be tried again in %v",
			s.Name, s.RunID, wait.Round(time.Millisecond))
		e.RetryAfter = wait
		return e
	}
	return nil
}

// RefuseStepFinish is the fault of recording the outcome of a step nobody began.
func RefuseStepFinish(s model.WorkflowStep, name string) error {
	if s.ID == 0 {
		return missing(name, "Workflow run %d has no step '%s': acquire it first", s.RunID, name)
	}
	return refused(fault.StateTransition, name, "Step '%s' of workflow run %d is %s, not running", name, s.RunID, s.Status)
}

func missing(field, format string, args ...any) *fault.Error {
	return refused(fault.WorkflowNotFound, field, format, args...)
}

func refused(kind fault.Kind, field, format string, args ...any) *fault.Error {
	e := fault.New(kind, format, args...)
	e.Field, e.Safe = field, true
	return e
}
