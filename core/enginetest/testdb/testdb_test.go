package testdb

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestSchemaIsDroppedWithItsTest(t *testing.T) {
	dsn := Postgres(t)
	var schema string
	t.Run("a test", func(t *testing.T) {
		schema = Schema(t, dsn)
		require.NoError(t, execute(t.Context(), dsn, "create schema "+quote(schema)))
		require.NoError(t, Exec(t.Context(), dsn, schema, "create table t (); drop table t; create table u ()"))
		require.NoError(t, execute(t.Context(), dsn, "table "+quote(schema)+".u"))
	})
	require.Error(t, execute(t.Context(), dsn, "table "+quote(schema)+".u"))
}

func TestPostgresIsDurable(t *testing.T) {
	conn := connect(t, Postgres(t))
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		require.NoError(t, conn.QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&value))
		require.Equal(t, "on", value, setting)
	}
}

func TestProxyCutsAndGoesOn(t *testing.T) {
	p := NewProxy(t, Postgres(t))
	conn := connect(t, p.DSN)
	require.NoError(t, conn.Ping(t.Context()))
	p.Cut()
	require.Error(t, conn.Ping(t.Context()))
	require.NoError(t, connect(t, p.DSN).Ping(t.Context()))
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) }) //nolint:errcheck // it may be cut
	return conn
}
