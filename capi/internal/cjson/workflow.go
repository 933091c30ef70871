package cjson

import (
	"encoding/json"

	"github.com/pgqrs/pgqrs/core/model"
)

type workflow struct {
	ID        int64   `json:"id"`
	Name      string  `json:"name"`
	QueueID   int64   `json:"queue_id"`
	CreatedAt instant `json:"created_at"`
}

type run struct {
	ID           int64           `json:"id"`
	WorkflowID   int64           `json:"workflow_id"`
	WorkflowName string          `json:"workflow_name"`
	MessageID    optional        `json:"message_id"`
	Status       string          `json:"status"`
	Attempt      int32           `json:"attempt"`
	Input        json.RawMessage `json:"input"`
	Output       json.RawMessage `json:"output"`
	Error        *string         `json:"error"`
	CreatedAt    instant         `json:"created_at"`
	StartedAt    instant         `json:"started_at"`
	UpdatedAt    instant         `json:"updated_at"`
	PausedAt     instant         `json:"paused_at"`
	CompletedAt  instant         `json:"completed_at"`
}

type step struct {
	ID          int64           `json:"id"`
	RunID       int64           `json:"run_id"`
	Name        string          `json:"step_name"`
	Status      string          `json:"status"`
	Attempt     int32           `json:"attempt"`
	Failures    int32           `json:"failures"`
	Output      json.RawMessage `json:"output"`
	Error       *string         `json:"error"`
	RetryAt     instant         `json:"retry_at"`
	CreatedAt   instant         `json:"created_at"`
	StartedAt   instant         `json:"started_at"`
	UpdatedAt   instant         `json:"updated_at"`
	CompletedAt instant         `json:"completed_at"`
}

func ofWorkflow(w model.WorkflowInfo) workflow {
	return workflow{ID: w.ID, Name: w.Name, QueueID: w.QueueID, CreatedAt: instant(w.CreatedAt)}
}

func ofRun(r model.WorkflowRun) run {
	return run{
		ID: r.ID, WorkflowID: r.WorkflowID, WorkflowName: r.WorkflowName, MessageID: optional(r.MessageID),
		Status: string(r.Status), Attempt: r.Attempt, Input: r.Input, Output: r.Output, Error: reason(r.Error),
		CreatedAt: instant(r.CreatedAt), StartedAt: instant(r.StartedAt), UpdatedAt: instant(r.UpdatedAt),
		PausedAt: instant(r.PausedAt), CompletedAt: instant(r.CompletedAt),
	}
}

func ofStep(s model.WorkflowStep) step {
	return step{
		ID: s.ID, RunID: s.RunID, Name: s.Name, Status: string(s.Status), Attempt: s.Attempt, Failures: s.Failures,
		Output: s.Output, Error: reason(s.Error), RetryAt: instant(s.RetryAt), CreatedAt: instant(s.CreatedAt),
		StartedAt: instant(s.StartedAt), UpdatedAt: instant(s.UpdatedAt), CompletedAt: instant(s.CompletedAt),
	}
}

// reason is the text of a failure; none is null.
func reason(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Workflow is one workflow as an object.
func Workflow(w model.WorkflowInfo) string { return encode(ofWorkflow(w)) }

// Workflows is an array of workflows.
func Workflows(workflows []model.WorkflowInfo) string { return encode(each(workflows, ofWorkflow)) }

// Run is one run as an object.
func Run(r model.WorkflowRun) string { return encode(ofRun(r)) }

// Runs is an array of runs.
func Runs(runs []model.WorkflowRun) string { return encode(each(runs, ofRun)) }

// Step is one step as an object.
func Step(s model.WorkflowStep) string { return encode(ofStep(s)) }

// Steps is an array of steps.
func Steps(steps []model.WorkflowStep) string { return encode(each(steps, ofStep)) }

// Acquired is {"result": "execute", "step": {}}, or "skipped" for a step that is
// not to be executed again.
func Acquired(execute bool) func(model.WorkflowStep) string {
	result := "skipped"
	if execute {
		result = "execute"
	}
	return func(s model.WorkflowStep) string {
		return encode(struct {
			Result string `json:"result"`
			Step   step   `json:"step"`
		}{result, ofStep(s)})
	}
}
