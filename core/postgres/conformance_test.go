package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
)

func TestMain(m *testing.M) { enginetest.Main(m, reopen) }

func TestEngine(t *testing.T) { enginetest.Run(t, newTestStore(PoolerNone)) }

// TestEngineBehindPooler runs the suite as it runs behind a pooler in
// transaction mode: with statements that leave nothing in the session.
func TestEngineBehindPooler(t *testing.T) { enginetest.Run(t, newTestStore(PoolerTransaction)) }

func TestTorture(t *testing.T) { enginetest.Torture(t, newTestStore(PoolerNone)) }

// TestTortureCut is the same while the network is cut again and again.
func TestTortureCut(t *testing.T) { enginetest.TortureCut(t, newTestStore(PoolerNone)) }

// newTestStore returns stores that are schemas of the test server.
func newTestStore(pooler string) enginetest.NewStore {
	return func(tb testing.TB) enginetest.Store {
		dsn := testdb.Postgres(tb)
		schema := testdb.Schema(tb, dsn)
		wire := testdb.NewProxy(tb, dsn)
		return enginetest.Store{
			Name: "postgres",
			Spec: pooler + " " + schema + " " + dsn,
			Open: func(tb testing.TB) engine.Engine {
				return openTest(tb, Config{ConnString: wire.DSN, Schema: schema, Pooler: pooler, MaxConnections: 8})
			},
			Cut:  wire.Cut,
			Exec: func(ctx context.Context, sql string) error { return testdb.Exec(ctx, dsn, schema, sql) },
			EnqueueTx: func(ctx context.Context, queueID int64, payloads [][]byte) ([]int64, func(context.Context, bool) error, error) {
				return testdb.EnqueueTx(ctx, dsn, schema, queueID, payloads)
			},
		}
	}
}

// openTest opens an engine and closes it in the clean-up.
func openTest(tb testing.TB, config Config) *store {
	tb.Helper()
	eng, err := Open(context.Background(), config)
	require.NoError(tb, err)
	tb.Cleanup(eng.Close)
	return eng.(*store)
}

// reopen opens a store of newTestStore in another process.
func reopen(ctx context.Context, spec string) (engine.Engine, error) {
	pooler, rest, _ := strings.Cut(spec, " ")
	schema, dsn, _ := strings.Cut(rest, " ")
	return Open(ctx, Config{ConnString: dsn, Schema: schema, Pooler: pooler, MaxConnections: 4})
}
