package cjson

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

var at = time.UnixMicro(1_700_000_000_123_456)

func TestDocuments(t *testing.T) {
	t.Parallel()
	q := model.QueueInfo{ID: 1, Name: "ta\"sks", CreatedAt: at, MaxReadCt: 5}
	require.Equal(t, `{"id":1,"queue_name":"ta\"sks","created_at":1700000000123456,"max_read_ct":5}`, Queue(q))
	require.Equal(t, "["+Queue(q)+"]", Queues([]model.QueueInfo{q}))
	require.Equal(t, "[]", Queues(nil))
	require.Equal(t,
		`{"id":3,"name":"consumer","hostname":"h","port":1,"queue_id":null,"status":"ready",`+
			`"started_at":1700000000123456,"heartbeat_at":1700000000123456,"shutdown_at":null}`,
		Worker(model.WorkerInfo{
			ID: 3, Name: "consumer", Hostname: "h", Port: 1, Status: model.WorkerReady, StartedAt: at, HeartbeatAt: at,
		}))
	require.Equal(t,
		`[{"queue_id":1,"queue_name":"q","pending":2,"delayed":3,"leased":4,"archived":5,"dead":6,"oldest_pending":null}]`,
		Metrics([]model.QueueMetrics{{
			QueueID: 1, QueueName: "q", Pending: 2, Delayed: 3, Leased: 4, Archived: 5, Dead: 6,
		}}))
	require.Equal(t,
		`{"queues":1,"workers":2,"pending":3,"delayed":4,"leased":5,"archived":6,"dead":7,"schema_version":8}`,
		Stats(model.SystemStats{
			Queues: 1, Workers: 2, Pending: 3, Delayed: 4, Leased: 5, Archived: 6, Dead: 7, SchemaVersion: 8,
		}))
	require.Equal(t,
		`[{"queue_id":1,"queue_name":"q","total":2,"ready":3,"polling":4,"suspended":5,"interrupted":6,"stopped":7,`+
			`"producers":8,"consumers":9,"oldest_heartbeat":1700000000123456,"newest_heartbeat":null}]`,
		WorkerStats([]model.WorkerStats{{
			QueueID: 1, QueueName: "q", Total: 2, Ready: 3, Polling: 4, Suspended: 5, Interrupted: 6, Stopped: 7,
			Producers: 8, Consumers: 9, Stale: 10, OldestHeartbeat: at,
		}}))
	require.Equal(t,
		`[{"queue_id":1,"queue_name":"q","total":2,"healthy":3,"stale":4,"stopped":5}]`,
		WorkerHealth([]model.WorkerHealth{{
			QueueID: 1, QueueName: "q", Total: 2, Healthy: 3, Stale: 4, Stopped: 5,
		}}))
	require.Equal(t,
		`{"sql":"select \"a\"","parameters":[{"name":"queue","type":"text","nullable":true}],"returns":"bigint"}`,
		SQL(model.SQL{
			Text: `select "a"`, Parameters: []model.SQLParameter{{Name: "queue", Type: "text", Nullable: true}}, Returns: "bigint",
		}))
	require.Equal(t, `{"count":9007199254740993}`, Count(9007199254740993))
	require.Equal(t, `{"status":"suspended"}`, Status(model.WorkerSuspended))
}
