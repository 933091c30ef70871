package bindings

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

// TestRustExample compiles examples/rust by the compiler alone and runs it.
func TestRustExample(t *testing.T) {
	t.Parallel()
	rustc, err := exec.LookPath("rustc")
	if err != nil {
		t.Skip("skipped: no Rust compiler")
	}
	libraries, program := t.TempDir(), filepath.Join(t.TempDir(), "quickstart")
	require.NoError(t, os.Symlink(abitest.Library(t), filepath.Join(libraries, "libpgqrs.so")))
	require.NoError(t, os.Symlink(abitest.Library(t), filepath.Join(libraries, "libpgqrs.so.1")))
	abitest.Run(t, exec.Command(rustc, "--edition", "2021", "-D", "warnings", "-L", libraries, "-l", "pgqrs",
		"-C", "link-arg=-Wl,-rpath,"+libraries, "-o", program, filepath.Join(abitest.Root(), "examples", "rust", "quickstart.rs")))
	require.Regexp(t, `^stored as \d+\nworking on .*welcome`, run(t, program))
}
