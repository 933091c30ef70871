package call

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

// panicVariable makes TestPanicOfACall run in this process, which it poisons.
const panicVariable = "PGQRS_CALL_PANICS"

// TestPanicOfACall: the call that panicked completes with INTERNAL, calls beside
// it end, and after that everything answers POISONED.
func TestPanicOfACall(t *testing.T) {
	if os.Getenv(panicVariable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPanicOfACall$")
		cmd.Env = append(os.Environ(), panicVariable+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "pgqrs: panic: boom")
		return
	}
	l := New(func(context.Context) error { return nil })
	q, err := l.OpenQueue(cq.Options{})
	require.NoError(t, err)
	waiting := make(chan error)
	go func() {
		_, err := Wait(l, -1, Call[Reply]{Do: func(context.Context) (Reply, error) { select {} }})
		waiting <- err
	}()
	submit(t, l, q, 2, Call[Reply]{Do: func(context.Context) (Reply, error) { panic("boom") }})
	c := take(t, l, q)
	require.EqualValues(t, 2, c.UserData)
	require.Equal(t, cerr.Internal, c.Status)
	require.Equal(t, cerr.Poisoned, cerr.StatusOf(<-waiting), "a caller is let go even if its call hangs")

	e := l.Handles.Acquire(q, handle.Queue)
	_, status := e.Value().(*Queue).Poll(make([]cq.Completion, 1))
	e.Release()
	require.Equal(t, cerr.Poisoned, status)
	require.Equal(t, cerr.Poisoned, cerr.StatusOf(Submit(l, q, 3, Call[Reply]{}, nil)))
	require.Equal(t, cerr.Poisoned, l.Shutdown(10*time.Second))
	os.Exit(0) // the call that hangs would be reported as a leak
}
