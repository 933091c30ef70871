package abi_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

const symbolsGolden = "testdata/symbols.golden"

// node is the version node of the map file, which the linker lists as a symbol.
const node = "pgqrs_1"

// TestSymbols compares header, golden list, map file and library.
func TestSymbols(t *testing.T) {
	t.Parallel()
	header := abitest.ReadHeader(t).Names()
	slices.Sort(header)
	if *update {
		require.NoError(t, os.WriteFile(symbolsGolden, []byte(strings.Join(header, "\n")+"\n"), 0o644))
	}
	golden, err := os.ReadFile(symbolsGolden)
	require.NoError(t, err)
	require.Equal(t, strings.Fields(string(golden)), header, "the header: a function was added or removed")
	require.Equal(t, header, mapFile(t, "pgqrs.map"), "capi/pgqrs.map")
	require.Equal(t, header, exported(t, abitest.Library(t)), "the library")
}

func TestCrashingLibraryAddsOnlyItsTests(t *testing.T) {
	t.Parallel()
	want := append(abitest.ReadHeader(t).Names(), "pgqrs_test_panic_export", "pgqrs_test_panic_goroutine")
	slices.Sort(want)
	require.Equal(t, want, mapFile(t, "pgqrs_testing.map"))
	require.Equal(t, want, exported(t, abitest.CrashingLibrary(t)))
}

// mapFile returns the sorted names a linker map exports.
func mapFile(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(abitest.Root(), "capi", name))
	require.NoError(t, err)
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(pgqrs_\w+);$`).FindAllStringSubmatch(string(raw), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

// exported returns the sorted names a library defines, without the version node.
func exported(t *testing.T, library string) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(symbols(t, library)))
}

// symbols returns the names a library defines, each with its version node.
func symbols(t *testing.T, library string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(abitest.Run(t, exec.Command("nm", "-D", "--defined-only", library))) {
		columns := strings.Fields(line)
		name, version, _ := strings.Cut(columns[len(columns)-1], "@")
		if name != node {
			found[name] = strings.TrimPrefix(version, "@")
		}
	}
	return found
}

// dynamicSection is what the library says to the loader.
func dynamicSection(t *testing.T) string {
	t.Helper()
	return abitest.Run(t, exec.Command("readelf", "-d", abitest.Library(t)))
}

// glibcCeiling is the newest glibc the library may need when it is built here.
// It is what Go's runtime itself asks for; wheels for older systems are built on
// older systems.
var glibcCeiling = [2]int{2, 34}

func TestGlibcCeiling(t *testing.T) {
	t.Parallel()
	versions := abitest.Run(t, exec.Command("readelf", "-V", abitest.Library(t)))
	for _, m := range regexp.MustCompile(`GLIBC_(\d+)\.(\d+)`).FindAllStringSubmatch(versions, -1) {
		major, _ := strconv.Atoi(m[1])
		minor, _ := strconv.Atoi(m[2])
		require.LessOrEqual(t, major, glibcCeiling[0], m[0])
		if major == glibcCeiling[0] {
			require.LessOrEqual(t, minor, glibcCeiling[1], m[0])
		}
	}
}
