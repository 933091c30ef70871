package bindings

import "time"

// QueueInfo describes a queue.
type QueueInfo struct {
	ID        int64     `json:"id"`
	Name      string    `json:"queue_name"`
	CreatedAt time.Time `json:"created_at"`
	MaxReadCt int32     `json:"max_read_ct"` // leases a message may have before it is dead-lettered
}

// QueueMetrics counts the messages of one queue at one instant of the database's
// clock. Pending + Delayed + Leased is the size of the queue.
type QueueMetrics struct {
	QueueID       int64     `json:"queue_id"`
	QueueName     string    `json:"queue_name"`
	Pending       int64     `json:"pending"`        // may be dequeued now, including expired leases
	Delayed       int64     `json:"delayed"`        // waiting for their vt, not leased
	Leased        int64     `json:"leased"`         // owned by a worker until their vt
	Archived      int64     `json:"archived"`       // archived by their consumers
	Dead          int64     `json:"dead"`           // archived as dead letters
	OldestPending time.Time `json:"oldest_pending"` // zero when none is pending
}

// SystemStats counts over the whole store.
type SystemStats struct {
	Queues        int64 `json:"queues"`
	Workers       int64 `json:"workers"` // registered and not stopped
	Pending       int64 `json:"pending"`
	Delayed       int64 `json:"delayed"`
	Leased        int64 `json:"leased"`
	Archived      int64 `json:"archived"`
	Dead          int64 `json:"dead"`
	SchemaVersion int64 `json:"schema_version"`
}

// Setting is one fact about the database behind a store, as the database words it.
type Setting struct{ Name, Value string }

// WorkerStatus is the state of a registered worker.
type WorkerStatus string

// The states of a worker.
const (
	WorkerReady       WorkerStatus = "ready"
	WorkerPolling     WorkerStatus = "polling"
	WorkerSuspended   WorkerStatus = "suspended"
	WorkerInterrupted WorkerStatus = "interrupted"
	WorkerStopped     WorkerStatus = "stopped"
)

// WorkerInfo describes a registered worker.
type WorkerInfo struct {
	ID          int64        `json:"id"`
	Name        string       `json:"name"` // "producer" or "consumer"
	Hostname    string       `json:"hostname"`
	Port        int32        `json:"port"`
	QueueID     int64        `json:"queue_id"` // zero: bound to no queue
	Status      WorkerStatus `json:"status"`
	StartedAt   time.Time    `json:"started_at"`
	HeartbeatAt time.Time    `json:"heartbeat_at"`
	ShutdownAt  time.Time    `json:"shutdown_at"` // zero: not stopped
}

// WorkerStats counts the registered workers of one queue. The states add up to
// Total, and so do Producers + Consumers.
type WorkerStats struct {
	QueueID         int64     `json:"queue_id"`
	QueueName       string    `json:"queue_name"`
	Total           int64     `json:"total"`
	Ready           int64     `json:"ready"`
	Polling         int64     `json:"polling"`
	Suspended       int64     `json:"suspended"`
	Interrupted     int64     `json:"interrupted"`
	Stopped         int64     `json:"stopped"`
	Producers       int64     `json:"producers"`
	Consumers       int64     `json:"consumers"`
	OldestHeartbeat time.Time `json:"oldest_heartbeat"` // of workers that are not stopped
	NewestHeartbeat time.Time `json:"newest_heartbeat"`
}

// WorkerHealth tells the living workers of one queue from the dead. Healthy +
// Stale + Stopped is Total.
type WorkerHealth struct {
	QueueID   int64  `json:"queue_id"`
	QueueName string `json:"queue_name"`
	Total     int64  `json:"total"`
	Healthy   int64  `json:"healthy"`
	Stale     int64  `json:"stale"` // not stopped, but silent
	Stopped   int64  `json:"stopped"`
}

// Flushes counts how calls that were in flight together have shared transactions.
type Flushes struct {
	Flushes int64         `json:"flushes"` // transactions
	Rows    int64         `json:"rows"`    // that they carried
	Largest int64         `json:"largest"` // rows of one
	Waited  time.Duration `json:"waited_us"`
	Waiting int64         `json:"waiting"` // rows, now
	Flying  int64         `json:"flying"`  // transactions, now
}

// Activity counts the shared transactions of a store since it was opened.
type Activity struct {
	Enqueue Flushes `json:"enqueue"`
	Archive Flushes `json:"archive"`
	Delete  Flushes `json:"delete"`
	Extend  Flushes `json:"extend"`
	Release Flushes `json:"release"`
}

// Filter selects messages; zero fields do not restrict.
type Filter struct {
	Queue    string
	WorkerID int64 // the consumer that holds, or finished, the message
	DeadOnly bool  // archive only: dead letters
	MinReads int32 // leased at least so often
	// Contains is a JSON document: only messages whose payload contains it, by the
	// rules of PostgreSQL's jsonb @> on either engine.
	Contains string
}

// Page selects a part of a listing, ordered by id ascending.
type Page struct {
	Limit  int64 // 0: 100
	Offset int64 // rows to skip
}
