package fault

// Kind says what went wrong, and so who can mend it. The zero Kind is Internal,
// so an error nobody classified reads as a defect of ours, not of the caller.
type Kind uint8

// The kinds. HANDLE, STATE, ABI_MISMATCH, BUSY, FORKED and POISONED of
// capi/status.tsv exist only at the C boundary and have none.
const (
	Internal         Kind = iota // broken invariant or recovered panic
	InvalidArgument              // the caller passed something no call accepts; Field names it
	Closed                       // store, worker or library is closed or closing
	Cancelled                    // cancelled and nothing was committed
	Timeout                      // deadline passed and nothing was committed
	Config                       // bad DSN, option, file or environment value
	Connect                      // cannot reach or authenticate; nothing was done
	Database                     // the database said no; SQLState or the engine's code is present
	Schema                       // not installed, altered, or a version this library does not know
	PoolExhausted                // no connection within the limit
	OutcomeUnknown               // connection lost at commit: may or may not be stored
	QueueNotFound                // no queue of that name or id
	QueueExists                  // create_queue of a name that is taken
	WorkerNotFound               // no worker of that id
	MessageNotFound              // no message of that id
	LeaseLost                    // per-item outcome: the fencing token no longer matches
	Validation                   // payload or name rejected by a rule
	RateLimited                  // RetryAfter says when to come back
	Serialization                // not JSON, or JSON that PostgreSQL's jsonb refuses
	StateTransition              // the state of a worker, queue or run forbids it
	Unsupported                  // this engine or build cannot
	TransientStep                // a workflow's step failed for now; RetryAfter says when to come back
	RetriesExhausted             // a workflow's step failed as often as it may
	StepNotReady                 // a workflow's step may not begin yet; RetryAfter says when
	Paused                       // the workflow run is paused
	WorkflowExists               // create_workflow of a name that is taken
	WorkflowNotFound             // no workflow of that name, or no run or step of that id
	RunCancelled                 // the workflow run was cancelled
)

var kindNames = [...]string{
	"internal error", "invalid argument", "closed", "cancelled", "timeout", "configuration error",
	"connection failed", "database error", "schema error", "connection pool exhausted", "outcome unknown",
	"queue not found", "queue already exists", "worker not found", "message not found", "lease lost",
	"validation failed", "rate limited", "serialization failed", "state transition refused", "unsupported",
	"step failed for now", "retries exhausted", "step not ready", "paused", "workflow already exists",
	"workflow not found", "run cancelled",
}

// String returns the kind in words, for logs and for errors without a text.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}
