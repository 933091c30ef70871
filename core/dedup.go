package core

import (
	"errors"
	"slices"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// dedupKey is the key of message i, empty for none.
func (o EnqueueOptions) dedupKey(i int) string {
	if len(o.DedupKeys) == 0 {
		return ""
	}
	return o.DedupKeys[i]
}

// repeatable says of an error that leaves open whether messages were stored that
// the call may be repeated all the same, when every one of them has a dedup key.
func repeatable(err error, messages []model.NewMessage) error {
	var unknown *fault.Error
	if !errors.As(err, &unknown) || unknown.Kind != fault.OutcomeUnknown ||
		slices.ContainsFunc(messages, func(m model.NewMessage) bool { return m.DedupKey == "" }) {
		return err
	}
	e := *unknown // a copy: the flush's error is handed to others, too
	e.Safe = true
	e.Text += "; repeat the call with the same dedup key, which stores nothing twice"
	return &e
}
