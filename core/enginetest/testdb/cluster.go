package testdb

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Variable is the environment variable that names the server to test with.
const Variable = "PGQRS_TEST_DSN"

// harness is the script that starts the private cluster, below the module root.
const harness = "tests/harness/pgcluster.py"

// Postgres returns the DSN of a PostgreSQL server whose superuser the tests may
// use. The private cluster is started by the first call and shared by the whole
// test binary; a server that cannot be had fails the test.
func Postgres(tb testing.TB) string {
	tb.Helper()
	if dsn := os.Getenv(Variable); dsn != "" {
		return dsn
	}
	dsn, err := cluster()
	if err != nil {
		tb.Fatalf("no PostgreSQL to test with: %v", err)
	}
	return dsn
}

// cluster starts the private cluster once. The script stops it when the pipe on
// its standard input closes, which the end of this process does however it ends.
var cluster = sync.OnceValues(func() (string, error) {
	script, err := findHarness()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("python3", script, "serve")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("%w; install python3, or set %s", err, Variable)
	}
	keepOpen = stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s serve ended early (%v); its message is above", harness, cmd.Wait())
	}
	return strings.TrimSpace(line), nil
})

// keepOpen keeps the pipe reachable: a collected pipe is a closed one.
//
//lint:ignore U1000 it is written so that it is reachable, nobody reads it
var keepOpen io.Closer

// findHarness looks for the script upwards from the working directory, which
// `go test` sets to the package's directory.
func findHarness() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, filepath.FromSlash(harness))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("%s not found above the working directory; set %s", harness, Variable)
		}
		dir = parent
	}
}
