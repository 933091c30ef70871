// Package cq is the completion queue: where the outcomes of asynchronous calls
// wait until the caller's loop takes them.
//
// The queue has a descriptor that is readable while there may be something to
// poll. It is written once when the queue turns from empty to not empty, and
// read empty by the poll that drains the queue, both under the queue's lock: no
// wake-up is lost and a storm of completions costs one write. No data travels
// through the descriptor.
//
// Room for a completion is reserved when an operation is accepted, so that its
// delivery cannot fail.
package cq
