package bindings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A library that is missing or of another kind is an error that says what was
// tried, and no crash.
func TestLoadSaysWhatWasTried(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "libpgqrs.so.1")
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o600))
	_, err := load([]string{"/nowhere/libpgqrs.so.1", text, "libc.so.6"})
	require.ErrorIs(t, err, Config)
	require.True(t, SafeToRetry(err))
	require.ErrorContains(t, err, "/nowhere/libpgqrs.so.1: ")
	require.ErrorContains(t, err, text+": ")
	require.ErrorContains(t, err, "libc.so.6: not a pgqrs library")
	require.ErrorContains(t, err, "make lib")
}

func TestTheEnvironmentNamesTheOnlyCandidate(t *testing.T) {
	t.Setenv(variable, "/somewhere/libpgqrs.so.1")
	require.Equal(t, []string{"/somewhere/libpgqrs.so.1"}, candidates())
	t.Setenv(variable, "")
	require.Equal(t, soname, candidates()[len(candidates())-1])
}

func TestEveryFunctionIsLookedFor(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, f := range new(symbols).each() {
		require.NotNil(t, f.function, f.name)
		names[f.name] = true
	}
	golden, err := os.ReadFile("../tests/abi/testdata/symbols.golden")
	require.NoError(t, err)
	for _, name := range strings.Fields(string(golden)) {
		require.True(t, names[name], name)
		delete(names, name)
	}
	require.Empty(t, names)
}
