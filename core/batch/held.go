package batch

import (
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
)

// held are the units that wait for transactions of somebody else, first come first.
// Their rows count as waiting. Guarded by Lane.mu.
type held[I, R any] struct {
	units []*unit[I, R] // may hold abandoned units
	tried bool          // a goroutine tries them
}

// hold has a unit wait beside the lane, so that its flush and those that follow do
// not. It is answered with err when that was said for too long, and at once when its
// caller has given it up or the lane is closed: nothing of it is stored.
func (l *Lane[I, R]) hold(u *unit[I, R], err error) {
	l.mu.Lock()
	if !u.call.held.Swap(true) {
		u.call.until = time.Now().Add(l.opt.HeldFor)
	}
	switch {
	case u.call.gone != nil:
		err = u.call.gone
	case l.closed:
		err = errClosed()
	case time.Now().Before(u.call.until):
		err = nil
		u.sent = false
		l.rows += len(u.items)
		l.held.units = append(l.held.units, u)
		if !l.held.tried {
			l.held.tried = true
			l.opt.Group.Go(l.tryHeld)
		}
	}
	l.mu.Unlock()
	if err != nil {
		fail([]*unit[I, R]{u}, err)
	}
}

// tryHeld tries the held units, one after the other and each again at the end of the
// line, until none is left.
func (l *Lane[I, R]) tryHeld() {
	orderly := false
	defer func() {
		if !orderly { // a panic is on its way up to the group's report
			l.opt.Group.Go(l.tryHeld)
		}
	}()
	for {
		u := l.nextHeld()
		if u == nil {
			orderly = true
			return
		}
		l.flush([]*unit[I, R]{u}, len(u.items), l.opt.FlushHeld)
	}
}

// nextHeld takes a unit; nil when none is held, and then nobody tries any more.
func (l *Lane[I, R]) nextHeld() *unit[I, R] {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.held.units) > 0 {
		u := l.held.units[0]
		l.held.units[0] = nil
		l.held.units = l.held.units[1:]
		if !u.abandoned {
			u.sent = true
			l.leave(len(u.items))
			return u
		}
	}
	l.held = held[I, R]{}
	l.endIfIdle()
	return nil
}

// letGo takes the held units out, which the caller has to answer. mu is held.
func (l *Lane[I, R]) letGo() []*unit[I, R] {
	var units []*unit[I, R]
	for _, u := range l.held.units {
		if !u.abandoned {
			u.sent = true
			l.leave(len(u.items))
			units = append(units, u)
		}
	}
	l.held.units = nil
	return units
}

func errClosed() *fault.Error {
	return &fault.Error{Kind: fault.Closed, Text: "the store is closed", Safe: true}
}
