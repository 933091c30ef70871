package cq

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/wakefd"
)

// DefaultMaxPending is how many operations a queue accepts before it answers
// BUSY, unless Options say otherwise.
const DefaultMaxPending = 65536

// keep is the capacity the queue's memory falls back to after a storm.
const keep = 4096

// Options configure a queue. The zero value is the default.
type Options struct {
	MaxPending uint32 // operations accepted and not polled; 0: DefaultMaxPending
	Pipe       bool   // a pipe instead of an eventfd
	Values     bool   // a result of one number comes in the completion
}

// Queue is a completion queue. Make one with New; end it with Close.
type Queue struct {
	sink   Sink
	max    int
	values bool
	// taken is set while a thread is in Poll or Wait. It is a check of the
	// caller's discipline, not a lock: a second thread is refused.
	taken atomic.Bool

	mu       sync.Mutex // guards everything below
	signal   wakefd.Signal
	done     []item        // completions not yet polled
	reserved int           // operations accepted whose last completion was not polled
	armed    bool          // the descriptor was raised and not cleared
	waiter   chan struct{} // not nil while a thread waits; capacity 1
	ended    cerr.Status   // not OK: what submit, and poll of an empty queue, answer
	closed   bool
}

// New opens a queue. It fails when the process has no descriptor left.
func New(o Options, sink Sink) (*Queue, error) {
	open := wakefd.New
	if o.Pipe {
		open = wakefd.NewPipe
	}
	s, err := open()
	if err != nil {
		return nil, cerr.New(cerr.Internal, "cannot open a descriptor for the completion queue: %v", err)
	}
	q := &Queue{sink: sink, max: DefaultMaxPending, signal: s, values: o.Values}
	if o.MaxPending != 0 {
		q.max = int(o.MaxPending)
	}
	return q, nil
}

// FD returns the descriptor to watch for reading. The queue owns it.
func (q *Queue) FD() int { return q.signal.FD() }

// Values reports whether a result of one number comes in the completion.
func (q *Queue) Values() bool { return q.values }

// Reserve makes room for one more operation, or says why it cannot: BUSY, or
// what the queue was ended with.
func (q *Queue) Reserve() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != cerr.OK {
		return &cerr.Failure{Status: q.ended}
	}
	if q.reserved >= q.max {
		return &cerr.Failure{Status: cerr.Busy}
	}
	q.reserved++
	return nil
}

// Post appends the completion of a reserved operation; op is its handle when the
// completion is the last. On a closed queue the completion is discarded.
func (q *Queue) Post(c Completion, op uint64) {
	if q.append(c, op) {
		return
	}
	q.sink.Discard(c)
	if op != 0 {
		q.sink.Retire(op)
	}
}

func (q *Queue) append(c Completion, op uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.done = append(q.done, item{c, op})
	q.wake()
	return true
}

// wake tells the loop and the waiting thread that there is news. The caller
// holds the lock.
func (q *Queue) wake() {
	if !q.armed {
		q.armed = true
		q.signal.Raise()
	}
	if q.waiter != nil {
		select {
		case q.waiter <- struct{}{}:
		default: // told already
		}
	}
}

// Poll moves up to len(out) completions to out and returns how many. Its status
// is STATE when another thread is in Poll or Wait, and, only when there is
// nothing left to hand out, what the queue was ended with.
func (q *Queue) Poll(out []Completion) (int, cerr.Status) {
	if !q.taken.CompareAndSwap(false, true) {
		return 0, cerr.State
	}
	defer q.taken.Store(false)
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(out), len(q.done))
	for i, it := range q.done[:n] {
		out[i] = it.c
		if it.op != 0 {
			q.reserved--
			q.sink.Retire(it.op)
		}
	}
	q.drop(n)
	if n == 0 && len(q.done) == 0 {
		return 0, q.ended
	}
	return n, cerr.OK
}

// drop forgets the first n completions and, when none is left, makes the
// descriptor unreadable. An ended queue stays readable, so that no loop misses
// its end. The caller holds the lock.
func (q *Queue) drop(n int) {
	if n < len(q.done) {
		q.done = q.done[n:]
		return
	}
	if q.done = q.done[:0]; cap(q.done) > keep {
		q.done = nil
	}
	if q.armed && q.ended == cerr.OK {
		q.signal.Clear()
		q.armed = false
	}
}

// Wait waits until Poll would find something, at most for timeout (negative: for
// ever), and takes nothing. Statuses: OK, TIMEOUT, STATE, or what the queue was
// ended with.
func (q *Queue) Wait(timeout time.Duration) cerr.Status {
	if !q.taken.CompareAndSwap(false, true) {
		return cerr.State
	}
	defer q.taken.Store(false)
	status, waiter := q.ready()
	if waiter == nil {
		return status
	}
	var expired <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-waiter:
	case <-expired:
	}
	return q.unwait()
}

// ready returns the status of a Wait that need not wait, or registers a waiter.
func (q *Queue) ready() (cerr.Status, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.done) > 0 {
		return cerr.OK, nil
	}
	if q.ended != cerr.OK {
		return q.ended, nil
	}
	q.waiter = make(chan struct{}, 1)
	return cerr.OK, q.waiter
}

func (q *Queue) unwait() cerr.Status {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiter = nil
	switch {
	case len(q.done) > 0:
		return cerr.OK
	case q.ended != cerr.OK:
		return q.ended
	}
	return cerr.Timeout
}

// End refuses further operations with status and wakes whoever waits. What is in
// the queue, and what accepted operations still post, can be polled; the first
// end counts.
func (q *Queue) End(status cerr.Status) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == cerr.OK {
		q.ended = status
		q.wake()
	}
}

// Close ends the queue with CLOSED, discards what was not polled and closes the
// descriptor. What accepted operations post later is discarded too.
func (q *Queue) Close() {
	for _, it := range q.shut() {
		q.sink.Discard(it.c)
		if it.op != 0 {
			q.sink.Retire(it.op)
		}
	}
}

func (q *Queue) shut() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	q.ended = cerr.Closed
	left := q.done
	q.done = nil
	q.wake()
	q.signal.Close()
	return left
}
