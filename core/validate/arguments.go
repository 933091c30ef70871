package validate

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgqrs/pgqrs/core/fault"
)

// The limits of single arguments.
const (
	// MaxNameBytes limits the names of queues, workflows, steps and hosts, and
	// dedup keys.
	MaxNameBytes = 255
	// MaxBatch limits how many messages one call may ask for or carry; core/config
	// has the same number in its table.
	MaxBatch = 100_000
	// MaxSpan limits delays and leases: 100 years, which added to any present
	// instant stays within the timestamps of both engines and of Python.
	MaxSpan = 100 * 8766 * time.Hour
	// MinLease is the resolution of both engines' clocks; a shorter lease would
	// be none.
	MinLease = time.Microsecond
)

// Queue reports whether name can be a queue's name: 1 to 255 bytes of UTF-8
// without NUL. Quotes, spaces and dots are allowed. The error is
// fault.InvalidArgument for "queue".
func Queue(name string) error { return named("queue", name) }

// Workflow is Queue for the name of a workflow, which is its queue's too. The
// error is fault.InvalidArgument for "workflow".
func Workflow(name string) error { return named("workflow", name) }

// Step is Queue for the name of a workflow's step. The error is
// fault.InvalidArgument for "step".
func Step(name string) error { return named("step", name) }

// DedupKey reports whether key can be a message's dedup key, as a queue's name; it
// may be empty, for none. The error is fault.InvalidArgument for "dedup_key".
func DedupKey(key string) error { return label("dedup_key", key) }

func named(field, name string) error {
	if name == "" {
		return fault.Argument(field, "is empty; give the %s's name", field)
	}
	return label(field, name)
}

// Hostname reports whether s can be a worker's host name, which is only a
// label: at most 255 bytes of UTF-8 without NUL, empty for none. The error is
// fault.InvalidArgument for "hostname".
func Hostname(s string) error { return label("hostname", s) }

func label(field, s string) error {
	switch {
	case len(s) > MaxNameBytes:
		return fault.Argument(field, "has %d bytes; at most %d are allowed", len(s), MaxNameBytes)
	case !utf8.ValidString(s):
		return fault.Argument(field, "is not valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		return fault.Argument(field, "holds a NUL character, which no database stores; remove it")
	}
	return nil
}

// Port reports whether n can be a worker's port, which is only a label: 0 (none)
// to 65535. The error is fault.InvalidArgument for "port".
func Port(n int) error {
	if n < 0 || n > 65535 {
		return fault.Argument("port", "is %d; give 0 to 65535, 0 for none", n)
	}
	return nil
}

// Batch reports whether n messages may be asked for at once: 1 to 100,000. The
// error is fault.InvalidArgument for "batch_size".
func Batch(n int) error {
	if n < 1 || n > MaxBatch {
		return fault.Argument("batch_size", "is %d; give 1 to %d", n, MaxBatch)
	}
	return nil
}

// Delay reports whether a message may be enqueued with delay d: 0 to 100 years.
// The error is fault.InvalidArgument for "delay_seconds".
func Delay(d time.Duration) error { return span("delay_seconds", d, 0) }

// Lease reports whether messages may be leased for d: one microsecond to 100
// years. The error is fault.InvalidArgument for "vt".
func Lease(d time.Duration) error { return span("vt", d, MinLease) }

// Extension reports whether a lease may be extended by d: 0 to 100 years. The
// error is fault.InvalidArgument for "seconds".
func Extension(d time.Duration) error { return span("seconds", d, 0) }

func span(field string, d, least time.Duration) error {
	switch {
	case d < 0:
		return fault.Argument(field, "is negative (%v); give a span of time ahead", d)
	case d < least:
		return fault.Argument(field, "is %v; give more than 0 seconds", d)
	case d > MaxSpan:
		return fault.Argument(field, "is over 100 years; give seconds, not milliseconds or an instant")
	}
	return nil
}

// Instant reports whether t, given as the named argument, can be stored: the
// years 1970 to 9999, which both engines and Python's datetime hold. The error
// is fault.InvalidArgument for that field.
func Instant(field string, t time.Time) error {
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		return fault.Argument(field, "lies outside the years 1970 to 9999; give an instant, in UTC or with an offset")
	}
	return nil
}

// OptionalInstant is Instant where the zero time means that none was given.
func OptionalInstant(field string, t time.Time) error {
	if t.IsZero() {
		return nil
	}
	return Instant(field, t)
}

// Attempts reports whether a step may be tried n times: 0 (the default) to
// 1,000,000,000. The error is fault.InvalidArgument for "max_attempts".
func Attempts(n int) error {
	if n < 0 || n > 1_000_000_000 {
		return fault.Argument("max_attempts", "is %d; give 1 to 1000000000, 0 for the default", n)
	}
	return nil
}

// IDs reports whether all ids can be a message's or worker's: positive. Unknown
// and duplicate ids are no error here. The error is fault.InvalidArgument for
// "ids" and gives the position.
func IDs(ids []int64) error {
	for i, id := range ids {
		if id <= 0 {
			return fault.Argument("ids", "number %d of the list is %d; ids are positive", i, id)
		}
	}
	return nil
}

// Contained reports whether payloads can be searched for p: a JSON document that
// both engines read, whatever the rules for payloads are. The error is
// fault.InvalidArgument for "payload", tells where p is wrong and never quotes it.
func Contained(p []byte) error {
	err := Rules{MaxPayloadBytes: MaxPayloadBytes, MaxDepth: MaxDepth}.Payload(p)
	var why *fault.Error
	if errors.As(err, &why) {
		return &fault.Error{Kind: fault.InvalidArgument, Field: why.Field, Text: why.Text, Safe: true}
	}
	return err
}
