package testdb

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// EnqueueTx writes messages by plain SQL in a transaction on a connection of its
// own, as a user's program may: visible from the instant of the insertion, once
// end has committed. End closes the connection and must be called.
func EnqueueTx(ctx context.Context, dsn, schema string, queueID int64, payloads [][]byte) (ids []int64, end func(ctx context.Context, commit bool) error, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	tx, err := conn.Begin(ctx)
	if err == nil {
		ids, err = insert(ctx, tx, schema, queueID, payloads)
	}
	if err != nil {
		conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // err says more
		return nil, nil, err
	}
	return ids, func(ctx context.Context, commit bool) error {
		defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the commit's answer is what counts
		if commit {
			return tx.Commit(ctx)
		}
		return tx.Rollback(ctx)
	}, nil
}

func insert(ctx context.Context, tx pgx.Tx, schema string, queueID int64, payloads [][]byte) ([]int64, error) {
	texts := make([]string, len(payloads))
	for i, p := range payloads {
		texts[i] = string(p)
	}
	rows, err := tx.Query(ctx, "insert into "+quote(schema)+`.pgqrs_messages (queue_id, vt, enqueued_at, payload)
		select $1, clock_timestamp(), clock_timestamp(), p::jsonb
		from unnest($2::text[]) with ordinality as u(p, n) order by u.n returning id`, queueID, texts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
