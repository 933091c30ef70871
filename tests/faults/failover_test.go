package faults

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
)

// TestFailover: with synchronous replication every message that was acknowledged
// to its producer is on the standby that is promoted when the primary dies, and a
// client that knows both hosts goes on by itself.
func TestFailover(t *testing.T) {
	for _, commit := range scaled([]string{"on"}, []string{"on", "remote_write", "remote_apply"}) {
		t.Run(commit, func(t *testing.T) {
			t.Parallel()
			failOver(t, commit)
		})
	}
}

func failOver(t *testing.T, commit string) {
	t.Helper()
	s := startServer(t, "wal_level=replica", "hot_standby=on")
	second := s.standby()
	configure(t, s.dsn, "alter system set synchronous_standby_names = 'standby'",
		"alter system set synchronous_commit = '"+commit+"'", "select pg_reload_conf()")
	awaitSync(t, s.dsn)

	a, err := url.Parse(s.dsn)
	require.NoError(t, err)
	b, err := url.Parse(second)
	require.NoError(t, err)
	store, err := core.Open(t.Context(), fmt.Sprintf("postgresql://postgres@%s,%s/postgres?target_session_attrs=read-write&pgqrs_connection_timeout_seconds=5",
		a.Host, b.Host), core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 1000)
	require.NoError(t, err)
	load := newLoad(t, store)
	defer load.end()
	load.mustGoOn("the start")
	time.Sleep(scaled(300*time.Millisecond, 2*time.Second))

	s.kill()
	began := time.Now()
	s.promote()
	promoted := time.Since(began)
	load.mustGoOn("the promotion")
	t.Logf("synchronous_commit=%s: promoted after %v, messages come and go %v after the death of the primary", commit,
		promoted.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	require.Less(t, time.Since(began)-promoted, recovery)
	load.end()
	t.Logf("%d enqueued, %d archived; errors: %v", load.enqueued.Load(), load.archived.Load(), load.kinds())
	load.judge(archivedIDs(t, store))
}

func configure(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	for _, sql := range statements {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}

// awaitSync waits until commits wait for the standby.
func awaitSync(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	eventually(t, "the standby to be synchronous", func() bool {
		var n int
		err := conn.QueryRow(t.Context(), "select count(*) from pg_stat_replication where sync_state = 'sync'").Scan(&n)
		require.NoError(t, err)
		return n == 1
	})
}
