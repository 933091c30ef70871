package fault

import (
	"errors"
	"fmt"
	"time"
)

// Error is the one error type of pgqrs. All fields but Kind may be zero.
type Error struct {
	Kind Kind
	// Op is the operation in the words of the API, for example "enqueue".
	Op string
	// Field names the argument, option or entity at fault, for example
	// "delay_seconds" or a queue's name.
	Field string
	// Text is the sentence for people: what is wrong and what mends it. It never
	// holds a password or a payload.
	Text string
	// SQLState is PostgreSQL's five-character code, or "SQLITE_BUSY" and the like.
	SQLState string
	// RetryAfter is how long a rate-limited caller, one who needs what somebody else's
	// transaction has (Held) and has hardly waited for it, or a step that is not ready,
	// should wait.
	RetryAfter time.Duration
	// Safe reports that the same call may be repeated: nothing was stored or, with
	// OutcomeUnknown, a repetition stores nothing twice.
	Safe bool
	// RowFault reports that a row of the batch caused the failure, so that the
	// batch without it would have gone through (core/batch bisects on this).
	RowFault bool
	// Held reports that the row in question waits for a transaction of somebody else:
	// nothing was stored, and the same row may go through when that has ended
	// (core/batch has it wait apart from the others).
	Held bool
	// Cause is the error underneath, for errors.Is and errors.As.
	Cause error
}

// Error returns "op: text", or the kind in words where there is no text.
func (e *Error) Error() string {
	text := e.Text
	if text == "" {
		text = e.Kind.String()
		if e.Cause != nil {
			text += ": " + e.Cause.Error()
		}
	}
	if e.Op != "" {
		return e.Op + ": " + text
	}
	return text
}

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an *Error of the same Kind that says nothing
// more, which makes errors.Is(err, fault.Of(fault.QueueNotFound)) work.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Op == "" && t.Text == "" && t.Cause == nil
}

// Of returns a bare error of a kind, to compare with errors.Is.
func Of(kind Kind) *Error { return &Error{Kind: kind} }

// New returns an error of a kind with a formatted text. A %w verb sets Cause.
func New(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Text: err.Error(), Cause: errors.Unwrap(err)}
}

// Argument returns InvalidArgument for a named argument.
func Argument(field, format string, args ...any) *Error {
	return &Error{Kind: InvalidArgument, Field: field, Text: field + ": " + fmt.Sprintf(format, args...), Safe: true}
}

// WithOp returns err with Op filled in when it is an *Error without one. Other
// errors are wrapped as Internal. A nil error stays nil.
func WithOp(op string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Kind: Internal, Op: op, Cause: err}
	}
	if e.Op != "" {
		return err
	}
	c := *e // a copy: one flush's error may be handed to many callers
	c.Op = op
	return &c
}

// KindOf returns the Kind of err; Internal for errors that are not ours.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of a kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// IsTransient reports whether the same call may succeed later without anybody
// changing anything: lost connections, full pools, timeouts, rate limits, steps
// that wait for their next attempt.
func IsTransient(err error) bool {
	switch KindOf(err) {
	case Connect, PoolExhausted, OutcomeUnknown, Timeout, RateLimited, TransientStep, StepNotReady:
		return true
	case Database:
		return SafeToRetry(err)
	}
	return false
}

// IsRateLimited reports whether err asks the caller to wait RetryAfter.
func IsRateLimited(err error) bool { return Is(err, RateLimited) }

// SafeToRetry reports whether a repetition of the same call stores nothing twice:
// it is certain that nothing was stored, or every message has a dedup key.
func SafeToRetry(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case Connect, Cancelled, Timeout, PoolExhausted, RateLimited:
		return true
	}
	return e.Safe
}

// ByRow marks the error as caused by one row of a batch, and returns it.
func (e *Error) ByRow() *Error {
	e.RowFault = true
	return e
}

// IsRowFault reports whether one row of a batch is to blame.
func IsRowFault(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.RowFault
}

// IsHeld reports whether a row waits for a transaction of somebody else.
func IsHeld(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Held
}
