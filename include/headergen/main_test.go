package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/include/header"
)

const root = "../.."

func TestDerivedFilesAreUpToDate(t *testing.T) {
	t.Parallel()
	require.NoError(t, run(root, "", true))
}

// The page has every name, and the words of its comment.
func TestPageHasEveryName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pgqrs.html")
	require.NoError(t, run(root, path, false))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	h, err := header.Read(root)
	require.NoError(t, err)
	for _, f := range h.Functions() {
		require.Contains(t, string(text), `<a id="`+f.Name+`"></a>`)
	}
	require.Contains(t, string(text), "Exactly one final completion per accepted\nop")
}

func TestForeignTypesAreRefused(t *testing.T) {
	t.Parallel()
	for _, declaration := range []string{
		"PGQRS_API int32_t pgqrs_f(size_t n);",
		"PGQRS_API long pgqrs_f(void);",
	} {
		h := header.Header{Sections: []header.Section{{Items: []header.Item{parsed(t, declaration)}}}}
		for _, render := range []func(header.Header) ([]byte, error){renderSymbols, renderRust} {
			_, err := render(h)
			require.ErrorContains(t, err, "no twin of", declaration)
		}
	}
}

func parsed(t *testing.T, declaration string) header.Item {
	t.Helper()
	h, err := header.Parse("/* Intro. */\n\n/* One. */\n" + declaration +
		"\n\ntypedef struct pgqrs_s {\n    int32_t x;\n} pgqrs_s;\n\n#define PGQRS_ONE 1\n")
	require.NoError(t, err)
	return h.Sections[0].Items[0]
}
