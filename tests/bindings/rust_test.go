package bindings

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
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

// target is where cargo builds: it is kept, so that a second run builds what changed.
var target = filepath.Join(abitest.Root(), "build", "rust")

// cargo is a run of it in bindings/rust, without a registry: the crate has no
// dependencies.
func cargo(ctx context.Context, command string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cargo", append([]string{command, "--quiet", "--locked", "--offline"}, args...)...)
	cmd.Dir = filepath.Join(abitest.Root(), "bindings", "rust")
	cmd.Env = append(os.Environ(), "CARGO_TARGET_DIR="+target)
	return cmd
}

// buildCrate builds the crate and its programs, and says why that is not possible here.
var buildCrate = sync.OnceValues(func() (missing string, err error) {
	if _, err := exec.LookPath("cargo"); err != nil {
		return "no cargo", nil
	}
	text, err := cargo(context.Background(), "build", "--lib", "--examples").CombinedOutput()
	switch {
	case err == nil:
		return "", nil
	case strings.Contains(string(text), "requires rustc"), strings.Contains(string(text), "lock file version"):
		return "cargo is older than the crate needs, see rust-version in bindings/rust/Cargo.toml", nil
	}
	return "", fmt.Errorf("cargo: %w\n%s", err, text)
})

// crate is a program of the crate that has been built, with the library to load.
func crate(ctx context.Context, t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	missing, err := buildCrate()
	require.NoError(t, err)
	if missing != "" {
		t.Skip("skipped: " + missing)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(target, "debug", "examples", name), args...)
	cmd.Env = append(os.Environ(), "PGQRS_LIBRARY="+abitest.Library(t))
	cmd.Dir = t.TempDir()
	return cmd
}

func TestCrateVectors(t *testing.T) {
	t.Parallel()
	crate(t.Context(), t, "vectors") // or skipped
	conformance.RunProgram(t, func(ctx context.Context) *exec.Cmd {
		return crate(ctx, t, "vectors", conformance.Vectors())
	})
}

// TestCrateSurface runs the crate's own tests (twins, futures, cancellation, drops)
// and compiles the examples of its documentation.
func TestCrateSurface(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*conformance.Patience)
	defer cancel()
	crate(ctx, t, "") // or skipped
	cmd := cargo(ctx, "test")
	cmd.Env = append(cmd.Env, "PGQRS_LIBRARY="+abitest.Library(t))
	abitest.Run(t, cmd)
}

func TestCrateExample(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	require.Regexp(t, `^stored as \d+\nworking on .*welcome`, abitest.Run(t, crate(ctx, t, "quickstart")))
}

func TestCrateSaysWhatItTriedToLoad(t *testing.T) {
	t.Parallel()
	cmd := crate(t.Context(), t, "quickstart")
	cmd.Env = append(cmd.Env, "PGQRS_LIBRARY="+filepath.Join(cmd.Dir, "nowhere.so"))
	text, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Regexp(t, `Config.*PGQRS_LIBRARY.*Tried:.*nowhere\.so`, string(text))
}

func TestCrateHasTheVersionOfTheLibrary(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"Cargo.toml", "Cargo.lock"} {
		text, err := os.ReadFile(filepath.Join(abitest.Root(), "bindings", "rust", file))
		require.NoError(t, err)
		require.Contains(t, string(text), "name = \"pgqrs\"\nversion = \""+version(t)+"\"", file)
	}
}

// crateProgram is a run of a program that uses the crate as a user's would.
func crateProgram(ctx context.Context, t *testing.T, text string) *exec.Cmd {
	t.Helper()
	cmd := crate(ctx, t, "")
	source := abitest.Write(t, "page.rs", text)
	cmd.Path = filepath.Join(cmd.Dir, "program")
	cmd.Args = []string{cmd.Path}
	abitest.Run(t, exec.CommandContext(ctx, "rustc", "--edition", "2021", "-D", "warnings", "-o", cmd.Path, source,
		"--extern", "pgqrs="+filepath.Join(target, "debug", "libpgqrs.rlib"), "-L", filepath.Join(target, "debug", "deps")))
	return cmd
}
