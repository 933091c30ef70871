package bindings

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

func TestMain(m *testing.M) { abitest.Main(m) }

func cpp(elements ...string) string {
	return filepath.Join(append([]string{abitest.Root(), "bindings", "cpp"}, elements...)...)
}

func TestCxxVectors(t *testing.T) {
	t.Parallel()
	program := abitest.CompileCxx(t, cpp("test", "vectors.cpp"), abitest.Library(t), "c++17")
	conformance.RunProgram(t, func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, program, conformance.Vectors())
	})
}

// TestCxxSurface tries event loops, cancellation, coroutines and the like, under the
// sanitizers of memory and behaviour where the compiler has them.
func TestCxxSurface(t *testing.T) {
	t.Parallel()
	source := cpp("test", "surface.cpp")
	run(t, abitest.CompileCxx(t, source, abitest.Library(t), "c++20", abitest.Sanitizers(t, source)...))
}

func TestCxxExample(t *testing.T) {
	t.Parallel()
	run(t, abitest.CompileCxx(t, cpp("example.cpp"), abitest.Library(t), "c++17"))
}

// run runs a program in an empty directory, with a time limit.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = t.TempDir()
	return abitest.Run(t, cmd)
}
