package model

import "time"

// WorkerStatus is the state of a registered worker. The stored form is
// lower-case; comparisons in SQL use exactly these words.
type WorkerStatus string

// The states a worker can be in. Transitions are guarded single updates:
// ready → suspended → ready, ready|polling|suspended|interrupted → stopped.
const (
	WorkerReady       WorkerStatus = "ready"
	WorkerPolling     WorkerStatus = "polling"
	WorkerSuspended   WorkerStatus = "suspended"
	WorkerInterrupted WorkerStatus = "interrupted"
	WorkerStopped     WorkerStatus = "stopped"
)

// MayClaim reports whether a worker in this state may take messages.
func (s WorkerStatus) MayClaim() bool { return s == WorkerReady || s == WorkerPolling }

// NewWorker describes a registration. Hostname and port are labels, not a lock:
// every registration gets a new id.
type NewWorker struct {
	QueueID  int64
	Name     string // "producer" or "consumer"
	Hostname string
	Port     int32
}

// WorkerInfo describes a registered worker.
type WorkerInfo struct {
	ID          int64
	Name        string
	Hostname    string
	Port        int32
	QueueID     int64 // zero: bound to no queue
	Status      WorkerStatus
	StartedAt   time.Time
	HeartbeatAt time.Time
	ShutdownAt  time.Time // zero: not stopped
}

// WorkerStats counts the registered workers of one queue at one instant of the
// database's clock. The states add up to Total, and so do Producers + Consumers.
type WorkerStats struct {
	QueueID   int64
	QueueName string
	Total     int64

	Ready       int64
	Polling     int64
	Suspended   int64
	Interrupted int64
	Stopped     int64

	Producers int64
	Consumers int64
	Stale     int64 // not stopped, and silent for longer than was asked about

	// The heartbeats of workers that are not stopped; zero when there is none.
	OldestHeartbeat time.Time
	NewestHeartbeat time.Time
}

// WorkerHealth tells the living workers of one queue from the dead. Healthy +
// Stale + Stopped is Total.
type WorkerHealth struct {
	QueueID   int64
	QueueName string
	Total     int64
	Healthy   int64 // heard of lately
	Stale     int64 // not stopped, but silent
	Stopped   int64
}
