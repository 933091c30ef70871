package model

import "time"

// Message is one stored payload with an id that never changes, as a claim, a
// table read or the archive returns it.
type Message struct {
	ID         int64
	QueueID    int64
	Payload    []byte // a JSON document, as the engine returned it
	EnqueuedAt time.Time
	VT         time.Time // may be dequeued from this instant on; while leased, the lease's end
	ReadCt     int32     // how often it has been leased; part of the fencing token
	DequeuedAt time.Time // first lease; zero when never leased
	PriorVT    time.Time // answers of a claim only: vt before the claim, to undo it; zero: not known

	ProducerWorkerID int64 // zero: enqueued without a registered producer
	ConsumerWorkerID int64 // zero: not leased

	ArchivedAt time.Time // zero: still in the queue
	DeadReason string    // not empty: archived as a dead letter
}

// Token is the fencing token of a lease: an acknowledgement takes effect only
// if the message still belongs to Worker and, when ReadCt is not zero, has been
// leased exactly ReadCt times.
type Token struct {
	ID     int64
	Worker int64
	ReadCt int32 // zero: owner alone decides
}

// NewMessage is a message on its way in.
type NewMessage struct {
	Payload  []byte        // a JSON document that passed core/validate
	Producer int64         // worker id, zero: none
	Delay    time.Duration // >= 0, counted from the database's clock at insertion
	At       time.Time     // not zero: vt is this instant, and Delay is ignored
	// DedupKey, when not empty, is remembered with the queue: of the messages with
	// one key only the first is stored, and the others are answered its id. It has
	// passed core/validate.
	DedupKey string
}
