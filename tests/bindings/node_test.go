package bindings

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

func nodeFile(elements ...string) string {
	return filepath.Join(append([]string{abitest.Root(), "bindings", "node"}, elements...)...)
}

// node is a run of Node.js, or a skipped test where it or koffi is not installed.
func node(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: no Node.js")
	}
	if _, err := os.Stat(nodeFile("node_modules", "koffi")); err != nil {
		t.Skip("skipped: koffi is not installed, see bindings/node/package.json")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "PGQRS_LIBRARY="+abitest.Library(t))
	return cmd
}

func TestNodeVectors(t *testing.T) {
	t.Parallel()
	node(t.Context(), t)
	conformance.RunProgram(t, func(ctx context.Context) *exec.Cmd {
		return node(ctx, t, nodeFile("test", "vectors.js"), conformance.Vectors())
	})
}

func TestNodeSurface(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	abitest.Run(t, node(ctx, t, "--test", nodeFile("test", "surface.js")))
}

func TestNodeExample(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	text, err := os.ReadFile(nodeFile("example.mjs"))
	require.NoError(t, err)
	abitest.Run(t, nodeProgram(ctx, t, string(text)))
}

// nodeProgram is a run of a module that finds the package as a user's would.
func nodeProgram(ctx context.Context, t *testing.T, text string) *exec.Cmd {
	t.Helper()
	cmd := node(ctx, t, "program.mjs")
	cmd.Dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(cmd.Dir, "program.mjs"), []byte(text), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(cmd.Dir, "node_modules"), 0o700))
	require.NoError(t, os.Symlink(nodeFile(), filepath.Join(cmd.Dir, "node_modules", "pgqrs")))
	return cmd
}

func TestNodePackageHasTheVersionOfTheLibrary(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(nodeFile(file))
		require.NoError(t, err)
		var described struct{ Version string }
		require.NoError(t, json.Unmarshal(text, &described))
		require.Equal(t, version(t), described.Version, file)
	}
}

// version is the version of the library.
func version(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(abitest.Root(), "VERSION"))
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}
