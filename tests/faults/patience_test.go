package faults

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// exitTime is how long the end of a program may take that has an open store which
// cannot be closed in order.
const exitTime = 10 * time.Second

// TestBlackHoleInPython is TestBlackHole as a Python caller meets it, under
// asyncio.timeout.
func TestBlackHoleInPython(t *testing.T) {
	python := interpreter(t)
	if python == "" {
		t.Skip("skipped: no Python actors, see above")
	}
	few := []string{"dequeue", "close"}
	for _, call := range scaled(few, append(few, "enqueue", "archive", "waiting dequeue", "status", "heartbeat", "shutdown")) {
		t.Run(strings.ReplaceAll(call, " ", "_"), func(t *testing.T) {
			t.Parallel()
			store, wire := through(t)
			schema := store.Config().Schema
			cmd := exec.Command(python, "-B", filepath.Join(root(t), "tests", "faults", "patience.py"),
				wire.DSN+"&pgqrs_schema="+schema, call, fmt.Sprint(timely.Seconds()))
			cmd.Env, cmd.Stderr = pythonEnvironment(t), os.Stderr
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			require.Equal(t, "ready", lines.Text())
			thaw := wire.Freeze()
			_, err = in.Write([]byte("\n"))
			require.NoError(t, err)
			answer := make(chan string, 1)
			go func() {
				lines.Scan()
				answer <- lines.Text()
			}()
			defer thaw()
			select {
			case text := <-answer:
				t.Log(text)
			case <-time.After(timely + tardy):
				t.Fatalf("asyncio.timeout(%v) around %s has not ended after %v", timely.Seconds(), call, timely+tardy)
			}
			_, err = in.Write([]byte("\n"))
			require.NoError(t, err)
			began, ended := time.Now(), make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				require.NoError(t, err)
				t.Logf("the program ended after %v", time.Since(began).Round(time.Millisecond))
			case <-time.After(exitTime):
				_ = cmd.Process.Kill()
				<-ended
				t.Fatalf("the program has not ended after %v", exitTime)
			}
		})
	}
}
