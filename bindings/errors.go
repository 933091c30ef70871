package bindings

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Status says what went wrong, by the numbers of the C ABI. It is an error itself,
// so that errors.Is(err, bindings.QueueNotFound) asks for it.
type Status int32

// Error returns the status in words.
func (s Status) Error() string {
	if row, ok := statuses[s]; ok {
		return row.text
	}
	return "unknown status"
}

// String returns the name of the status in the header, for example
// "QUEUE_NOT_FOUND".
func (s Status) String() string {
	if row, ok := statuses[s]; ok {
		return row.name
	}
	return fmt.Sprintf("STATUS(%d)", int32(s))
}

// Error is the one error type of this package. All fields but Status may be zero.
type Error struct {
	Status Status
	// Op is the operation, for example "enqueue".
	Op string
	// Field names the argument, option or entity at fault.
	Field string
	// Text is the sentence for people: what is wrong and what mends it. It never
	// holds a password or a payload.
	Text string
	// SQLState is PostgreSQL's five-character code.
	SQLState string
	// RetryAfter is how long a caller should wait who is rate limited.
	RetryAfter time.Duration

	transient, safe bool
	cause           error // of the context that ended
}

// Error returns the operation and what is known best about the failure.
func (e *Error) Error() string {
	text := e.Text
	if text == "" {
		text = e.Status.Error()
	}
	if e.Op == "" {
		return text
	}
	return e.Op + ": " + text
}

// Is reports whether target is the status of e.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap returns the context's error where the end of a context ended the call.
func (e *Error) Unwrap() error { return e.cause }

// StatusOf returns the status of err: OK for nil, Internal for errors that are not
// this package's.
func StatusOf(err error) Status {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return Internal
}

// IsTransient reports whether the same call may succeed later without anybody
// changing anything.
func IsTransient(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.transient
}

// IsRateLimited reports whether err asks the caller to wait RetryAfter.
func IsRateLimited(err error) bool { return errors.Is(err, RateLimited) }

// SafeToRetry reports whether it is certain that nothing was stored.
func SafeToRetry(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.safe
}

// ended is the answer to a call whose context ended before anything was stored.
func ended(ctx context.Context) *Error {
	e := &Error{Status: Cancelled, safe: true, cause: ctx.Err()}
	if errors.Is(e.cause, context.DeadlineExceeded) {
		e.Status, e.transient = Timeout, true
	}
	return e
}

// failure reads and closes an error of the library; 0 is one without details.
func (l *library) failure(status int32, h cHandle) *Error {
	e := &Error{Status: Status(status)}
	if h != 0 {
		l.visit(func() { l.explain(e, h) })
	}
	return e
}

// explain fills in the details of an error and closes its handle.
func (l *library) explain(e *Error, h cHandle) {
	defer l.close(h)
	var d cErrorDetail
	d.structSize = sizeOf(d)
	if l.errorInfo(h, &d) != int32(OK) {
		return
	}
	e.Op, e.Field, e.Text = d.operation.text(), d.field.text(), d.message.text()
	for i, c := range d.sqlstate {
		if c == 0 {
			e.SQLState = string(d.sqlstate[:i])
			break
		}
	}
	e.RetryAfter = time.Duration(d.retryAfterMs) * time.Millisecond
	e.transient, e.safe = d.flags&cErrorTransient != 0, d.flags&cErrorSafeToRetry != 0
}
