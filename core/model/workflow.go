package model

import "time"

// WorkflowStatus is the state of a run, and of a step of one. The stored form is
// lower-case; comparisons in SQL use exactly these words.
type WorkflowStatus string

// The states of a run. Transitions are guarded single updates: queued → running →
// success|error; queued|running → paused → queued; anything unfinished →
// cancelled. A step is running, queued (it failed and waits for its next
// attempt), success or error.
const (
	WorkflowQueued    WorkflowStatus = "queued"
	WorkflowRunning   WorkflowStatus = "running"
	WorkflowPaused    WorkflowStatus = "paused"
	WorkflowSuccess   WorkflowStatus = "success"
	WorkflowError     WorkflowStatus = "error"
	WorkflowCancelled WorkflowStatus = "cancelled"
)

// Finished reports whether nothing will ever happen to a run or step again.
func (s WorkflowStatus) Finished() bool {
	return s == WorkflowSuccess || s == WorkflowError || s == WorkflowCancelled
}

// WorkflowInfo describes a workflow: a name, and the queue of the same name that
// carries its runs.
type WorkflowInfo struct {
	ID        int64
	Name      string
	QueueID   int64
	CreatedAt time.Time
}

// RunToken is the fencing token of an execution: what it writes takes effect only
// while the run is running its Attempt. Every start begins a new one.
type RunToken struct {
	RunID   int64
	Attempt int32
}

// WorkflowRun is one execution of a workflow, however often it was interrupted.
type WorkflowRun struct {
	ID           int64
	WorkflowID   int64
	WorkflowName string
	QueueID      int64 // of the workflow
	MessageID    int64 // the one message that carries it; a resumed run has a new one
	Status       WorkflowStatus
	Attempt      int32  // how often it was started; the fencing token's second half
	Input        []byte // a JSON document
	Output       []byte // a JSON document; nil: none
	Error        string // why it failed; empty: it did not

	CreatedAt   time.Time
	StartedAt   time.Time // first start; zero: never started
	UpdatedAt   time.Time
	PausedAt    time.Time // zero: not paused
	CompletedAt time.Time // zero: not finished
}

// Token is the fencing token of the run's present attempt.
func (r WorkflowRun) Token() RunToken { return RunToken{RunID: r.ID, Attempt: r.Attempt} }

// WorkflowStep is one step of a run, recorded by name.
type WorkflowStep struct {
	ID       int64
	RunID    int64
	Name     string
	Status   WorkflowStatus
	Attempt  int32     // how often it was begun
	Failures int32     // how often it was reported as failed
	Output   []byte    // a JSON document; nil: none
	Error    string    // the last failure; empty: none, or it succeeded since
	RetryAt  time.Time // queued only: may be begun again from this instant on

	CreatedAt   time.Time
	StartedAt   time.Time // latest beginning
	UpdatedAt   time.Time
	CompletedAt time.Time // zero: not finished
}
