package guard

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
)

// A poisoned process stays poisoned, so each case runs in a process of its own:
// this test binary, told by the environment what to do.
const caseVariable = "PGQRS_GUARD_CASE"

var cases = map[string]func(){
	"export": func() {
		status := cerr.OK
		func() {
			defer Recover(&status)
			panic("boom")
		}()
		if status != cerr.Internal || !IsPoisoned() {
			os.Exit(3)
		}
	},
	"goroutine": func() {
		hooked := make(chan struct{})
		OnPoison(func() { close(hooked) })
		Go(func() { panic("boom") })
		select {
		case <-hooked:
		case <-time.After(10 * time.Second):
			os.Exit(3)
		}
	},
	"twice": func() {
		for range 2 {
			var status cerr.Status
			func() {
				defer Recover(&status)
				panic("boom")
			}()
		}
	},
	"none": func() {
		status := cerr.Timeout
		func() { defer Recover(&status) }()
		if status != cerr.Timeout || IsPoisoned() {
			os.Exit(3)
		}
	},
}

func TestMain(m *testing.M) {
	if run, ok := cases[os.Getenv(caseVariable)]; ok {
		run()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestPanics(t *testing.T) {
	t.Parallel()
	for name, stacks := range map[string]int{"export": 1, "goroutine": 1, "twice": 1, "none": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), caseVariable+"="+name)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, stacks, strings.Count(string(out), "pgqrs: panic: boom"), "%s", out)
			if stacks > 0 {
				require.Contains(t, string(out), "guard_test.go", "the stack shows where")
			}
		})
	}
}
