package core

import (
	"context"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
)

// bundle is one store on one engine, installed, with a queue.
type bundle struct {
	t     *testing.T
	ctx   context.Context
	dsn   string
	store *Store
	admin *Admin

	server, schema string // with PostgreSQL: the database without its schema, and that
}

const tasks = "tasks"

// onBoth runs a test against a fresh PostgreSQL schema and a fresh SQLite file.
func onBoth(t *testing.T, test func(b *bundle)) {
	t.Helper()
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(onPostgres(t))
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(setup(t, "sqlite:///"+filepath.Join(t.TempDir(), "jobs.db")))
	})
}

// onPostgres is setup in a schema of its own.
func onPostgres(t *testing.T) *bundle {
	t.Helper()
	server := testdb.Postgres(t)
	schema := testdb.Schema(t, server)
	b := setup(t, withParam(t, server, "pgqrs_schema", schema))
	b.server, b.schema = server, schema
	return b
}

// pool opens connections to the bundle's server that are the test's own.
func (b *bundle) pool() *pgxpool.Pool {
	pool, err := pgxpool.New(b.ctx, b.server)
	require.NoError(b.t, err)
	b.t.Cleanup(pool.Close)
	return pool
}

// begin begins a transaction of the test's own, which ends with the test at the latest.
func (b *bundle) begin(pool *pgxpool.Pool) pgx.Tx {
	tx, err := pool.Begin(b.ctx)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // no-op after the end; Close waits for it
	return tx
}

// table is the quoted name of a table of the bundle's schema.
func (b *bundle) table(name string) string { return pgx.Identifier{b.schema, name}.Sanitize() }

func withParam(t *testing.T, dsn, name, value string) string {
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func setup(t *testing.T, dsn string) *bundle {
	b := &bundle{t: t, dsn: dsn}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	b.ctx = ctx
	b.store = b.open(nil, WithBootstrap())
	b.admin = b.store.Admin()
	_, err := b.admin.CreateQueue(ctx, tasks, 0)
	require.NoError(t, err)
	return b
}

// open opens the bundle's store; with a change of its configuration it is one
// that shares nothing with the others, as another process would have.
func (b *bundle) open(change func(*config.Config), opts ...Option) *Store {
	cfg, err := config.Load(b.dsn, func(c *config.Config) error {
		if change != nil {
			change(c)
		}
		return nil
	})
	require.NoError(b.t, err)
	s, err := OpenConfig(b.ctx, cfg, opts...)
	require.NoError(b.t, err)
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(b.t, s.Close(ctx))
	})
	return s
}

// stranger opens the store as another process would.
func (b *bundle) stranger() *Store {
	return b.open(func(c *config.Config) { c.PollInterval = 251 * time.Millisecond })
}

func (b *bundle) producer() *Producer {
	p, err := b.store.Producer(b.ctx, tasks, WorkerOptions{})
	require.NoError(b.t, err)
	return p
}

func (b *bundle) consumer() *Consumer {
	c, err := b.store.Consumer(b.ctx, tasks, WorkerOptions{})
	require.NoError(b.t, err)
	return c
}

func (b *bundle) take(c *Consumer, o DequeueOptions) []*Message {
	messages, err := c.Dequeue(b.ctx, o)
	require.NoError(b.t, err)
	return messages
}

func (b *bundle) metrics() model.QueueMetrics {
	m, err := b.admin.Metrics(b.ctx, tasks)
	require.NoError(b.t, err)
	require.Len(b.t, m, 1)
	return m[0]
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// testdb keeps one server for the whole test binary.
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).watchCtx.func1"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"),
	)
}
