package sqlite

import (
	"context"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// messageNotFound is the fault of an id without a message, in the queue or in
// the archive.
func messageNotFound(id int64, where string) error {
	err := fault.New(fault.MessageNotFound, "Message %d not found in %s", id, where)
	err.Safe = true
	return err
}

// GetMessage implements engine.Messages.
func (e *store) GetMessage(ctx context.Context, id int64) (m model.Message, err error) {
	err = e.read(ctx, func(c *conn) error {
		var found bool
		var err error
		m, found, err = selectOne(c, "message_by_id", scanMessage, id)
		if err == nil && !found {
			err = messageNotFound(id, "any queue")
		}
		return err
	})
	return m, err
}

// ListMessages implements engine.Messages.
func (e *store) ListMessages(ctx context.Context, f engine.Filter, page model.Page) (list []model.Message, err error) {
	limit, offset := pageArgs(page)
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, "message_list", scanMessage, selecting(f, limit, offset)...)
		return err
	})
	return list, err
}

// CountMessages implements engine.Messages.
func (e *store) CountMessages(ctx context.Context, f engine.Filter) (int64, error) {
	switch {
	case f.WorkerID != 0 || f.MinReads > 0 || f.Contains != "":
		return e.count(ctx, "message_count", selecting(f)...)
	case f.QueueID != 0:
		return e.count(ctx, "message_count_queue", f.QueueID)
	}
	return e.count(ctx, "message_count_all")
}

// selecting returns the parameters of a filter, and more behind them.
func selecting(f engine.Filter, more ...any) []any {
	var contains any // NULL
	if f.Contains != "" {
		contains = f.Contains
	}
	return append([]any{f.QueueID, f.WorkerID, int64(f.MinReads), contains}, more...)
}
