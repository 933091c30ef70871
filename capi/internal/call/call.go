package call

import (
	"context"
	"errors"
	"time"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

// Call is one thing to do.
type Call[T any] struct {
	Operation string        // in the words of the API, for error records
	Target    *handle.Entry // pinned; the call releases it, also when it is refused
	Do        func(context.Context) (T, error)
	// Begin, when not nil, runs on the thread of the caller once the call was
	// accepted, so in the order of the calls, and returns what is to be done. It must
	// be quick.
	Begin func() func(context.Context) (T, error)
	// Ended, when not nil, ends the call early: its target is being closed.
	Ended context.Context
	// Messages is how many messages the call carries; 0 where that is not known.
	Messages int
}

// lone is how many messages a call carries at most whose caller is taken to wait for
// nothing else. Many coroutines' calls cross as one, and their results keep the host busy.
const lone = 4

// Local is implemented by targets whose calls may be done by this process alone,
// without a server.
type Local interface{ Local() bool }

// goroutine returns what gives the call a goroutine, one that may stay awake for the next
// where this one is lone. It looks at the target, so it comes before the call runs.
func (c Call[T]) goroutine() func(func()) {
	if c.Target != nil && c.Messages <= lone {
		if l, ok := c.Target.Value().(Local); ok && l.Local() {
			return guard.GoLocal
		}
	}
	return guard.Go
}

// op is a running asynchronous call, as its handle names it.
type op struct{ cancel context.CancelCauseFunc }

// Submit accepts a call: exactly one completion with userData will arrive on the
// queue. On an error none will. accepted hears the handle of the op before the
// completion can arrive, so that it may write where the caller reads.
func Submit(l *Library, queue handle.Handle, userData uint64, c Call[Reply], accepted func(handle.Handle)) error {
	q, err := l.reserve(queue)
	if err != nil {
		c.release()
		return err
	}
	l.start(q, userData, c, accepted)
	return nil
}

// Emit hands out one of several replies of a call, flagged MORE. It does not wait.
// An error ends the call, and is how it ends.
type Emit func(Reply, error)

// Stream accepts a multi-shot call. begin runs on the thread of the caller once the
// call was accepted and is given what hands out replies; it returns what is done
// until the end, which is the last completion. No reply may be handed out after
// that. c.Do and c.Begin are not used.
func Stream(
	l *Library, queue handle.Handle, userData uint64, c Call[Reply], begin func(Emit) func(context.Context) error,
	accepted func(handle.Handle),
) error {
	q, err := l.reserve(queue)
	if err != nil {
		c.release()
		return err
	}
	broken, fail := context.WithCancelCause(context.Background())
	emit := func(r Reply, err error) {
		var name handle.Handle
		if err == nil {
			name, err = l.Name(r)
		}
		if err != nil {
			fail(err)
			return
		}
		q.Post(cq.Completion{UserData: userData, Flags: cq.More, Result: uint64(name)}, 0)
	}
	c.Begin = func() func(context.Context) (Reply, error) {
		do := begin(emit)
		return func(ctx context.Context) (Reply, error) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(broken, cancel)()
			err := do(ctx)
			if broken.Err() != nil {
				err = context.Cause(broken)
			}
			return Nothing, err
		}
	}
	l.start(q, userData, c, accepted)
	return nil
}

// start runs a call that was counted in.
func (l *Library) start(q *Queue, userData uint64, c Call[Reply], accepted func(handle.Handle)) {
	ctx, cancel := context.WithCancelCause(q.ctx)
	h := l.Handles.Insert(handle.Op, &op{cancel: cancel})
	accepted(h)
	if c.Begin != nil {
		c.Do = c.Begin()
	}
	c.goroutine()(func() {
		defer l.calls.leave()
		defer cancel(nil)
		reply, panicked, err := c.run(ctx, cancel)
		q.Post(l.completion(q, userData, c.Operation, reply, err), uint64(h))
		panicked.Report() // only now: after it nothing is delivered for sure
	})
}

// reserve counts a call in and makes room for its completion.
func (l *Library) reserve(queue handle.Handle) (*Queue, error) {
	e, err := l.Acquire(queue, handle.Queue)
	if err != nil {
		return nil, err
	}
	defer e.Release()
	if err := l.admit(); err != nil {
		return nil, err
	}
	q := e.Value().(*Queue)
	if err := q.Reserve(); err != nil {
		l.calls.leave()
		return nil, err
	}
	return q, nil
}

func (l *Library) completion(q *Queue, userData uint64, operation string, reply Reply, err error) cq.Completion {
	if err == nil && reply.Short != nil && q.Values() {
		return cq.Completion{UserData: userData, Flags: cq.Value, Result: uint64(reply.Short.Number)}
	}
	if err == nil {
		var name handle.Handle
		if name, err = l.Name(reply); err == nil {
			return cq.Completion{UserData: userData, Result: uint64(name)}
		}
	}
	r := cerr.Of(operation, err)
	return cq.Completion{UserData: userData, Status: r.Status, Error: uint64(l.Fail(r))}
}

// Cancel asks for the end of an op and reports whether its handle was valid.
func (l *Library) Cancel(h handle.Handle) bool {
	e := l.Handles.Acquire(h, handle.Op)
	if e == nil {
		return false
	}
	defer e.Release()
	e.Value().(*op).cancel(nil)
	return true
}

// Wait runs a call and waits for its outcome on this thread, at most for timeout
// (negative: for ever).
func Wait[T any](l *Library, timeout time.Duration, c Call[T]) (T, error) {
	var none T
	if err := l.admit(); err != nil {
		c.release()
		return none, err
	}
	ctx, cancel := context.WithCancelCause(l.ctx)
	if timeout >= 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, timeout)
		defer stop()
	}
	type outcome struct {
		value T
		err   error
	}
	// A goroutine of its own: a panic elsewhere in the library may leave this call
	// waiting for ever, but not its caller.
	done := make(chan outcome, 1)
	c.goroutine()(func() {
		defer l.calls.leave()
		defer cancel(nil)
		value, panicked, err := c.run(ctx, cancel)
		done <- outcome{value, err}
		panicked.Report()
	})
	select {
	case o := <-done:
		return o.value, o.err
	case <-guard.Poisoned():
	}
	select {
	case o := <-done: // perhaps this very call panicked and says INTERNAL, or ended at last
		return o.value, o.err
	case <-time.After(poisonGrace):
		return none, errPoisoned
	}
}

// poisonGrace is how long a waiting caller lets its call end by itself after a
// panic somewhere in the library.
const poisonGrace = 100 * time.Millisecond

// run does the call and tells why it ended when that was not its own doing. A
// panic is the caller's to report, after it has delivered the error.
func (c Call[T]) run(ctx context.Context, cancel context.CancelCauseFunc) (value T, panicked *guard.Panic, err error) {
	defer c.release()
	if c.Ended != nil {
		defer context.AfterFunc(c.Ended, func() { cancel(errClosed) })()
	}
	panicked = guard.Catch(func() { value, err = c.Do(ctx) })
	if panicked != nil {
		return value, panicked, cerr.New(cerr.Internal, "a panic stopped the library: restart the process")
	}
	// Cancelled means "nothing was committed": then the cause may be named. The
	// reverse is not true, a cancelled context leaves other outcomes as they are.
	var cause *cerr.Failure
	if err != nil && cerr.StatusOf(err) == cerr.Cancelled && errors.As(context.Cause(ctx), &cause) {
		err = cause
	}
	return value, nil, err
}

// Refuse lets go of the target of a call that will not be made.
func (c Call[T]) Refuse() { c.release() }

func (c Call[T]) release() {
	if c.Target != nil {
		c.Target.Release()
	}
}
