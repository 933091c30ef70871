package c_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

func TestMain(m *testing.M) { abitest.Main(m) }

// patience is how long a program may take; a hang is a failure, not a wait.
const patience = 90 * time.Second

// portable are the programs that also run where malloc is another.
var portable = []string{"blocking", "queue", "each", "log", "tables", "workflows", "sql", "misuse", "threads", "environment"}

// TestPrograms runs every program that takes a DSN on a store of its own of each
// engine.
func TestPrograms(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{"process", "exhausted", "handles", "stacks"}, portable...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := abitest.Compile(t, source(name), abitest.Library(t), "-pthread")
			t.Run("sqlite", func(t *testing.T) {
				t.Parallel()
				t.Log(run(t, program, conformance.SQLite(t)))
			})
			t.Run("postgres", func(t *testing.T) {
				t.Parallel()
				t.Log(run(t, program, postgresDSN(t)))
			})
		})
	}
}

// TestTransactionOfTheCallers executes the library's SQL in transactions of libpq.
func TestTransactionOfTheCallers(t *testing.T) {
	t.Parallel()
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libpq").Output()
	if err != nil {
		t.Skip("skipped: libpq is not installed for compiling")
	}
	dsn := postgresDSN(t)
	program := abitest.Compile(t, source("transaction"), abitest.Library(t), strings.Fields(string(flags))...)
	run(t, program, dsn, testdb.Postgres(t))
}

// TestLoading loads the library into a running program instead of linking it.
func TestLoading(t *testing.T) {
	t.Parallel()
	program := abitest.Compile(t, source("load"), "", "-ldl", "-pthread")
	run(t, program, abitest.Library(t))
}

// TestLoadingInAStorm loads the library while signals of the host arrive, often
// enough for one to come at every moment of it.
func TestLoadingInAStorm(t *testing.T) {
	t.Parallel()
	program := abitest.Compile(t, source("storm"), "", "-ldl", "-pthread")
	for range 20 {
		t.Log(strings.TrimSpace(run(t, program, abitest.Library(t))))
	}
}

// TestPanics runs a program against the build that can panic on demand: the
// process survives, the library is poisoned, and says why exactly once.
func TestPanics(t *testing.T) {
	t.Parallel()
	program := abitest.Compile(t, source("panic"), abitest.CrashingLibrary(t), "-pthread")
	for _, where := range []string{"export", "goroutine"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			out := run(t, program, where)
			require.Equal(t, 1, strings.Count(out, "pgqrs: panic: a test asked for this panic"), "%s", out)
			require.Contains(t, out, "poisoned")
		})
	}
}

func source(name string) string { return filepath.Join("programs", name+".c") }

// run runs a program in an empty directory and returns what it wrote.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	return abitest.Run(t, command(t, patience, program, args...))
}

// command is a run of a program in an empty directory, for so long at most.
func command(t *testing.T, patience time.Duration, program string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = t.TempDir()
	return cmd
}

// postgresDSN returns the DSN of an empty schema on the test server.
func postgresDSN(t *testing.T) string {
	t.Helper()
	if os.Getenv(testdb.Variable) == "" {
		t.Skipf("%s is not set", testdb.Variable)
	}
	return conformance.Postgres(t)
}
