package bindings

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// block is the one code block of docs/bindings.md in a language.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(abitest.Root(), "docs", "bindings.md"))
	require.NoError(t, err)
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllSubmatch(page, -1)
	require.Len(t, found, 1)
	return string(found[0][1])
}

// TestPage runs the examples of docs/bindings.md.
func TestPage(t *testing.T) {
	t.Parallel()
	for language, make := range map[string]func(context.Context, *testing.T) *exec.Cmd{
		"go": func(ctx context.Context, t *testing.T) *exec.Cmd {
			program := filepath.Join(t.TempDir(), "program")
			build := exec.CommandContext(ctx, "go", "build", "-o", program, abitest.Write(t, "main.go", block(t, "go")))
			build.Dir = abitest.Root()
			abitest.Run(t, build)
			cmd := exec.CommandContext(ctx, program)
			cmd.Env = append(os.Environ(), "PGQRS_LIBRARY="+abitest.Library(t))
			return cmd
		},
		"cpp": func(ctx context.Context, t *testing.T) *exec.Cmd {
			source := abitest.Write(t, "page.cpp", block(t, "cpp"))
			return exec.CommandContext(ctx, abitest.CompileCxx(t, source, abitest.Library(t), "c++17"))
		},
		"rust": func(ctx context.Context, t *testing.T) *exec.Cmd { return crateProgram(ctx, t, block(t, "rust")) },
		"js":   func(ctx context.Context, t *testing.T) *exec.Cmd { return nodeProgram(ctx, t, block(t, "js")) },
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*conformance.Patience)
			defer cancel()
			cmd := make(ctx, t)
			if cmd.Dir == "" {
				cmd.Dir = t.TempDir()
			}
			require.Regexp(t, `^working on .*welcome`, abitest.Run(t, cmd))
		})
	}
}
