package model

import "time"

// QueueInfo describes a queue.
type QueueInfo struct {
	ID        int64
	Name      string
	CreatedAt time.Time
	MaxReadCt int32 // leases a message may have before it is dead-lettered
}

// QueueMetrics counts the messages of one queue at one instant of the
// database's clock. Pending + Delayed + Leased is the size of the queue.
type QueueMetrics struct {
	QueueID   int64
	QueueName string
	Pending   int64 // may be dequeued now, including expired leases
	Delayed   int64 // waiting for their vt, not leased
	Leased    int64 // owned by a worker until their vt
	Archived  int64 // archived by their consumers
	Dead      int64 // archived as dead letters
	// OldestPending is when the longest waiting pending message became eligible;
	// zero when none is pending.
	OldestPending time.Time
}

// SystemStats counts over the whole store.
type SystemStats struct {
	Queues   int64
	Workers  int64 // registered and not stopped
	Pending  int64
	Delayed  int64
	Leased   int64
	Archived int64
	Dead     int64
	// SchemaVersion is the number of the newest migration installed.
	SchemaVersion int64
}

// Page selects a part of a listing, ordered by id ascending.
type Page struct {
	Limit  int64 // 0: the default, 100
	Offset int64 // rows to skip, >= 0
}
