package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// bundle is what a test of this engine starts with: a schema of its own, a
// queue, a consumer, and a plain connection beside the engine.
type bundle struct {
	t        *testing.T
	ctx      context.Context
	dsn      string
	schema   string
	store    *store
	queue    model.QueueInfo
	consumer model.WorkerInfo
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	b := &bundle{t: t, ctx: t.Context(), dsn: testdb.Postgres(t)}
	b.schema = testdb.Schema(t, b.dsn)
	b.store = b.open(Config{})
	require.NoError(t, b.store.Install(b.ctx))
	var err error
	b.queue, err = b.store.CreateQueue(b.ctx, "q", 5)
	require.NoError(t, err)
	b.consumer, err = b.store.RegisterWorker(b.ctx, model.NewWorker{QueueID: b.queue.ID, Name: "consumer"})
	require.NoError(t, err)
	return b
}

// open opens another engine; a config without a connection string gets the
// bundle's, and four connections.
func (b *bundle) open(config Config) *store {
	b.t.Helper()
	config.Schema = b.schema
	if config.ConnString == "" {
		config.ConnString = b.dsn
	}
	if config.MaxConnections == 0 {
		config.MaxConnections = 4
	}
	return openTest(b.t, config)
}

// connect returns a plain connection.
func (b *bundle) connect() *pgx.Conn {
	b.t.Helper()
	conn, err := pgx.Connect(b.ctx, b.dsn)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { closeConn(conn) })
	return conn
}

// block keeps everybody from changing messages until the returned function is
// called.
func (b *bundle) block() (unblock func()) {
	b.t.Helper()
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(b.t, err)
	_, err = tx.Exec(b.ctx, b.store.queries.get("LockMessages"))
	require.NoError(b.t, err)
	return func() { require.NoError(b.t, tx.Rollback(b.ctx)) }
}

// awaitBlocked waits until n sessions wait for the messages table.
func (b *bundle) awaitBlocked(n int) {
	b.t.Helper()
	b.await("select count(*) = $2 from pg_locks where not granted and relation = ($1 || '.pgqrs_messages')::regclass", b.store.queries.quoted, n)
}

// awaitBlockedBy waits until somebody waits for a lock of a transaction.
func (b *bundle) awaitBlockedBy(tx pgx.Tx) {
	b.t.Helper()
	b.await("select exists (select 1 from pg_stat_activity where $1::int = any(pg_blocking_pids(pid)))", tx.Conn().PgConn().PID())
}

// enqueueBlocked begins an Enqueue of n messages, and returns when it waits for the
// messages table.
func (b *bundle) enqueueBlocked(ctx context.Context, s *store, n int) <-chan error {
	b.t.Helper()
	errs := make(chan error, 1)
	spawn.Go(nil, func() {
		_, err := s.Enqueue(ctx, b.queue.ID, payloads(n))
		errs <- err
	})
	b.awaitBlocked(1)
	return errs
}

// await asks the server until it says true.
func (b *bundle) await(query string, args ...any) {
	b.t.Helper()
	conn := b.connect()
	require.Eventually(b.t, func() bool {
		var yes bool
		err := conn.QueryRow(b.ctx, query, args...).Scan(&yes)
		return err == nil && yes
	}, 20*time.Second, 5*time.Millisecond)
}

// stored counts the messages in the queues.
func (b *bundle) stored() int64 {
	b.t.Helper()
	n, err := b.store.CountMessages(b.ctx, engine.Filter{})
	require.NoError(b.t, err)
	return n
}

func (b *bundle) put(messages ...model.NewMessage) []int64 {
	b.t.Helper()
	ids, err := b.store.Enqueue(b.ctx, b.queue.ID, messages)
	require.NoError(b.t, err)
	return ids
}

func (b *bundle) claim(limit int, lease time.Duration) []model.Message {
	b.t.Helper()
	claimed, err := engine.ClaimOne(b.ctx, b.store, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: limit, Lease: lease})
	require.NoError(b.t, err)
	return claimed.Messages
}

// fill enqueues n messages and leases them.
func (b *bundle) fill(n int) []model.Token {
	b.t.Helper()
	b.put(payloads(n)...)
	var tokens []model.Token
	for _, m := range b.claim(n, time.Hour) {
		tokens = append(tokens, model.Token{ID: m.ID, Worker: b.consumer.ID, ReadCt: m.ReadCt})
	}
	require.Len(b.t, tokens, n)
	return tokens
}

func payloads(n int) []model.NewMessage {
	messages := make([]model.NewMessage, n)
	for i := range messages {
		messages[i].Payload = []byte(`{"n": 1}`)
	}
	return messages
}
