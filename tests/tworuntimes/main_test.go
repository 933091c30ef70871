package tworuntimes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

// jobVariable tells a re-executed test binary what it is to do.
const jobVariable = "PGQRS_TWORUNTIMES_JOB"

// patience is how long a job may take beyond what it is told to.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	name := os.Getenv(jobVariable)
	if name == "" {
		abitest.Main(m)
	}
	if err := jobs[name](context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestTwoRuntimes(t *testing.T) {
	library := abitest.Library(t)
	for _, c := range []struct{ name, job, environment string }{
		{"stress", "stress", "GOGC=100"},
		{"stress with constant collections", "stress", "GOGC=5"},
		{"a goroutine that spins does not stop a collection", "spin", ""},
		{"the disposition of SIGURG stays", "sigurg", ""},
		{"waiting goroutines occupy no threads", "threads", ""},
		{"stores leave nothing behind", "leaks", ""},
		{"the end of the library ends what waits", "end", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience+stressTime())
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0])
			cmd.Env = append(os.Environ(), jobVariable+"="+c.job, "PGQRS_LIBRARY="+library, c.environment)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", strings.TrimSpace(string(out)))
			require.NoError(t, err)
		})
	}
}

// stressTime is how long the stress lasts.
func stressTime() time.Duration {
	if os.Getenv("PGQRS_TWORUNTIMES") == "full" {
		return 20 * time.Second
	}
	return 2 * time.Second
}
