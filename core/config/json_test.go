package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func TestSetJSON(t *testing.T) {
	t.Parallel()
	c := Default()
	require.NoError(t, c.SetJSON([]byte(` {"max_connections": 3, "default_lock_time_seconds": 0.25, "schema": null, "forbidden_keys": ["a,b", ""], "archive_retention_seconds": 1e3} `)))
	want := Default()
	want.MaxConnections, want.DefaultLockTime, want.ForbiddenKeys, want.ArchiveRetention = 3, 250*time.Millisecond, []string{"a,b", ""}, 1000*time.Second
	require.Equal(t, want, c)

	require.NoError(t, c.SetJSON([]byte(`{"archive_retention_seconds": "none", "forbidden_keys": []}`)))
	require.Zero(t, c.ArchiveRetention)
	require.Empty(t, c.ForbiddenKeys)
	require.NoError(t, c.SetJSON([]byte(`{}`)))
	require.NoError(t, JSON(nil)(&c))
}

func TestSetJSONRefuses(t *testing.T) {
	t.Parallel()
	for document, text := range map[string]string{
		``:                                    "options: not a JSON object",
		`[]`:                                  "options: not a JSON object",
		`null`:                                "options: not a JSON object",
		`{"max_connections": 1`:               "malformed",
		`{"max_connections": }`:               "malformed",
		`{"max_connections": 1} x`:            "after the end",
		`{"max_connection": 1}`:               "options: max_connection is not a property of pgqrs; the nearest is max_connections",
		`{"schema":"a","schema":"b"}`:         "option schema: is given twice",
		`{"max_connections": "1"}`:            "option max_connections: has the wrong JSON type; give an integer from 1 to 1000",
		`{"max_connections": 1.5}`:            `option max_connections: "1.5" is not an integer`,
		`{"max_connections": 1e400}`:          "is not an integer",
		`{"max_connections": true}`:           "wrong JSON type",
		`{"max_connections": {"a":1}}`:        "wrong JSON type",
		`{"max_connections": "none"}`:         "wrong JSON type",
		`{"schema": 1}`:                       "option schema: has the wrong JSON type; give a text",
		`{"schema": ["a"]}`:                   "wrong JSON type",
		`{"forbidden_keys": "a"}`:             "give a list of texts",
		`{"forbidden_keys": [1]}`:             "an item that is not a string",
		`{"archive_retention_seconds": 0}`:    "out of range",
		`{"poll_interval_ms": 1e999}`:         "is not a number of milliseconds",
		`{"max_connections": 5, "pooler": 1}`: "pooler",
	} {
		c := Default()
		err := c.SetJSON([]byte(document))
		require.True(t, fault.Is(err, fault.Config), document)
		require.ErrorContains(t, err, text, document)
		require.Equal(t, Default(), c, "nothing is set by halves: %s", document)
	}
}
