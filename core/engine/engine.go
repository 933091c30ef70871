package engine

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// Engine is what a storage engine implements.
type Engine interface {
	Schema
	Queues
	Workers
	Messages
	Archive
	Workflows
	Wakeups

	// Capabilities reports what this engine can and cannot do. It never changes
	// during the life of the engine.
	Capabilities() Capabilities
	// Ping reports whether the database answers: fault.Connect when it does not.
	Ping(ctx context.Context) error
	// Inspect reads the settings of the database that bear on durability and speed,
	// in a fixed order, and on PostgreSQL who has held back vacuum for longer than
	// a minute. What the role may not read is left out. See model.Setting.
	Inspect(ctx context.Context) ([]model.Setting, error)
	// Close ends every connection and waits for calls in flight. Later calls
	// fail with fault.Closed. A second Close is a no-op.
	Close()
}

// Capabilities reports the limits of an engine.
type Capabilities struct {
	Name          string // "postgres" or "sqlite"
	Push          bool   // Listen delivers wake-ups from other processes
	Writers       int    // write transactions that can make progress at once
	MaxFlushRows  int    // rows one Enqueue or acknowledgement should carry at most
	MaxFlushBytes int    // payload bytes one Enqueue should carry at most

	HeldFor time.Duration // how long a message should be tried that is held (fault.IsHeld)
}

// Schema creates and checks the tables.
type Schema interface {
	// Install creates or upgrades the tables: idempotent, and safe when several
	// processes run it at once.
	Install(ctx context.Context) error
	// Uninstall drops everything Install made, and every message with it.
	Uninstall(ctx context.Context) error
	// Verify returns nil, or fault.Schema whose text names each missing or
	// altered object.
	Verify(ctx context.Context) error
}

// Queues keeps the list of queues.
type Queues interface {
	// CreateQueue adds a queue. Errors: QueueExists.
	CreateQueue(ctx context.Context, name string, maxReadCt int32) (model.QueueInfo, error)
	// GetQueue finds a queue by name. Errors: QueueNotFound.
	GetQueue(ctx context.Context, name string) (model.QueueInfo, error)
	// GetQueueByID finds a queue by id. Errors: QueueNotFound.
	GetQueueByID(ctx context.Context, id int64) (model.QueueInfo, error)
	// ListQueues lists queues by id.
	ListQueues(ctx context.Context, page model.Page) ([]model.QueueInfo, error)
	// CountQueues counts them.
	CountQueues(ctx context.Context) (int64, error)
	// DeleteQueue removes an empty queue. Errors: QueueNotFound; StateTransition
	// while messages exist or workers that are not stopped are bound to it, and
	// always for the queue of a workflow; Timeout while a transaction that has written
	// messages does not end. The archive of the queue is kept, its dedup keys are not.
	DeleteQueue(ctx context.Context, name string) error
	// PurgeQueue removes every message of the queue that was stored when it began,
	// leased ones too, and keeps the archive and the dedup keys. It returns how many it
	// removed; an error may leave some of them. Errors: QueueNotFound.
	PurgeQueue(ctx context.Context, name string) (int64, error)
	// Forget drops what this process remembers of a queue to be faster there. It asks
	// no database and waits for nobody. No call on that queue is under way.
	Forget(queueID int64)
	// Metrics counts the messages of one queue, or of all when queueID is 0.
	Metrics(ctx context.Context, queueID int64) ([]model.QueueMetrics, error)
	// Stats counts over the whole store.
	Stats(ctx context.Context) (model.SystemStats, error)
}

// Workers keeps the registrations of producers and consumers.
type Workers interface {
	// RegisterWorker adds a worker in state ready under a new id that is never
	// used again. Errors: QueueNotFound.
	RegisterWorker(ctx context.Context, w model.NewWorker) (model.WorkerInfo, error)
	// GetWorker finds a worker. Errors: WorkerNotFound.
	GetWorker(ctx context.Context, id int64) (model.WorkerInfo, error)
	// ListWorkers lists workers by id; queueID 0 means all.
	ListWorkers(ctx context.Context, queueID int64, page model.Page) ([]model.WorkerInfo, error)
	// CountWorkers counts them, stopped ones included; queueID 0 means all.
	CountWorkers(ctx context.Context, queueID int64) (int64, error)
	// WorkerStats counts the workers of each queue by state and kind, queues
	// without workers included, by queue id; queueID 0 means every queue. A worker
	// that is not stopped is stale when its heartbeat is older than stale.
	WorkerStats(ctx context.Context, queueID int64, stale time.Duration) ([]model.WorkerStats, error)
	// SetWorkerStatus moves a worker to a state if it is in one of from now, in
	// one guarded update that also refreshes its heartbeat. Errors:
	// WorkerNotFound; StateTransition, naming the present state.
	SetWorkerStatus(ctx context.Context, id int64, from []model.WorkerStatus, to model.WorkerStatus) error
	// Heartbeat refreshes the heartbeat of the workers that are not stopped, in
	// one statement, and returns the state of each known id.
	Heartbeat(ctx context.Context, ids []int64) (map[int64]model.WorkerStatus, error)
	// StopWorkers releases what the workers hold (dead-lettering what is at its
	// limit), and then marks them stopped or, with remove, deletes their rows.
	// Unknown ids are ignored. It returns how many messages it let go. leases is the
	// longest for which one of the workers took or extended a lease, 0 if none did,
	// AnyLease where that is not known: what ends later from now cannot be theirs, and
	// an engine need not look at it.
	StopWorkers(ctx context.Context, ids []int64, leases time.Duration, remove bool) (int64, error)
	// DeleteWorker removes a worker's row. Errors: WorkerNotFound;
	// StateTransition while it holds leases that have not expired.
	DeleteWorker(ctx context.Context, id int64) error
	// PurgeWorkers removes the rows of workers that are stopped, or whose
	// heartbeat is older than stale, and that hold no messages. It returns how
	// many it removed.
	PurgeWorkers(ctx context.Context, stale time.Duration) (int64, error)
}

// Messages is the life of a message until it is archived or deleted.
type Messages interface {
	// Enqueue stores all messages or none and returns their ids in input order. One
	// whose dedup key the queue remembers, or that an earlier one of the same call
	// has, is not stored: its id is that of the message the key came with. Of two
	// transactions with one key the second waits for the first, for about a second.
	// Errors: QueueNotFound; a RowFault when one message is to blame; Timeout, with
	// RowFault and Held, when that second is over.
	Enqueue(ctx context.Context, queueID int64, messages []model.NewMessage) ([]int64, error)
	// EnqueueInTurn is Enqueue that says when another EnqueueInTurn of the queue may
	// begin, which then gets greater ids and comes later where both are due at once. It
	// calls sent when the messages are on their way, and another call will be carried
	// behind them; placed when they have their ids and their places, and only the commit
	// is left. Both may still fail, and what fails and is repeated, or stored in halves
	// because of one message, comes after what has followed. An engine that cannot tell
	// in time calls them late or never; either may be nil. Others wait behind it, so it
	// hardly waits for dedup keys.
	EnqueueInTurn(ctx context.Context, queueID int64, messages []model.NewMessage, sent, placed func()) ([]int64, error)
	// ForgetKeys forgets up to limit dedup keys that have been remembered for longer
	// than age, whatever became of their messages, and returns how many.
	ForgetKeys(ctx context.Context, age time.Duration, limit int) (int64, error)
	// Claim leases eligible messages of one queue to several workers, longest
	// eligible first and the earlier claims first, up to Limit each, and returns
	// one answer per claim. A claim that comes back short has looked at the whole
	// queue and has dead-lettered what was exhausted. A claim with an instant of
	// its own (At) comes alone. Errors: QueueNotFound; WorkerNotFound and
	// StateTransition, with RowFault, when the state of a worker does not allow it
	// to take messages: then nobody gets any.
	Claim(ctx context.Context, claims []Claim) ([]Claimed, error)
	// Finish archives or deletes, and returns one bool per token, in input order:
	// true iff it took effect. Of several tokens for one message at most one is
	// true; equal tokens: the first.
	Finish(ctx context.Context, how Finish, tokens []model.Token) ([]bool, error)
	// Extend makes leases last at least For from now, never shortening one.
	// Results as in Finish, but every equal token is true.
	Extend(ctx context.Context, extensions []Extension) ([]bool, error)
	// Release gives leases back, dead-lettering what is at its limit. Results as
	// in Finish.
	Release(ctx context.Context, releases []Release) ([]bool, error)
	// Sweep dead-letters what is exhausted and not leased any more; queueID 0
	// means every queue. It returns how many it moved.
	Sweep(ctx context.Context, queueID int64) (int64, error)
	// SweepSince is Sweep of every queue for what became eligible after an instant of
	// the database's clock: its cost does not grow with what waits since longer. The
	// zero instant means everything. It returns how many it moved, and an instant
	// that nothing it has not looked at lies before, unless somebody had it locked.
	SweepSince(ctx context.Context, since time.Time) (moved int64, until time.Time, err error)
	// DeadLetter moves a message to the archive as a dead letter, with the reason
	// "moved by hand", unless it is leased; an expired lease does not count.
	// Errors: MessageNotFound; StateTransition while it is leased.
	DeadLetter(ctx context.Context, id int64) error
	// Reclaim takes the leases of workers whose heartbeat is older than olderThan
	// back (queueID 0: every queue) and marks those workers stopped. It returns
	// how many messages it let go.
	Reclaim(ctx context.Context, queueID int64, olderThan time.Duration) (int64, error)

	// GetMessage finds a message in the queue. Errors: MessageNotFound.
	GetMessage(ctx context.Context, id int64) (model.Message, error)
	// ListMessages lists messages by id.
	ListMessages(ctx context.Context, f Filter, page model.Page) ([]model.Message, error)
	// CountMessages counts them.
	CountMessages(ctx context.Context, f Filter) (int64, error)
}

// Archive is the table of finished messages.
type Archive interface {
	// GetArchived finds an archived message. Errors: MessageNotFound.
	GetArchived(ctx context.Context, id int64) (model.Message, error)
	// ListArchived lists archived messages by id.
	ListArchived(ctx context.Context, f Filter, page model.Page) ([]model.Message, error)
	// CountArchived counts them.
	CountArchived(ctx context.Context, f Filter) (int64, error)
	// DeleteArchived removes one. Errors: MessageNotFound.
	DeleteArchived(ctx context.Context, id int64) error
	// ReplayArchived moves a dead letter back into its queue, visible now, with a
	// receive count of 0. Errors: MessageNotFound; StateTransition for a message
	// that was archived by its consumer; QueueNotFound when its queue is gone.
	ReplayArchived(ctx context.Context, id int64) error
	// PruneArchive is a step on a walk through the archive by ascending id: of the
	// messages with the id from or a greater one it looks at the first ones that f
	// selects, up to limit, and removes those older than age. What a step costs does not
	// grow with the archive, apart from what f makes it pass by.
	PruneArchive(ctx context.Context, f Filter, age time.Duration, from int64, limit int) (Pruned, error)
}

// Wakeups tells consumers in other processes that there is something to take.
type Wakeups interface {
	// Notify announces that messages of these queues became visible. It is best
	// effort and runs after the commit, never inside it.
	Notify(ctx context.Context, queueIDs []int64) error
	// Listen calls woken for every announcement of any process, this one
	// included, until ctx ends or the connection is lost. Queue id 0 means "any
	// queue". It calls woken(0) once when it starts to hear. It returns
	// fault.Unsupported at once where Capabilities.Push is false.
	Listen(ctx context.Context, woken func(queueID int64)) error
}

// Descriptors is implemented by engines whose file locks would outlive the
// process in a forked child: the child must close these descriptors at once.
type Descriptors interface {
	// Descriptors returns the open database and lock file descriptors. The set is
	// fixed from Open to Close.
	Descriptors() []int
}
