package cq

import "github.com/pgqrs/pgqrs/capi/internal/cerr"

// Completion is one outcome. Twin of pgqrs_completion in include/pgqrs.h: 32
// bytes, the same order and no padding, because Poll writes it into memory that
// C reads.
type Completion struct {
	UserData uint64
	Status   cerr.Status
	Flags    uint32
	Result   uint64
	Error    uint64
}

// More is set on all but the last completion of an operation. Twin of
// PGQRS_CQE_MORE.
const More uint32 = 1 << 0

// Value is set when Result is the value itself and no handle. Twin of
// PGQRS_CQE_VALUE.
const Value uint32 = 1 << 1

// Sink takes what a queue lets go of. Both methods must be quick and must not
// call the queue.
type Sink interface {
	// Retire hears that the last completion of an operation was handed out, or
	// discarded: its op handle ends here.
	Retire(op uint64)
	// Discard gets a completion that nobody will ever poll.
	Discard(c Completion)
}

// item is a completion in the queue and the op it ends, 0 while more will follow.
type item struct {
	c  Completion
	op uint64
}
