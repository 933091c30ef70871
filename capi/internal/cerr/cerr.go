package cerr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
)

// Status is the outcome of a call as a number: 0 OK, negative a failure. Twin of
// the PGQRS_E_ constants of include/pgqrs.h.
type Status int32

// String returns the text of pgqrs_status_text.
func (s Status) String() string {
	if text, ok := texts[s]; ok {
		return text
	}
	return "unknown status"
}

// Failure is a failure of the boundary itself, before or beside core.
type Failure struct {
	Status Status
	Field  string // the argument at fault, or empty
	Text   string // empty: the text of the status
}

// New returns a Failure that no argument is to blame for.
func New(status Status, format string, args ...any) *Failure {
	return &Failure{Status: status, Text: fmt.Sprintf(format, args...)}
}

// Argument returns INVALID_ARGUMENT for a named argument.
func Argument(field, format string, args ...any) *Failure {
	return &Failure{Status: InvalidArgument, Field: field, Text: field + ": " + fmt.Sprintf(format, args...)}
}

// Error returns the text.
func (f *Failure) Error() string {
	if f.Text == "" {
		return f.Status.String()
	}
	return f.Text
}

// Flags of a Record. Twins of PGQRS_ERROR_TRANSIENT and PGQRS_ERROR_SAFE_TO_RETRY.
const (
	FlagTransient   uint32 = 1 << 0
	FlagSafeToRetry uint32 = 1 << 1
)

// Record is everything the boundary tells about a failure.
type Record struct {
	Status       Status
	Message      string
	Operation    string
	Field        string
	SQLState     string // five characters, or empty
	RetryAfterMS int64
	Flags        uint32
}

// Of returns the record of an error; operation is used where the error does not
// name its own. An error that is nobody's is INTERNAL.
func Of(operation string, err error) Record {
	var failure *Failure
	var fe *fault.Error
	switch {
	case errors.As(err, &failure):
		return Record{
			Status: failure.Status, Message: failure.Error(), Operation: operation, Field: failure.Field,
			Flags: boundaryFlags(failure.Status),
		}
	case errors.As(err, &fe):
		return ofFault(operation, fe)
	case errors.Is(err, context.Canceled):
		return ofFault(operation, &fault.Error{Kind: fault.Cancelled})
	case errors.Is(err, context.DeadlineExceeded):
		return ofFault(operation, &fault.Error{Kind: fault.Timeout})
	}
	return Record{Status: Internal, Message: err.Error(), Operation: operation}
}

// StatusOf returns only the status of an error, OK for nil.
func StatusOf(err error) Status {
	if err == nil {
		return OK
	}
	return Of("", err).Status
}

func ofFault(operation string, e *fault.Error) Record {
	status, known := ofKind[e.Kind]
	if !known {
		status = Internal
	}
	r := Record{Status: status, Message: message(e, status), Operation: operation, Field: e.Field}
	if e.Op != "" {
		r.Operation = e.Op
	}
	if len(e.SQLState) == 5 {
		r.SQLState = e.SQLState
	} else if e.SQLState != "" && !strings.Contains(r.Message, e.SQLState) {
		r.Message += " (" + e.SQLState + ")" // an engine's own code has no field
	}
	if e.RetryAfter > 0 {
		r.RetryAfterMS = int64((e.RetryAfter + time.Millisecond - 1) / time.Millisecond)
	}
	if fault.IsTransient(e) {
		r.Flags |= FlagTransient
	}
	if fault.SafeToRetry(e) {
		r.Flags |= FlagSafeToRetry
	}
	return r
}

// message is the text without the operation, which has its own field.
func message(e *fault.Error, status Status) string {
	switch {
	case e.Text != "":
		return e.Text
	case e.Cause != nil:
		return status.String() + ": " + e.Cause.Error()
	}
	return status.String()
}

// boundaryFlags says of a status what the boundary knows without an error.
func boundaryFlags(s Status) uint32 {
	switch s {
	case Busy, Timeout:
		return FlagTransient | FlagSafeToRetry
	case InvalidArgument, Handle, State, ABIMismatch, Closed, Cancelled, Forked, Poisoned:
		return FlagSafeToRetry // refused before anything was done
	}
	return 0
}
