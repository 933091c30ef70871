package engine

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// Workflows keeps workflows, their runs, and the steps of those.
//
// A run is carried by one message of its workflow's queue, {"run_id": id}.
// Whoever handles that message starts the run, which begins a new attempt, and
// everything it writes from then on takes effect only while the run is running
// that attempt. What comes too late, or at the wrong time, is refused: with
// Paused or RunCancelled where that is why, else with StateTransition.
type Workflows interface {
	// CreateWorkflow adds a workflow and its queue. Errors: WorkflowExists;
	// QueueExists when only the queue's name is taken.
	CreateWorkflow(ctx context.Context, name string, maxReadCt int32) (model.WorkflowInfo, error)
	// GetWorkflow finds a workflow by name. Errors: WorkflowNotFound.
	GetWorkflow(ctx context.Context, name string) (model.WorkflowInfo, error)
	// GetWorkflowByID finds a workflow by id. Errors: WorkflowNotFound.
	GetWorkflowByID(ctx context.Context, id int64) (model.WorkflowInfo, error)
	// ListWorkflows lists workflows by id.
	ListWorkflows(ctx context.Context, page model.Page) ([]model.WorkflowInfo, error)
	// CountWorkflows counts them.
	CountWorkflows(ctx context.Context) (int64, error)

	// TriggerRun stores a queued run and the message that carries it, both or
	// neither. Errors: WorkflowNotFound.
	TriggerRun(ctx context.Context, workflow string, input []byte) (model.WorkflowRun, error)
	// StartRun begins the next attempt of a run that is queued, or running, which
	// it takes over from whoever ran it. messageID, when not 0, must be the message
	// that carries the run. Errors: WorkflowNotFound, Paused, RunCancelled;
	// StateTransition when it is finished or carried by another message.
	StartRun(ctx context.Context, id, messageID int64) (model.WorkflowRun, error)
	// FinishRun ends the run. Errors: as the rule above; WorkflowNotFound.
	FinishRun(ctx context.Context, t model.RunToken, f RunFinish) (model.WorkflowRun, error)
	// PauseRun stops a queued or running run until ResumeRun. Errors:
	// WorkflowNotFound; StateTransition, naming the present state.
	PauseRun(ctx context.Context, id int64) (model.WorkflowRun, error)
	// ResumeRun queues a paused run again, carried by a new message; the old one is
	// removed unless it is leased. Errors: as PauseRun.
	ResumeRun(ctx context.Context, id int64) (model.WorkflowRun, error)
	// CancelRun ends a run that is not finished, and removes its message unless that
	// is leased. Errors: as PauseRun.
	CancelRun(ctx context.Context, id int64) (model.WorkflowRun, error)

	// AcquireStep begins a step of a run. It returns false for a step that has
	// succeeded before, whose record then holds the output. Errors: as the rule
	// above; WorkflowNotFound; StepNotReady with RetryAfter before the step's next
	// attempt; RetriesExhausted when the step has failed for good, or maxFailures
	// times.
	AcquireStep(ctx context.Context, t model.RunToken, name string, maxFailures int32) (model.WorkflowStep, bool, error)
	// FinishStep records how a step that was begun came out. A run that was paused
	// since takes it too, as long as nobody has started it again. Errors: as the rule
	// above; WorkflowNotFound; StateTransition for a step that is not running.
	FinishStep(ctx context.Context, t model.RunToken, name string, f StepFinish) (model.WorkflowStep, error)

	// GetRun finds a run. Errors: WorkflowNotFound.
	GetRun(ctx context.Context, id int64) (model.WorkflowRun, error)
	// ListRuns lists runs by id.
	ListRuns(ctx context.Context, f RunFilter, page model.Page) ([]model.WorkflowRun, error)
	// CountRuns counts them.
	CountRuns(ctx context.Context, f RunFilter) (int64, error)
	// GetStep finds a step. Errors: WorkflowNotFound.
	GetStep(ctx context.Context, id int64) (model.WorkflowStep, error)
	// ListSteps lists steps by id, which is the order in which they were first
	// begun; runID 0 means the steps of all runs.
	ListSteps(ctx context.Context, runID int64, page model.Page) ([]model.WorkflowStep, error)
	// CountSteps counts them; runID 0 means the steps of all runs.
	CountSteps(ctx context.Context, runID int64) (int64, error)
}

// RunFinish says how a run ends: with an output, or, when Error is not empty,
// with that failure.
type RunFinish struct {
	Output []byte // a JSON document
	Error  string
}

// StepFinish says how a step came out: with an output, or, when Error is not
// empty, with that failure.
type StepFinish struct {
	Output []byte // a JSON document
	Error  string
	// Retry queues the failed step for another attempt; else it has failed for good.
	Retry bool
	// Delay is how long that attempt has to wait, by the database's clock, >= 0.
	Delay time.Duration
}

// Status is the state that the step is in afterwards.
func (f StepFinish) Status() model.WorkflowStatus {
	switch {
	case f.Error == "":
		return model.WorkflowSuccess
	case f.Retry:
		return model.WorkflowQueued
	}
	return model.WorkflowError
}

// Status is the state that the run is in afterwards.
func (f RunFinish) Status() model.WorkflowStatus {
	if f.Error == "" {
		return model.WorkflowSuccess
	}
	return model.WorkflowError
}

// RunFilter selects runs; zero fields do not restrict.
type RunFilter struct {
	WorkflowID int64
	Status     model.WorkflowStatus
}
