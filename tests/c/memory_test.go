package c_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// full is what `make test/memory` sets: the forms that take long.
const full = "PGQRS_MEMORY"

// TestMemory runs a program under memcheck, which must find no use of memory that is
// not the library's to use, and no leak of what C can see.
func TestMemory(t *testing.T) {
	t.Parallel()
	found, err := memcheck(t, "memory")
	for _, f := range found {
		t.Error(f.Text)
	}
	require.NoError(t, err)
}

// TestMemoryFinds runs a program that is wrong.
func TestMemoryFinds(t *testing.T) {
	t.Parallel()
	found, _ := memcheck(t, "wrong", "use")
	require.NotEmpty(t, found)
	require.Equal(t, "InvalidRead", found[0].Kind)
	require.Contains(t, found[0].Text, "free'd")
}

// TestSanitizers runs the programs under AddressSanitizer, UndefinedBehaviorSanitizer
// and, at their end, LeakSanitizer. Nothing is suppressed: what C can see comes from
// malloc, which they replace, and a block that only Go still knows counts as lost.
func TestSanitizers(t *testing.T) {
	t.Parallel()
	flags := sanitizers(t)
	for _, name := range append([]string{"memory"}, portable...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := abitest.Compile(t, source(name), abitest.Library(t), flags...)
			t.Log(run(t, program, conformance.SQLite(t)))
			if os.Getenv(full) != "" {
				t.Log(run(t, program, postgresDSN(t)))
			}
		})
	}
}

// TestSanitizersFind runs a program that is wrong.
func TestSanitizersFind(t *testing.T) {
	t.Parallel()
	program := abitest.Compile(t, source("wrong"), abitest.Library(t), sanitizers(t)...)
	for how, report := range map[string]string{
		"leak": "LeakSanitizer: detected memory leaks",
		"use":  "AddressSanitizer: heap-use-after-free",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			text, err := command(t, patience, program, conformance.SQLite(t), how).CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(text), report)
		})
	}
}

func sanitizers(t *testing.T) []string {
	t.Helper()
	flags := abitest.Sanitizers(t, "any.c")
	if flags == nil {
		t.Skip("skipped: no sanitizers")
	}
	return append(flags, "-pthread")
}

// TestAMillionHandles is the program "handles" for longer.
func TestAMillionHandles(t *testing.T) {
	t.Parallel()
	if os.Getenv(full) == "" {
		t.Skipf("%s is not set: `make test/memory`", full)
	}
	program := abitest.Compile(t, source("handles"), abitest.Library(t), "-pthread")
	t.Log(abitest.Run(t, command(t, 10*time.Minute, program, conformance.SQLite(t), "1000000")))
}
