package postgres

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func requireKind(t *testing.T, kind fault.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind.String(), fault.KindOf(err).String(), "%v", err)
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, c := range map[string]struct {
		config Config
		kind   fault.Kind
	}{
		"nobody listens":       {Config{ConnString: "postgres://u:s3cret@" + closed.Addr().String() + "/db"}, fault.Connect},
		"the host is silent":   {Config{ConnString: "postgres://u:s3cret@" + silent.Addr().String() + "/db?sslmode=disable"}, fault.Connect},
		"unparsable":           {Config{ConnString: "postgres://u:s3cret@host:s3cret/db"}, fault.Config},
		"unparsable key words": {Config{ConnString: "password='s3cret host"}, fault.Config},
		"long schema":          {Config{Schema: string(make([]byte, 64))}, fault.Config},
		"unknown pooler":       {Config{Pooler: "session"}, fault.Config},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.ConnectTimeout = time.Second
			began := time.Now()
			_, err := Open(t.Context(), c.config)
			requireKind(t, c.kind, err)
			require.Less(t, time.Since(began), 3*time.Second)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	t.Run("unknown database", func(t *testing.T) {
		settings, err := pgx.ParseConfig(testdb.Postgres(t))
		require.NoError(t, err)
		through := testdb.NewProxy(t, testdb.Postgres(t)).DSN
		_, err = Open(t.Context(), Config{ConnString: through[:len(through)-len("/"+settings.Database+"?sslmode=disable")] + "/nowhere?sslmode=disable"})
		requireKind(t, fault.Connect, err)
	})
}

func TestNotInstalled(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	s := openTest(t, Config{ConnString: dsn, Schema: testdb.Schema(t, dsn)})
	_, err := s.Enqueue(t.Context(), 1, payloads(1))
	requireKind(t, fault.Schema, err)
	require.ErrorContains(t, err, "admin.install()")
	_, err = engine.ClaimOne(t.Context(), s, engine.Claim{QueueID: 1, WorkerID: 1, Limit: 1, Lease: time.Second})
	requireKind(t, fault.Schema, err)
	requireKind(t, fault.Schema, s.Verify(t.Context()))
	require.NoError(t, s.Uninstall(t.Context()))
}

func TestRowFaults(t *testing.T) {
	b := setup(t)
	good := payloads(1)[0]
	for name, bad := range map[string]model.NewMessage{
		"not JSON":         {Payload: []byte(`{"secret": `)},
		"NUL":              {Payload: []byte(`"\u0000"`)},
		"lone surrogate":   {Payload: []byte(`"\ud800"`)},
		"bad UTF-8":        {Payload: []byte{'"', 0xff, '"'}},
		"huge exponent":    {Payload: []byte(`1e400000`)},
		"the end of times": {Payload: []byte(`1`), Delay: 1<<63 - 1, At: time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{good, bad, good})
		require.True(t, fault.IsRowFault(err), "%s: %v", name, err)
		require.True(t, fault.SafeToRetry(err), "%s: %v", name, err)
		require.Contains(t, []fault.Kind{fault.Serialization, fault.Validation}, fault.KindOf(err), name)
		require.NotContains(t, err.Error(), "secret")
	}
	require.Zero(t, b.stored(), "half a batch was stored")
}

func TestConnectionLostInFlight(t *testing.T) {
	b := setup(t)
	p := testdb.NewProxy(t, b.dsn)
	s := b.open(Config{ConnString: p.DSN, MaxConnections: 1})
	_, err := s.Enqueue(b.ctx, b.queue.ID, payloads(1)) // the connection knows the statement
	require.NoError(t, err)
	unblock := b.block()
	errs := b.enqueueBlocked(b.ctx, s, 1)
	p.Cut()
	err = <-errs
	requireKind(t, fault.OutcomeUnknown, err)
	require.False(t, fault.SafeToRetry(err))
	unblock()
	_, err = s.GetQueue(b.ctx, b.queue.Name) // over a new connection
	require.NoError(t, err)
}

// TestConnectionLostBeforeTheStatement: a connection that is lost while it learns a
// statement has not been sent it, so the engine repeats the call.
func TestConnectionLostBeforeTheStatement(t *testing.T) {
	b := setup(t)
	p := testdb.NewProxy(t, b.dsn)
	s := b.open(Config{ConnString: p.DSN, MaxConnections: 1})
	unblock := b.block()
	errs := b.enqueueBlocked(b.ctx, s, 3)
	p.Cut()
	unblock()
	require.NoError(t, <-errs)
	require.EqualValues(t, 3, b.stored())
}

// TestServerEndsConnection: the server says so before it commits, which proves
// that nothing was stored, so the engine repeats the call.
func TestServerEndsConnection(t *testing.T) {
	b := setup(t)
	unblock := b.block()
	errs := b.enqueueBlocked(b.ctx, b.store, 3)
	_, err := b.connect().Exec(b.ctx, "select pg_terminate_backend(pid) from pg_locks where not granted and relation = ($1 || '.pgqrs_messages')::regclass",
		b.store.queries.quoted)
	require.NoError(t, err)
	unblock()
	require.NoError(t, <-errs)
	require.EqualValues(t, 3, b.stored())
}

// TestContextDoesNotInterruptWrites: a cancelled write is still answered with
// the truth, because to cut it short would leave its outcome unknown.
func TestContextDoesNotInterruptWrites(t *testing.T) {
	b := setup(t)
	unblock := b.block()
	ctx, cancel := context.WithCancel(b.ctx)
	errs := b.enqueueBlocked(ctx, b.store, 1)
	cancel()
	unblock()
	require.NoError(t, <-errs)
	_, err := b.store.Enqueue(ctx, b.queue.ID, payloads(1))
	requireKind(t, fault.Cancelled, err)
	ctx, cancel = context.WithTimeout(b.ctx, -1)
	defer cancel()
	_, err = b.store.Enqueue(ctx, b.queue.ID, payloads(1))
	requireKind(t, fault.Timeout, err)
}

func TestPoolExhausted(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1, ConnectTimeout: 3 * time.Second})
	unblock := b.block()
	done := b.enqueueBlocked(b.ctx, s, 1)
	_, err := s.CountQueues(b.ctx)
	requireKind(t, fault.PoolExhausted, err)
	unblock()
	require.NoError(t, <-done)
}

func TestOwnPoolStaysOpen(t *testing.T) {
	b := setup(t)
	pool, err := pgxpool.New(b.ctx, b.dsn)
	require.NoError(t, err)
	defer pool.Close()
	eng, err := New(b.ctx, pool, Config{Schema: b.schema})
	require.NoError(t, err)
	require.NoError(t, eng.Ping(b.ctx))
	eng.Close()
	eng.Close()
	requireKind(t, fault.Closed, eng.Ping(b.ctx))
	require.NoError(t, pool.Ping(b.ctx))
}
