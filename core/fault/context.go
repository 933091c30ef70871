package fault

import (
	"context"
	"errors"
)

// FromContext turns the end of a context into an error that promises nothing
// was committed: Timeout for a deadline, Cancelled otherwise. Call it only where
// that is known to be true.
func FromContext(ctx context.Context) *Error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Timeout, Text: "deadline passed, nothing was committed", Cause: err, Safe: true}
	}
	return &Error{Kind: Cancelled, Text: "cancelled, nothing was committed", Cause: err, Safe: true}
}

// Late answers a caller whose deadline passed while its statement was on its way:
// nobody knows yet what becomes of it.
func Late(ctx context.Context) *Error {
	return &Error{
		Kind: OutcomeUnknown, Cause: ctx.Err(),
		Text: "deadline passed while the statement was on its way: it may or may not have been committed",
	}
}
