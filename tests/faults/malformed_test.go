package faults

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMalformedCalls calls the shared library with wrong handles, sizes and
// lengths by the thousand, in a process that must live.
func TestMalformedCalls(t *testing.T) {
	python := interpreter(t)
	if python == "" {
		t.Skip("skipped: no Python, see above")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	calls, seed := scaled(5000, 200_000), seeded(t).Uint64()>>1
	cmd := exec.CommandContext(ctx, python, "-B", "-X", "faulthandler", filepath.Join(root(t), "tests", "faults", "malformed.py"),
		strconv.FormatUint(seed, 10), strconv.Itoa(calls))
	cmd.Env = pythonEnvironment(t)
	out, err := cmd.CombinedOutput()
	t.Logf("%d calls: %s", calls, strings.TrimSpace(string(out)))
	require.NoError(t, err)
}
