package bindings

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// example runs a program of examples in an empty directory, on a database there.
func example(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	runtime, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("skipped: no %s", program)
	}
	library := abitest.Library(t) // which may have to be built
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, runtime, append(arguments, "sqlite:///example.db")...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PGQRS_LIBRARY="+library)
	out := abitest.Run(t, cmd)
	require.FileExists(t, filepath.Join(cmd.Dir, "example.db"))
	require.Regexp(t, `^refused with -402: .*already exists\n`, out)
	require.Regexp(t, `(?m)^stored as \d+$`, out)
	require.Regexp(t, `(?m)^working on .*welcome`, out)
	return out
}

// TestRubyExample runs examples/ruby, which watches a completion queue.
func TestRubyExample(t *testing.T) {
	t.Parallel()
	if exec.Command("ruby", "-rfiddle", "-e", "").Run() != nil {
		t.Skip("skipped: no Ruby with fiddle")
	}
	out := example(t, "ruby", "-w", filepath.Join(abitest.Root(), "examples", "ruby", "quickstart.rb"))
	require.Regexp(t, `stored as (1)\nstored as (1)\nworking on .*\n$`, out, "the dedup key made one message of two, and Ruby has no warnings")
}

// TestJavaExample compiles and runs examples/java, whose calls wait on threads.
func TestJavaExample(t *testing.T) {
	t.Parallel()
	jna := filepath.Join(abitest.Root(), "build", "java", "jna.jar")
	if _, err := os.Stat(jna); err != nil {
		t.Skip("skipped: JNA was not fetched, see build/java/jna.jar in the Makefile")
	}
	example(t, "java", "-XX:TieredStopAtLevel=1", "-cp", jna, filepath.Join(abitest.Root(), "examples", "java", "Quickstart.java"))
}
