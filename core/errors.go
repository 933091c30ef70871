package core

import (
	"errors"

	"github.com/pgqrs/pgqrs/core/fault"
)

// errClosed is the answer of a closed store, producer or consumer.
func errClosed(what string) error {
	return &fault.Error{
		Kind: fault.Closed, Field: what, Safe: true,
		Text: "the " + what + " is closed; open a new one",
	}
}

// named fills in the operation and, where the engine could only know a queue's
// id, the name its user knows.
func named(op, queue string, err error) error {
	if err == nil {
		return nil
	}
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.QueueNotFound && queue != "" {
		c := *e
		c.Field, c.Text = queue, "Queue '"+queue+"' not found; create it with create_queue() first"
		err = &c
	}
	return fault.WithOp(op, err)
}

// errNotJSON is the answer to a value encoding/json cannot encode.
func errNotJSON(err error) error {
	return &fault.Error{
		Kind: fault.Serialization, Field: "payload", Cause: err, Safe: true,
		Text: "payload: not encodable as JSON: " + err.Error(),
	}
}
