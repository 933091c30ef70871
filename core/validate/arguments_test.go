package validate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxNameBytes)
	for _, c := range []struct {
		err   error
		field string // empty: accepted
		text  string
	}{
		{Queue("tasks"), "", ""},
		{Queue(`with "quotes", 'spaces' & Ünïcode; drop table`), "", ""},
		{Queue(long), "", ""},
		{Queue(" "), "", ""},
		{Queue(""), "queue", "is empty"},
		{Queue(long + "x"), "queue", "256 bytes"},
		{Queue("a\x00b"), "queue", "NUL"},
		{Queue("a\xff"), "queue", "UTF-8"},
		{Hostname(""), "", ""},
		{Hostname("worker-1.example.com"), "", ""},
		{Hostname(long + "x"), "hostname", "at most 255"},
		{Hostname("\x00"), "hostname", "NUL"},
		{Port(0), "", ""},
		{Port(65535), "", ""},
		{Port(-1), "port", "is -1"},
		{Port(65536), "port", "0 to 65535"},
		{Batch(1), "", ""},
		{Batch(MaxBatch), "", ""},
		{Batch(0), "batch_size", "is 0"},
		{Batch(-5), "batch_size", "is -5"},
		{Batch(MaxBatch + 1), "batch_size", "1 to 100000"},
		{Delay(0), "", ""},
		{Delay(MaxSpan), "", ""},
		{Delay(-time.Second), "delay_seconds", "negative"},
		{Delay(MaxSpan + 1), "delay_seconds", "over 100 years"},
		{Lease(time.Microsecond), "", ""},
		{Lease(MaxSpan), "", ""},
		{Lease(0), "vt", "more than 0"},
		{Lease(time.Nanosecond), "vt", "more than 0"},
		{Lease(-1), "vt", "negative"},
		{Lease(MaxSpan + 1), "vt", "over 100 years"},
		{Extension(0), "", ""},
		{Extension(-1), "seconds", "negative"},
		{Instant("when", time.Now()), "", ""},
		{Instant("when", time.Unix(0, 0)), "", ""},
		{Instant("when", time.Time{}), "when", "1970 to 9999"},
		{Instant("when", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), "when", "1970 to 9999"},
		{IDs(nil), "", ""},
		{IDs([]int64{1, 1, 1 << 62}), "", ""},
		{IDs([]int64{1, 0}), "ids", "number 1 of the list is 0"},
		{IDs([]int64{-7}), "ids", "is -7"},
		{Contained([]byte(` {"a": [1e2, null]} `)), "", ""},
		{Contained([]byte(strings.Repeat("[", 900) + strings.Repeat("]", 900))), "", ""},
		{Contained([]byte(`{"a": 1`)), "payload", "byte 7"},
		{Contained([]byte(`"\u0000"`)), "payload", "byte 1"},
		{Contained([]byte(`1e999999`)), "payload", "numeric"},
	} {
		if c.field == "" {
			require.NoError(t, c.err)
			continue
		}
		require.ErrorContains(t, c.err, c.field+": ")
		require.ErrorContains(t, c.err, c.text)
		var e *fault.Error
		require.True(t, errors.As(c.err, &e))
		require.Equal(t, fault.InvalidArgument, e.Kind)
		require.Equal(t, c.field, e.Field)
		require.True(t, e.Safe)
	}
}

// TestSpanFitsBothEngines: a delay is added to the present and stored as
// microseconds since 1970 (SQLite) or 2000 (PostgreSQL), read back as a Go time
// and as a Python datetime, which ends with the year 9999.
func TestSpanFitsBothEngines(t *testing.T) {
	t.Parallel()
	require.Less(t, time.Now().Add(MaxSpan).Year(), 9999)
}
