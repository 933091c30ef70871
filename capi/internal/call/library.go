package call

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

// Library is the process's set of handles and running calls. Make it with New.
type Library struct {
	Handles handle.Table

	closeAll func(context.Context) error
	ctx      context.Context // ends calls that are still there at the end of a shutdown
	stop     context.CancelCauseFunc
	calls    tracker
	down     chan struct{} // closed when a shutdown is over
}

// The reasons a call may be ended with, other than its own cancel.
var (
	errClosed   = &cerr.Failure{Status: cerr.Closed}
	errPoisoned = &cerr.Failure{Status: cerr.Poisoned}
)

// New returns a library; closeAll ends every store at its shutdown.
func New(closeAll func(context.Context) error) *Library {
	l := &Library{closeAll: closeAll, down: make(chan struct{})}
	l.ctx, l.stop = context.WithCancelCause(context.Background())
	guard.OnPoison(func() {
		l.stop(errPoisoned)
		l.endQueues(cerr.Poisoned)
	})
	return l
}

// Reply is what a call came to: an object that gets a handle, or nothing.
type Reply struct {
	Kind  handle.Kind
	Value any
	// Short, when not nil, is a result of one number, which a queue may deliver in
	// the completion itself; Value is then made only where it is needed.
	Short *Short
}

// Short is a result of one number.
type Short struct {
	Number int64
	Make   func() (any, error) // the Value of the reply
}

// Nothing is the Reply of a call without a result.
var Nothing Reply

// Name gives the object of a reply its handle; 0 for Nothing. It fails where the
// Value is still to be made and cannot be.
func (l *Library) Name(r Reply) (handle.Handle, error) {
	if r.Kind == 0 {
		return 0, nil
	}
	if r.Short != nil {
		var err error
		if r.Value, err = r.Short.Make(); err != nil {
			return 0, err
		}
	}
	return l.Handles.Insert(r.Kind, r.Value), nil
}

// Discarder is implemented by results that hold something worth giving back when
// nobody will handle them.
type Discarder interface{ Discard() }

// Discard closes a result, or an object that an open call came to, which nobody
// will handle. It reports whether the handle was valid.
func (l *Library) Discard(h handle.Handle) bool {
	e := l.Handles.Take(h, handle.Result, handle.Store, handle.Producer, handle.Consumer)
	if e == nil {
		return false
	}
	defer e.Release()
	if d, ok := e.Value().(Discarder); ok {
		d.Discard()
	}
	return true
}

// Close gives up the name of any object and reports whether it was valid. An op
// is left alone: it goes stale by itself.
func (l *Library) Close(h handle.Handle) bool {
	if h.Kind() != handle.Op {
		return l.Handles.Remove(h)
	}
	e := l.Handles.Acquire(h)
	if e != nil {
		e.Release()
	}
	return e != nil
}

// Acquire pins the target of a call, or fails with HANDLE naming what was wanted.
func (l *Library) Acquire(h handle.Handle, want ...handle.Kind) (*handle.Entry, error) {
	if e := l.Handles.Acquire(h, want...); e != nil {
		return e, nil
	}
	return nil, &cerr.Failure{
		Status: cerr.Handle, Field: want[0].String(),
		Text: "the handle is not an open " + want[0].String() + ": it was closed before, or is of another kind",
	}
}

// admit counts a call in, or says why there are no more calls.
func (l *Library) admit() error {
	if guard.IsPoisoned() {
		return errPoisoned
	}
	if !l.calls.enter() {
		return &cerr.Failure{Status: cerr.Closed, Text: "the library was shut down: this process can no longer use it"}
	}
	return nil
}

// Background runs f, which ends something nobody waits for; a shutdown waits for
// it, and ends its context when its time is up.
func (l *Library) Background(f func(context.Context)) {
	l.calls.add()
	guard.Go(func() {
		defer l.calls.leave()
		f(l.ctx)
	})
}

func (l *Library) endQueues(status cerr.Status) {
	l.Handles.Each(handle.Queue, func(_ handle.Handle, e *handle.Entry) {
		e.Value().(*Queue).End(status)
	})
}

// sink connects the queues to the handles of what they let go of.
type sink struct{ *Library }

func (s sink) Retire(op uint64) { s.Handles.Remove(handle.Handle(op), handle.Op) }

func (s sink) Discard(c cq.Completion) {
	if c.Flags&cq.Value == 0 {
		s.Library.Discard(handle.Handle(c.Result))
	}
	s.Handles.Remove(handle.Handle(c.Error), handle.Error)
}
