package faults

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a private PostgreSQL server of one test, run by server.py.
type server struct {
	tb  testing.TB
	dsn string

	mu    sync.Mutex // guards in, out and the outages
	in    io.Writer
	out   *bufio.Reader
	downs []outage
}

// outage is a time in which the server was not there.
type outage struct{ from, to time.Time }

// startServer starts a server with settings beyond those of the harness.
func startServer(tb testing.TB, settings ...string) *server {
	tb.Helper()
	return startServerIn(tb, nil, settings...)
}

// startServerIn starts a server in an environment with more variables than ours.
func startServerIn(tb testing.TB, env []string, settings ...string) *server {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("skipped: the processes of a server are found through /proc")
	}
	cmd := exec.Command("python3", append([]string{filepath.Join(root(tb), "tests", "faults", "server.py")}, settings...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(tb, err)
	out, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start(), "install python3")
	tb.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	s := &server{tb: tb, in: in, out: bufio.NewReader(out)}
	s.dsn = s.answer()
	return s
}

// answer reads one line. mu is held, except by the first call.
func (s *server) answer() string {
	s.tb.Helper()
	line, err := s.out.ReadString('\n')
	require.NoError(s.tb, err, "the server's program ended; its message is above")
	return strings.TrimSpace(line)
}

func (s *server) ask(command string) string {
	s.tb.Helper()
	_, err := io.WriteString(s.in, command+"\n")
	require.NoError(s.tb, err)
	return s.answer()
}

// kill ends every process of the server at once.
func (s *server) kill() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.downs = append(s.downs, outage{from: time.Now()})
	s.ask("kill")
}

// start brings a killed server back.
func (s *server) start() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ask("start")
	s.downs[len(s.downs)-1].to = time.Now()
}

// restart kills the server and brings it back after a while.
func (s *server) restart(pause time.Duration) {
	s.tb.Helper()
	s.kill()
	time.Sleep(pause)
	s.start()
}

// standby makes a second server that streams from the first.
func (s *server) standby() (dsn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ask("standby")
}

// promote makes the standby a primary, after the first one was killed.
func (s *server) promote() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ask("promote")
	s.downs[len(s.downs)-1].to = time.Now()
}

// outages are the times in which the server was not there.
func (s *server) outages() []outage {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]outage(nil), s.downs...)
}
