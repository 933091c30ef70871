package bindings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	var queues []QueueInfo
	require.NoError(t, decode([]byte(`[{"id": 9007199254740993, "queue_name": "ta\"sks", "created_at": 1700000000123456,
		"max_read_ct": 5, "of_a_newer_library": {}}]`), &queues))
	require.Equal(t, []QueueInfo{{
		ID: 9007199254740993, Name: `ta"sks`, CreatedAt: time.UnixMicro(1700000000123456).UTC(), MaxReadCt: 5,
	}}, queues)

	var activity Flushes
	require.NoError(t, decode([]byte(`{"flushes":1,"rows":2,"largest":3,"waited_us":1500,"waiting":4,"flying":5}`), &activity))
	require.Equal(t, Flushes{1, 2, 3, 1500 * time.Microsecond, 4, 5}, activity)

	var m QueueMetrics
	require.NoError(t, decode([]byte(`{"queue_id":1,"queue_name":"q","pending":0,"delayed":0,"leased":0,"archived":0,
		"dead":0,"oldest_pending":null}`), &m))
	require.True(t, m.OldestPending.IsZero())

	require.ErrorContains(t, decode([]byte(`{"id": 1}`), &m), `no "queue_id"`)
	require.ErrorContains(t, decode([]byte(`{"id": "x"}`), &queues), "cannot unmarshal")
}

func TestMillisRoundUp(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 0, millis(0))
	require.EqualValues(t, 1, millis(time.Nanosecond))
	require.EqualValues(t, 2, millis(1001*time.Microsecond))
	require.EqualValues(t, -5, millis(-5*time.Millisecond))
}
