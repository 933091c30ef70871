package bindings

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/bindings"
	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// TestMixed lets four languages work on one queue: C enqueues, Node.js archives half
// and gives the rest back, Python archives the rest, Go reads the archive.
func TestMixed(t *testing.T) { // not parallel: it sets the environment
	node(t.Context(), t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: no Python")
	}
	script, err := os.ReadFile(filepath.Join("testdata", "mixed.mjs"))
	require.NoError(t, err)
	t.Setenv("PGQRS_LIBRARY", abitest.Library(t))
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": conformance.SQLite, "postgres": conformance.Postgres} {
		t.Run(engine, func(t *testing.T) {
			const count = 20
			ctx, cancel := context.WithTimeout(t.Context(), 2*conformance.Patience)
			defer cancel()
			where := dsn(t)
			store, err := bindings.Open(ctx, where, bindings.Options{Bootstrap: true})
			require.NoError(t, err)
			defer func() { require.NoError(t, store.Close(context.WithoutCancel(ctx))) }()
			_, err = store.Admin().CreateQueue(ctx, "tasks", 0)
			require.NoError(t, err)

			abitest.Run(t, exec.CommandContext(ctx, abitest.Compile(t, "testdata/mixed.c", abitest.Library(t)), where, strconv.Itoa(count)))
			js := nodeProgram(ctx, t, string(script))
			js.Args = append(js.Args, where)
			abitest.Run(t, js)
			py := exec.CommandContext(ctx, python, "testdata/mixed.py", where)
			py.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(abitest.Root(), "python"))
			abitest.Run(t, py)

			seen := map[int]int32{}
			for m, err := range bindings.All(ctx, func(ctx context.Context, page bindings.Page) ([]bindings.Message, error) {
				return store.Admin().ListArchived(ctx, bindings.Filter{Queue: "tasks"}, page)
			}) {
				require.NoError(t, err)
				var payload struct{ N int }
				require.NoError(t, m.Decode(&payload))
				seen[payload.N] = m.ReadCt
			}
			require.Len(t, seen, count)
			for n, reads := range seen {
				require.EqualValues(t, 1+n%2, reads, "message %d", n)
			}
		})
	}
}
