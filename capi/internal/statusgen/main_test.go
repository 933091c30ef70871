package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

func TestDerivedFilesAreUpToDate(t *testing.T) {
	require.NoError(t, run(root, true))
}

// TestNumbersNeverChange pins what other languages have compiled in: rows may be
// added to this list, never changed.
func TestNumbersNeverChange(t *testing.T) {
	src, err := load(root)
	require.NoError(t, err)
	have := map[string]int{}
	for _, r := range src.Rows {
		have[r.Name] = r.Code
	}
	require.Equal(t, map[string]int{
		"OK": 0, "INVALID_ARGUMENT": -101, "HANDLE": -102, "STATE": -103, "ABI_MISMATCH": -104, "UNSUPPORTED": -105,
		"BUSY": -106, "CLOSED": -201, "CANCELLED": -202, "TIMEOUT": -203, "FORKED": -204, "POISONED": -205,
		"CONFIG": -301, "CONNECT": -302, "DATABASE": -303, "SCHEMA": -304, "POOL_EXHAUSTED": -305,
		"OUTCOME_UNKNOWN": -306, "QUEUE_NOT_FOUND": -401, "QUEUE_EXISTS": -402, "WORKER_NOT_FOUND": -403,
		"MESSAGE_NOT_FOUND": -404, "LEASE_LOST": -405, "VALIDATION": -406, "RATE_LIMITED": -407,
		"SERIALIZATION": -408, "STATE_TRANSITION": -409, "TRANSIENT_STEP": -410, "RETRIES_EXHAUSTED": -411,
		"STEP_NOT_READY": -412, "PAUSED": -413, "WORKFLOW_EXISTS": -414, "WORKFLOW_NOT_FOUND": -415,
		"RUN_CANCELLED": -416, "INTERNAL": -901,
	}, have)
}

func TestCheckNamesWhatIsStale(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"VERSION", "capi/status.tsv", "include/pgqrs.h"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NoError(t, write(filepath.Join(dir, name), content))
	}
	err := run(dir, true)
	require.ErrorContains(t, err, "capi/status_gen.h")
	require.NotContains(t, err.Error(), "include/pgqrs.h", "the header is up to date")
	require.NoError(t, run(dir, false))
	require.NoError(t, run(dir, true))
}

func TestBadTablesAreRefused(t *testing.T) {
	for name, table := range map[string]string{
		"no column names": "0\tOK\t\t\tok",
		"too few columns": columns + "\n0\tOK\t\tok",
		"no OK":           columns + "\n-1\tHANDLE\t\tX\ttext",
		"rising codes":    columns + "\n0\tOK\t\t\tok\n-2\tBUSY\t\tX\ttext\n-1\tSTATE\t\tX\ttext",
		"name twice":      columns + "\n0\tOK\t\t\tok\n-2\tBUSY\t\tX\ttext\n-3\tBUSY\t\tX\ttext",
		"quote in text":   columns + "\n0\tOK\t\t\tok\n-2\tBUSY\t\tX\tte\"xt",
		"foreign kind":    columns + "\n0\tOK\t\t\tok\n-2\tBUSY\tClosed\tX\ttext",
		"code is no code": columns + "\n0\tOK\t\t\tok\nx\tBUSY\t\tX\ttext",
	} {
		_, err := parse(table)
		require.Error(t, err, name)
	}
}
