package sqlite

import (
	"context"
	"errors"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// Parameters of the enqueue statement: two for all rows, then three for each.
const (
	enqueueShared = 2
	enqueuePerRow = 3
)

// Enqueue implements engine.Messages.
func (e *store) Enqueue(ctx context.Context, queueID int64, messages []model.NewMessage) (ids []int64, err error) {
	if len(messages) == 0 {
		return nil, nil
	}
	err = e.write(ctx, len(messages), func(t *tx) (err error) {
		if err := mustQueue(t.conn, queueID); err != nil {
			return err
		}
		if engine.Keyed(messages) {
			ids, err = t.insertKeyed(queueID, messages)
		} else {
			ids, err = t.insertAll(queueID, messages)
		}
		return err
	})
	if err != nil {
		return nil, alone(err, len(messages))
	}
	return ids, nil
}

// EnqueueInTurn implements engine.Messages: there is one writer, so each comes after
// the commit of the one before.
func (e *store) EnqueueInTurn(ctx context.Context, queueID int64, messages []model.NewMessage, _, _ func()) ([]int64, error) {
	return e.Enqueue(ctx, queueID, messages)
}

// insertAll stores messages with as few statements as their number allows and
// returns their ids.
func (t *tx) insertAll(queueID int64, messages []model.NewMessage) (ids []int64, err error) {
	ids = make([]int64, 0, len(messages))
	for _, size := range enqueueSizes {
		for len(messages) >= size {
			if ids, err = t.insert(queueID, messages[:size], ids); err != nil {
				return nil, err
			}
			messages = messages[size:]
		}
	}
	return ids, nil
}

// alone takes the mark of a row's fault from the error of a single row: there is
// nothing left to separate it from.
func alone(err error, rows int) error {
	var f *fault.Error
	if rows == 1 && errors.As(err, &f) && f.RowFault && f.Text == "" {
		c := *f
		c.Text = "the message was refused: " + f.Cause.Error()
		return &c
	}
	return err
}

// insert stores messages with one statement, for as many as one of enqueueSizes,
// and appends their ids. Ids of one statement follow each other: nobody else
// inserts meanwhile, and AUTOINCREMENT counts up.
func (t *tx) insert(queueID int64, messages []model.NewMessage, ids []int64) ([]int64, error) {
	s, err := t.prepared(enqueueName(len(messages)))
	if err != nil {
		return nil, err
	}
	// The statement stays prepared; its copies of the payloads should not stay.
	defer s.ClearBindings()
	if err := errors.Join(s.BindInt64(1, queueID), s.BindInt64(2, t.now)); err != nil {
		return nil, err
	}
	for i, m := range messages {
		at := enqueueShared + enqueuePerRow*i
		vt := t.now + micros(m.Delay)
		if !m.At.IsZero() {
			vt = m.At.UnixMicro()
		}
		if err := s.BindInt64(at+1, vt); err != nil {
			return nil, err
		}
		if m.Producer == 0 {
			err = s.BindNull(at + 2)
		} else {
			err = s.BindInt64(at+2, m.Producer)
		}
		if err != nil {
			return nil, err
		}
		if err := s.BindRawText(at+3, m.Payload); err != nil {
			return nil, err
		}
	}
	if err := s.Exec(); err != nil {
		return nil, err
	}
	last := t.raw.LastInsertRowID()
	for id := last - int64(len(messages)) + 1; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids, nil
}
