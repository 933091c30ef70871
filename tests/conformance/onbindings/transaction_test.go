package onbindings

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/bindings"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

func TestMessagesInATransactionOfTheCallers(t *testing.T) {
	t.Parallel()
	dsn := conformance.Postgres(t) // or skipped
	library(t)
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	store, err := bindings.Open(ctx, dsn, bindings.Options{Bootstrap: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close(context.WithoutCancel(ctx))) }()
	_, err = store.Admin().CreateQueue(ctx, "tasks", 0)
	require.NoError(t, err)
	one, err := store.SQLText(bindings.SQLEnqueue)
	require.NoError(t, err)
	several, err := store.SQLText(bindings.SQLEnqueueBatch)
	require.NoError(t, err)
	own, err := pgx.Connect(ctx, testdb.Postgres(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, own.Close(context.WithoutCancel(ctx))) }()

	tx, err := own.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, one.Text, "tasks", `{"n": 0}`, nil, nil)
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(ctx))
	count, err := store.Admin().CountMessages(ctx, bindings.Filter{})
	require.NoError(t, err)
	require.Zero(t, count, "what was rolled back never was")

	consumer, err := store.Consumer(ctx, "tasks", bindings.WorkerOptions{})
	require.NoError(t, err)
	woken := make(chan []*bindings.Message, 1)
	go func() {
		got, _ := consumer.Dequeue(ctx, bindings.DequeueOptions{Batch: 10, Wait: conformance.Patience})
		woken <- got
	}()
	tx, err = own.Begin(ctx)
	require.NoError(t, err)
	rows, err := tx.Query(ctx, several.Text, "tasks", `[{"n": 1}, {"n": 2}]`, int64(0), `["order-1", null]`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	require.NoError(t, err)
	require.Len(t, ids, 2)
	require.NoError(t, tx.Commit(ctx))
	var got []int64
	for _, m := range <-woken {
		got = append(got, m.ID)
	}
	require.Equal(t, ids, got, "the commit wakes who waits")
	var again int64
	require.NoError(t, own.QueryRow(ctx, one.Text, "tasks", `{"n": 3}`, time.Hour.Milliseconds(), "order-1").Scan(&again))
	require.Equal(t, ids[0], again)
}

func TestSQLText(t *testing.T) {
	t.Parallel()
	_, store, _, _ := setup(t)
	_, err := store.SQLText(bindings.SQLEnqueue)
	require.ErrorIs(t, err, bindings.Unsupported)
	statement, err := bindings.SQLText(`my "jobs"`, bindings.SQLEnqueue)
	require.NoError(t, err)
	require.Contains(t, statement.Text, `"my ""jobs""".pgqrs_enqueue(`)
	require.Equal(t, bindings.SQLParameter{Name: "delay_ms", Type: "bigint", Nullable: true}, statement.Parameters[2])
	require.Equal(t, "bigint", statement.Returns)
	_, err = bindings.SQLText("", 0)
	require.ErrorIs(t, err, bindings.InvalidArgument)
	_, err = bindings.SQLText(strings.Repeat("x", 64), bindings.SQLEnqueue)
	require.ErrorIs(t, err, bindings.Config)
}
