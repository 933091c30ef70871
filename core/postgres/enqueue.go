package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// patience is how long a statement waits for transactions that have enqueued one of
// its dedup keys, and after what time the caller should ask again, if at all. They are
// committed in less, as a rule; those that are not are transactions of a user's own.
type patience struct{ wait, retry time.Duration }

var (
	waitsApart  = patience{wait: time.Second}
	waitsInTurn = patience{wait: 20 * time.Millisecond, retry: 20 * time.Millisecond} // others wait for this flush
)

// Enqueue implements engine.Messages.
func (s *store) Enqueue(ctx context.Context, queueID int64, messages []model.NewMessage) ([]int64, error) {
	return s.enqueue(ctx, queueID, messages, waitsApart, nil, nil)
}

// EnqueueInTurn implements engine.Messages.
func (s *store) EnqueueInTurn(ctx context.Context, queueID int64, messages []model.NewMessage, sent, placed func()) ([]int64, error) {
	if sent == nil || !s.named || engine.Keyed(messages) {
		s.awaitStream(queueID)
		sent = nil
	}
	return s.enqueue(ctx, queueID, messages, waitsInTurn, sent, placed)
}

func (s *store) enqueue(ctx context.Context, queueID int64, messages []model.NewMessage, p patience, sent, placed func()) ([]int64, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	var ids []int64
	query, want, args := s.enqueueQuery(queueID, messages, p.wait)
	insert := s.step(query, readIDs(&ids, len(messages)), args...)
	insert.placed = placed
	err := s.attempt(ctx, func() (err error) {
		if sent != nil {
			once := sent
			sent = nil // what failed is repeated by itself
			ids, err = s.inStream(ctx, queueID, insert, len(messages), once)
			return err
		}
		err = s.once(ctx, want, insert)
		if err != nil && engine.Keyed(messages) {
			err = held(err, "dedup_key", p.retry, "another transaction has enqueued the same dedup key and does not end: "+
				"nothing was stored; repeat the call, or end that transaction")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return checkIDs(queueID, ids, len(messages))
}

// EnqueueTx stores messages in a transaction of the caller and announces them in
// it, so that they become visible, and consumers wake up, exactly when it
// commits. Until then others wait who enqueue one of their dedup keys. A failure
// leaves the transaction aborted, as any failed statement does; an unknown queue is
// fault.QueueNotFound and stores nothing.
func EnqueueTx(ctx context.Context, tx pgx.Tx, schema string, queueID int64, messages []model.NewMessage) ([]int64, error) {
	config, err := Config{Schema: schema}.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, nil
	}
	s := &store{queries: newStatements(config.Schema)} // for its texts and its faults; it has no pool
	query, _, args := s.enqueueQuery(queueID, messages, 0)
	rows, err := tx.Query(ctx, s.queries.get(query), args...)
	if err != nil {
		return nil, s.fault(ctx, reading, err) // the caller's transaction has not committed: nothing is stored
	}
	var ids []int64
	err = readIDs(&ids, len(messages))(rows)
	rows.Close()
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		return nil, s.fault(ctx, reading, err)
	}
	if ids, err = checkIDs(queueID, ids, len(messages)); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, s.queries.get("NotifyInside"), s.queries.channel, strconv.FormatInt(queueID, 10)); err != nil {
		return nil, s.fault(ctx, reading, err)
	}
	return ids, nil
}

// enqueueQuery names the statement that stores messages, with the plans it wants, and
// turns them into its columns. A column that is empty in every row is sent as null,
// and without a dedup key it is the statement that knows none. wait is how long it
// waits for the keys of others; 0: as the session says.
func (s *store) enqueueQuery(queueID int64, messages []model.NewMessage, wait time.Duration) (query string, want plans, args []any) {
	var delays []float64
	var instants []*time.Time
	var producers []int64 // 0 where there is none: pointers would cost an allocation each
	var keys []*string
	for i := range messages {
		m := &messages[i]
		if m.Delay > 0 && m.At.IsZero() {
			column(&delays, len(messages))[i] = seconds(m.Delay)
		}
		if !m.At.IsZero() {
			column(&instants, len(messages))[i] = &m.At
		}
		if m.Producer != 0 {
			column(&producers, len(messages))[i] = m.Producer
		}
		if m.DedupKey != "" {
			column(&keys, len(messages))[i] = &m.DedupKey
		}
	}
	args = []any{queueID, s.payloads(messages), delays, instants, producers}
	if keys == nil {
		return "Enqueue", either, args
	}
	var timeout *string
	if wait > 0 {
		text := timeoutText(wait)
		timeout = &text
	}
	// It joins, and a nested loop over a thousand rows takes its time.
	return "EnqueueKeyed", ordinary, append(args, keys, timeout)
}

// payloads are the column of the documents: their bytes where the statement has told
// that it takes texts, else texts.
func (s *store) payloads(messages []model.NewMessage) any {
	if s.named {
		return documents(messages, func(payload []byte) []byte { return payload })
	}
	return documents(messages, func(payload []byte) string { return string(payload) })
}

func documents[T any](messages []model.NewMessage, of func(payload []byte) T) []T {
	column := make([]T, len(messages))
	for i := range messages {
		column[i] = of(messages[i].Payload)
	}
	return column
}

// column makes a column when its first value comes.
func column[T any](c *[]T, n int) []T {
	if *c == nil {
		*c = make([]T, n)
	}
	return *c
}

func readIDs(ids *[]int64, n int) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*ids = make([]int64, 0, n)
		return eachID(rows, func(id int64) { *ids = append(*ids, id) })
	}
}

// checkIDs holds the answer against the question: the statement stores all rows
// or none, and numbers them in input order.
func checkIDs(queueID int64, ids []int64, n int) ([]int64, error) {
	if len(ids) == 0 {
		return nil, queueNotFound(queueID)
	}
	if len(ids) != n {
		return nil, &fault.Error{Kind: fault.Internal, Text: fmt.Sprintf("%d messages sent, %d stored", n, len(ids))}
	}
	return ids, nil
}

// ForgetKeys implements engine.Messages.
func (s *store) ForgetKeys(ctx context.Context, age time.Duration, limit int) (removed int64, err error) {
	err = s.write(ctx, s.step("ForgetKeys", affected(&removed), seconds(age), limit))
	return removed, err
}
