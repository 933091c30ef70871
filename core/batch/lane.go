package batch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// Options describe a lane. Flush or FlushInTurn, MaxRows and Group are required.
type Options[I, R any] struct {
	// Flush carries items in one transaction and answers after its commit with one
	// result per item, in order. It bounds its own time; ctx ends only when the
	// owner of the lane gives up waiting at close.
	Flush func(ctx context.Context, items []I) ([]R, error)
	// FlushInTurn, in the place of Flush, is for items that must reach the database in
	// the order of the calls. Before it returns it may call sent, when the next flush
	// will be carried behind this one, and placed, when the rows have their places and
	// only the commit is left. A flush that is large enough begins at the first of them,
	// and any where commits are slow at the second. Either is nil when nobody wants to
	// know.
	FlushInTurn func(ctx context.Context, items []I, sent, placed func()) ([]R, error)
	// FlushHeld, which may be nil, is for the unit of a call of which Flush or
	// FlushInTurn said that it has to wait for a transaction of somebody else
	// (fault.IsHeld). It waits a while for that itself, beside the other flushes, and is
	// called again while it says the same. A call of several units is not kept waiting
	// for one of them: that unit fails.
	FlushHeld func(ctx context.Context, items []I) ([]R, error)
	// HeldFor is how long a unit is tried by FlushHeld before its caller gets the error.
	HeldFor time.Duration
	// MaxRows bounds the items of one flush. A unit that is larger flies alone.
	MaxRows int
	// MaxBytes bounds the sum of Bytes of one flush; 0: no bound.
	MaxBytes int
	// Bytes weighs an item; nil: everything weighs nothing.
	Bytes func(I) int
	// Flushers is how many flushes may be on their way at once; 0: 1. With one, or
	// with FlushInTurn, rows reach the database in the order of the calls.
	Flushers int
	// MaxPending bounds the rows that wait; callers beyond it wait for room. 0: 65536.
	MaxPending int
	// Group owns the lane's goroutines.
	Group *spawn.Group
}

// Stats counts what a lane has carried so far, and what it carries now.
type Stats struct {
	Flushes int64         // calls of Flush that succeeded
	Rows    int64         // rows they carried
	Largest int64         // rows of the largest one
	Waited  time.Duration // from the call to the flush, summed over Rows
	Waiting int64         // rows waiting now
	Flying  int64         // flushers under way now
}

// Plus adds the counts of another lane.
func (s Stats) Plus(o Stats) Stats {
	return Stats{
		Flushes: s.Flushes + o.Flushes, Rows: s.Rows + o.Rows, Largest: max(s.Largest, o.Largest),
		Waited: s.Waited + o.Waited, Waiting: s.Waiting + o.Waiting, Flying: s.Flying + o.Flying,
	}
}

// Idle reports whether nothing waited and nothing was under way.
func (s Stats) Idle() bool { return s.Waiting == 0 && s.Flying == 0 }

// Lane carries calls of one kind in few flushes.
type Lane[I, R any] struct {
	opt Options[I, R]

	// mu guards everything below. It is never held during a flush.
	mu      sync.Mutex
	waiting []*unit[I, R] // in call order; may hold abandoned units
	rows    int           // rows of the units in waiting that are not abandoned
	flying  int           // flushers running
	turns   turns         // of FlushInTurn
	held    held[I, R]    // what waits for somebody else
	closed  bool
	room    chan struct{} // closed and replaced whenever rows leave waiting
	idle    chan struct{} // closed when the lane is closed and nothing is left

	flushes, carried, largest, waited atomic.Int64
}

// unit is rows that share their fate: those of one call, or one row of a call
// whose rows do not depend on each other.
type unit[I, R any] struct {
	items     []I
	abandoned bool // guarded by Lane.mu: its caller has gone, it must not be sent
	sent      bool // guarded by Lane.mu
	call      *caller
	results   []R
	err       error
}

// caller waits for the units of its call.
type caller struct {
	began time.Time
	units int           // it began with
	left  atomic.Int64  // units that have no answer yet
	done  chan struct{} // closed with the last answer

	held  atomic.Bool // its only unit is or was held
	until time.Time   // and no longer than to this instant. Guarded by Lane.mu
	gone  error       // it has given up: what to answer where a unit is held. Guarded by Lane.mu
}

func newCaller(units int) *caller {
	c := &caller{began: time.Now(), units: units, done: make(chan struct{})}
	c.left.Store(int64(units))
	return c
}

// answered counts n units off; their results are set.
func (c *caller) answered(n int64) {
	if c.left.Add(-n) == 0 {
		close(c.done)
	}
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
	u := unit[I, R]{items: items, call: newCaller(1)}
	if l.await(ctx, u.call, []*unit[I, R]{&u}, 0) {
		return u.results, u.err
	}
	return nil, fault.Late(ctx)
}

// DoEach carries items that do not depend on each other: each is a unit of its
// own, as if it came from a call of its own, for the price of one call. It
// returns a result and an error for every item, of which one is zero. An item that
// has to wait for a transaction of somebody else fails where there are others
// (fault.IsHeld).
func (l *Lane[I, R]) DoEach(ctx context.Context, items []I) ([]R, []error) {
	return l.BeginEach(items)(ctx)
}

// BeginEach is DoEach in two steps: it queues the items, which fixes their order
// among other calls, and never waits; the function it returns, which must be
// called, waits for their answers. What there is no room for is queued there.
func (l *Lane[I, R]) BeginEach(items []I) func(context.Context) ([]R, []error) {
	all := make([]unit[I, R], len(items))
	units := make([]*unit[I, R], len(items))
	call := newCaller(len(items))
	for i := range items {
		all[i] = unit[I, R]{items: items[i : i+1 : i+1], call: call}
		units[i] = &all[i]
	}
	l.mu.Lock()
	begun := l.enter(units)
	l.mu.Unlock()
	return func(ctx context.Context) ([]R, []error) {
		results, errs := make([]R, len(items)), make([]error, len(items))
		if len(items) == 0 {
			return results, errs
		}
		if !l.await(ctx, call, units, begun) {
			for i := range errs {
				errs[i] = fault.Late(ctx)
			}
			return results, errs
		}
		for i := range all {
			if errs[i] = all[i].err; errs[i] == nil {
				results[i] = all[i].results[0]
			}
		}
		return results, errs
	}
}

// await queues the units of a call, the first of which are queued already, and
// waits for their answers; false when its deadline passed with some of them on
// their way.
func (l *Lane[I, R]) await(ctx context.Context, call *caller, units []*unit[I, R], queued int) bool {
	// Whoever finds no flusher carries the first flush in person: a hand-over to
	// another goroutine costs as much as storing a row. A deadline must be answered
	// in the middle of a flush, so such a caller only waits.
	_, hurried := ctx.Deadline()
	queued, lead, err := l.push(ctx, units, queued, !hurried)
	if lead {
		l.opt.Group.Run(func() { l.fly(call) })
	}
	if err != nil {
		fail(units[queued:], err)
	}
	select {
	case <-call.done:
		return true
	case <-ctx.Done():
	}
	l.takeBack(ctx, units)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		select {
		case <-call.done:
			return true
		default:
			return false
		}
	}
	<-call.done
	return true
}

// push queues the units from queued on, waiting for room, and sees to it that a
// flusher runs: with lead it may be the caller, who is told so. It says how many
// are queued, which with an error are not all.
func (l *Lane[I, R]) push(ctx context.Context, units []*unit[I, R], queued int, lead bool) (int, bool, error) {
	for {
		if ctx.Err() != nil {
			return queued, false, fault.FromContext(ctx)
		}
		l.mu.Lock()
		queued += l.enter(units[queued:])
		if l.closed && queued < len(units) {
			l.mu.Unlock()
			return queued, false, errClosed()
		}
		if queued == len(units) && lead && l.mayStart() {
			l.flying++
			l.mu.Unlock()
			return queued, true, nil
		}
		l.start()
		room := l.room
		l.mu.Unlock()
		if queued == len(units) {
			return queued, false, nil
		}
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// enter queues as many units as there is room for and returns how many. mu is
// held.
func (l *Lane[I, R]) enter(units []*unit[I, R]) int {
	if l.closed {
		return 0
	}
	for n, u := range units {
		// An oversized unit enters an empty lane, or it would wait for ever.
		if l.rows > 0 && l.rows+len(u.items) > l.opt.MaxPending {
			return n
		}
		l.waiting = append(l.waiting, u)
		l.rows += len(u.items)
	}
	return len(units)
}

// mayStart reports whether there is work for another flusher, and a free place.
// mu is held.
func (l *Lane[I, R]) mayStart() bool {
	return len(l.waiting) > 0 && l.mayFollow(l.flying)
}

// mayFollow reports whether a flush may begin beside so many others. mu is held.
func (l *Lane[I, R]) mayFollow(others int) bool {
	if l.opt.FlushInTurn != nil {
		return l.turns.mayFollow(others, l.opt.Flushers, l.rows)
	}
	return others < l.opt.Flushers
}

// start runs another flusher if there is work and a free place. mu is held.
func (l *Lane[I, R]) start() {
	if l.mayStart() {
		l.flying++
		l.opt.Group.Go(func() { l.fly(nil) })
	}
}

// takeBack abandons the units that have not been sent and answers them.
func (l *Lane[I, R]) takeBack(ctx context.Context, units []*unit[I, R]) {
	l.mu.Lock()
	rows := 0
	var back []*unit[I, R]
	for _, u := range units {
		if u.sent {
			u.call.gone = fault.FromContext(ctx)
		} else if !u.abandoned && u.err == nil { // with an error it was never queued
			u.abandoned = true
			back = append(back, u)
			rows += len(u.items)
		}
	}
	if rows > 0 {
		l.leave(rows)
	}
	l.mu.Unlock()
	fail(back, fault.FromContext(ctx))
}

// leave gives the room of n rows back. mu is held.
func (l *Lane[I, R]) leave(n int) {
	l.rows -= n
	close(l.room)
	l.room = make(chan struct{})
}

// fly flushes until nothing waits, or until own, a caller who flies in person, has
// its answers or waits for them beside the lane; then another flusher takes over. It
// lives only while there is work, so an idle lane costs no goroutine.
func (l *Lane[I, R]) fly(own *caller) {
	self, orderly := &flusher{}, false
	defer func() {
		if !orderly { // a panic is on its way up to the group's report
			l.hand(self)
		}
	}()
	for {
		units, rows := l.next(self)
		if units == nil {
			orderly = true
			return
		}
		carry := l.opt.Flush
		if l.opt.FlushInTurn != nil {
			carry = l.inTurn(self, rows)
		}
		l.flush(units, rows, carry)
		if own != nil && (own.left.Load() == 0 || own.held.Load()) {
			orderly = true
			l.hand(self)
			return
		}
	}
}

// hand gives up a flusher's place, to another one if something waits.
func (l *Lane[I, R]) hand(self *flusher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns.end(self)
	l.retire()
	l.start()
}

// next takes the units of one flush; nil when nothing waits, and then the
// flusher's place has been given up under the same lock.
func (l *Lane[I, R]) next(self *flusher) ([]*unit[I, R], int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns.end(self)
	if !l.mayFollow(l.flying - 1) { // one of those starts the next flusher
		l.retire()
		return nil, 0
	}
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
	if l.opt.FlushInTurn != nil {
		l.turns.take(self)
	}
	l.start()
	return units, rows
}

// retire gives up a flusher's place. mu is held.
func (l *Lane[I, R]) retire() {
	l.flying--
	l.endIfIdle()
}

// endIfIdle ends a closed lane that has nothing left to do. mu is held.
func (l *Lane[I, R]) endIfIdle() {
	if l.closed && l.flying == 0 && len(l.waiting) == 0 && !l.held.tried {
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
	waiting, flying := l.rows, l.flying
	if l.held.tried {
		flying++
	}
	l.mu.Unlock()
	return Stats{
		Flushes: l.flushes.Load(), Rows: l.carried.Load(), Largest: l.largest.Load(),
		Waited: time.Duration(l.waited.Load()), Waiting: int64(waiting), Flying: int64(flying),
	}
}

// Close refuses new calls and waits until the accepted ones are answered, or ctx
// ends. What waits for transactions of somebody else is refused as well. A second
// Close waits likewise.
func (l *Lane[I, R]) Close(ctx context.Context) error {
	var held []*unit[I, R]
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		held = l.letGo()
		l.start() // what was begun and nobody waits for yet
		l.endIfIdle()
	}
	l.mu.Unlock()
	fail(held, errClosed())
	select {
	case <-l.idle:
		return nil
	case <-ctx.Done():
		return fault.FromContext(ctx)
	}
}
