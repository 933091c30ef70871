package faults

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
)

// TestInstallKilled kills processes that open a store for the first time. Whoever
// comes next must find a store that works, or one that can be installed: for a
// SQLite file opening it is enough, because a new one installs itself.
func TestInstallKilled(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killInstalls(t, func(n int) string {
			return "sqlite:///" + filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", n))
		}, false)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := testdb.Postgres(t)
		wire := testdb.NewProxy(t, dsn)
		killInstalls(t, func(int) string { return wire.DSN + "&pgqrs_schema=" + testdb.Schema(t, dsn) }, true)
	})
}

func killInstalls(t *testing.T, place func(n int) string, bootstrap bool) {
	t.Helper()
	r := seeded(t)
	early, late := 0, 0
	for n := range scaled(12, 100) {
		dsn := place(n)
		cmd := job{Role: "install", DSN: dsn, Keep: bootstrap}.command(t.Context(), t)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		word := make([]byte, 1)
		_, err = io.ReadFull(out, word) // it is about to begin
		require.NoError(t, err)
		time.Sleep(between(r, 0, 40*time.Millisecond))
		_ = cmd.Process.Kill()
		if cmd.Wait() == nil {
			late++
		} else {
			early++
		}
		var options []core.Option
		if bootstrap {
			options = append(options, core.WithBootstrap())
		}
		store, err := core.Open(t.Context(), dsn, options...)
		require.NoError(t, err)
		require.NoError(t, store.Verify(t.Context()), "run %d", n)
		_, err = store.Admin().CreateQueue(t.Context(), "tasks", 5)
		require.NoError(t, err)
		closeStore(store)
	}
	t.Logf("%d killed before they were done, %d after", early, late)
}

func installJob(j job) error {
	fmt.Print(".")
	var options []core.Option
	if j.Keep {
		options = append(options, core.WithBootstrap())
	}
	store, err := core.Open(context.Background(), j.DSN, options...)
	if err != nil {
		return err
	}
	return store.Close(context.Background())
}
