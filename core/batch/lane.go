package batch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// Options describe a lane. Flush, MaxRows and Group are required.
type Options[I, R any] struct {
	// Flush carries items in one transaction and answers after its commit with one
	// result per item, in order. It bounds its own time; ctx ends only when the
	// owner of the lane gives up waiting at close.
	Flush func(ctx context.Context, items []I) ([]R, error)
	// MaxRows bounds the items of one flush. A unit that is larger flies alone.
	MaxRows int
	// MaxBytes bounds the sum of Bytes of one flush; 0: no bound.
	MaxBytes int
	// Bytes weighs an item; nil: everything weighs nothing.
	Bytes func(I) int
	// Flushers is how many flushes may be on their way at once; 0: 1. With one,
	// rows reach the database in the order of the calls.
	Flushers int
	// MaxPending bounds the rows that wait; callers beyond it wait for room. 0: 65536.
	MaxPending int
	// Group owns the lane's goroutines.
	Group *spawn.Group
}

// Stats counts what a lane has carried so far.
type Stats struct {
	Flushes int64 // calls of Flush that succeeded
	Rows    int64 // rows they carried
	Largest int64 // rows of the largest one
	Waiting int64 // rows waiting now
}

// Lane carries calls of one kind in few flushes.
type Lane[I, R any] struct {
	opt Options[I, R]

	// mu guards everything below. It is never held during a flush.
	mu      sync.Mutex
	waiting []*unit[I, R] // in call order; may hold abandoned units
	rows    int           // rows of the units in waiting that are not abandoned
	flying  int           // flushers running
	closed  bool
	room    chan struct{} // closed and replaced whenever rows leave waiting
	idle    chan struct{} // closed when the lane is closed and nothing is left

	flushes, carried, largest atomic.Int64
}

// unit is the rows of one call.
type unit[I, R any] struct {
	items     []I
	abandoned bool // guarded by Lane.mu: its caller has gone, it must not be sent
	sent      bool // guarded by Lane.mu
	done      chan struct{}
	results   []R
	err       error
}

// NewLane returns an empty lane.
func NewLane[I, R any](opt Options[I, R]) *Lane[I, R] {
	if opt.Flushers <= 0 {
		opt.Flushers = 1
	}
	if opt.MaxPending <= 0 {
		opt.MaxPending = 65536
	}
	return &Lane[I, R]{opt: opt, room: make(chan struct{}), idle: make(chan struct{})}
}

// Do carries items as one unit and returns their results after the commit.
//
// When ctx ends before the unit was sent it is taken back: Cancelled or Timeout,
// nothing was stored. Once it was sent, a cancelled caller still gets the true
// outcome; a caller whose deadline has passed gets OutcomeUnknown at once.
func (l *Lane[I, R]) Do(ctx context.Context, items []I) ([]R, error) {
	u := &unit[I, R]{items: items, done: make(chan struct{})}
	if err := l.push(ctx, u); err != nil {
		return nil, err
	}
	select {
	case <-u.done:
		return u.results, u.err
	case <-ctx.Done():
	}
	if l.takeBack(u) {
		return nil, fault.FromContext(ctx)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		select {
		case <-u.done:
			return u.results, u.err
		default:
			return nil, &fault.Error{
				Kind: fault.OutcomeUnknown, Cause: ctx.Err(),
				Text: "deadline passed while the statement was on its way: it may or may not have been committed",
			}
		}
	}
	<-u.done
	return u.results, u.err
}

// push queues u, waiting for room, and sees to it that a flusher runs.
func (l *Lane[I, R]) push(ctx context.Context, u *unit[I, R]) error {
	for {
		if ctx.Err() != nil {
			return fault.FromContext(ctx)
		}
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return &fault.Error{Kind: fault.Closed, Text: "the store is closed", Safe: true}
		}
		// An oversized unit enters an empty lane, or it would wait for ever.
		if l.rows == 0 || l.rows+len(u.items) <= l.opt.MaxPending {
			l.waiting = append(l.waiting, u)
			l.rows += len(u.items)
			l.start()
			l.mu.Unlock()
			return nil
		}
		room := l.room
		l.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// start runs another flusher if there is work and a free place. mu is held.
func (l *Lane[I, R]) start() {
	if l.flying < l.opt.Flushers && len(l.waiting) > 0 {
		l.flying++
		l.opt.Group.Go(l.fly)
	}
}

// takeBack abandons a unit that has not been sent.
func (l *Lane[I, R]) takeBack(u *unit[I, R]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if u.sent {
		return false
	}
	u.abandoned = true
	l.leave(len(u.items))
	return true
}

// leave gives the room of n rows back. mu is held.
func (l *Lane[I, R]) leave(n int) {
	l.rows -= n
	close(l.room)
	l.room = make(chan struct{})
}

// fly flushes until nothing waits. It lives only while there is work, so an idle
// lane costs no goroutine.
func (l *Lane[I, R]) fly() {
	orderly := false
	defer func() {
		if !orderly { // a panic is on its way up to the group's report
			l.mu.Lock()
			l.retire()
			l.start() // what still waits must not wait for the next call
			l.mu.Unlock()
		}
	}()
	for {
		units, rows := l.next()
		if units == nil {
			orderly = true
			return
		}
		l.flush(units, rows)
	}
}

// next takes the units of one flush; nil when nothing waits, and then the
// flusher's place has been given up under the same lock.
func (l *Lane[I, R]) next() ([]*unit[I, R], int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var units []*unit[I, R]
	rows, bytes, taken := 0, 0, 0
	for _, u := range l.waiting {
		if !u.abandoned {
			weight := l.weigh(u.items)
			if len(units) > 0 && (rows+len(u.items) > l.opt.MaxRows ||
				l.opt.MaxBytes > 0 && bytes+weight > l.opt.MaxBytes) {
				break
			}
			u.sent = true
			units = append(units, u)
			rows += len(u.items)
			bytes += weight
		}
		l.waiting[taken] = nil
		taken++
	}
	l.waiting = l.waiting[taken:]
	if len(l.waiting) == 0 {
		l.waiting = nil // let go of the array behind the consumed units
	}
	if units == nil {
		l.retire()
		return nil, 0
	}
	l.leave(rows)
	l.start()
	return units, rows
}

// retire gives up a flusher's place. mu is held.
func (l *Lane[I, R]) retire() {
	l.flying--
	if l.closed && l.flying == 0 && len(l.waiting) == 0 {
		close(l.idle)
	}
}

func (l *Lane[I, R]) weigh(items []I) int {
	if l.opt.Bytes == nil {
		return 0
	}
	n := 0
	for _, item := range items {
		n += l.opt.Bytes(item)
	}
	return n
}

// Stats returns the counters.
func (l *Lane[I, R]) Stats() Stats {
	l.mu.Lock()
	waiting := l.rows
	l.mu.Unlock()
	return Stats{Flushes: l.flushes.Load(), Rows: l.carried.Load(), Largest: l.largest.Load(), Waiting: int64(waiting)}
}

// Close refuses new calls and waits until the accepted ones are answered, or ctx
// ends. A second Close waits likewise.
func (l *Lane[I, R]) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		if l.flying == 0 {
			close(l.idle)
		}
	}
	l.mu.Unlock()
	select {
	case <-l.idle:
		return nil
	case <-ctx.Done():
		return fault.FromContext(ctx)
	}
}
