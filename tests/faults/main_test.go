package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// jobVariable tells a re-executed test binary what it is to do.
const jobVariable = "PGQRS_FAULTS_JOB"

// patience bounds every wait for a condition.
const patience = 30 * time.Second

// TestMain runs the tests or, in a process that a test started, its job.
func TestMain(m *testing.M) {
	if text := os.Getenv(jobVariable); text != "" {
		if err := runJob(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// command is this binary with a job to do, in a process that ends with ctx.
func (j job) command(ctx context.Context, t testing.TB) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(j)
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	return cmd
}

// done runs a job to its end, within a limit, and logs what it printed.
func (j job) done(t *testing.T, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	out, err := j.command(ctx, t).CombinedOutput()
	t.Logf("%s", strings.TrimSpace(string(out)))
	require.NoError(t, err)
}

// full reports whether the whole laboratory was asked for.
func full() bool { return os.Getenv("PGQRS_FAULTS") == "full" }

// scaled is the size of a test: the first number in a short run, the second in a
// full one.
func scaled[T any](short, whole T) T {
	if full() {
		return whole
	}
	return short
}

// seeded returns a source of chance and prints the seed that makes it again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("PGQRS_TEST_SEED"); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "PGQRS_TEST_SEED")
		seed = given
	}
	t.Logf("PGQRS_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// between returns a duration in [low, high).
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// root is the repository.
func root(tb testing.TB) string {
	tb.Helper()
	here, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(tb, err)
	require.FileExists(tb, filepath.Join(here, "go.mod"))
	return here
}

// eventually waits until cond holds.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			tb.Fatalf("waited %v in vain for %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
