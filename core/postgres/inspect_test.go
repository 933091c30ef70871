package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
)

func TestInspectNamesWhoHoldsBackVacuum(t *testing.T) {
	dsn := testdb.Postgres(t)
	e, err := Open(t.Context(), Config{ConnString: dsn})
	require.NoError(t, err)
	defer e.Close()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), "begin isolation level repeatable read")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "select 1") // takes the snapshot
	require.NoError(t, err)

	named := func(long time.Duration) string {
		settings, err := e.(*store).inspect(t.Context(), long)
		require.NoError(t, err)
		if last := settings[len(settings)-1]; last.Name == "oldest_snapshot" {
			return last.Value
		}
		return ""
	}
	prefix := fmt.Sprintf("pid %d, state idle in transaction, for ", conn.PgConn().PID())
	require.Eventually(t, func() bool { return strings.HasPrefix(named(time.Second), prefix) },
		20*time.Second, 50*time.Millisecond)
	require.Empty(t, named(longSnapshot), "not for a minute yet")
}
