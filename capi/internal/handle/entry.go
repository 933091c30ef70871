package handle

import "sync/atomic"

// Closer is implemented by objects that act when their name is given up, for
// example by ending calls that only wait. Closed runs once, without locks held,
// on the thread that gave the name up: it must be quick.
type Closer interface{ Closed() }

// Freer is implemented by objects that own something outside the Go heap, or
// that end when nothing uses them any more. Freed runs once, after Closed, on
// whichever goroutine let go last: it must be quick.
type Freer interface{ Freed() }

// Entry is an object together with the number of its users: the table itself
// while the name is valid, and every pin.
type Entry struct {
	value any
	refs  atomic.Int64
}

// Value returns the object.
func (e *Entry) Value() any { return e.value }

// Pin adds a user. It is legal only for somebody who already is one.
func (e *Entry) Pin() { e.refs.Add(1) }

// Release ends one use. The last one tells the object.
func (e *Entry) Release() {
	if e.refs.Add(-1) != 0 {
		return
	}
	if f, ok := e.value.(Freer); ok {
		f.Freed()
	}
}
