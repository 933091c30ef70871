package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest"
)

func TestEngineOnFile(t *testing.T)    { enginetest.Run(t, newFileStore) }
func TestEngineInMemory(t *testing.T)  { enginetest.Run(t, newMemoryStore) }
func TestTortureOnFile(t *testing.T)   { enginetest.Torture(t, newFileStore) }
func TestTortureInMemory(t *testing.T) { enginetest.Torture(t, newMemoryStore) }

// newFileStore makes a store in a file. Its engines share the file.
func newFileStore(tb testing.TB) enginetest.Store {
	path := filepath.Join(tb.TempDir(), "queue.db")
	return enginetest.Store{
		Name: "sqlite file",
		Open: opener(path),
		Spec: path,
		Exec: func(_ context.Context, sql string) error {
			raw, err := sqlite3.Open(path)
			if err != nil {
				return err
			}
			defer raw.Close()
			return raw.Exec("PRAGMA busy_timeout=10000; " + sql)
		},
	}
}

func newMemoryStore(testing.TB) enginetest.Store {
	return enginetest.Store{Name: "sqlite memory", Open: opener(":memory:"), Single: true}
}

func opener(path string) func(testing.TB) engine.Engine {
	return func(tb testing.TB) engine.Engine {
		tb.Helper()
		eng, err := Open(tb.Context(), Config{Path: path})
		require.NoError(tb, err)
		tb.Cleanup(eng.Close)
		return eng
	}
}
