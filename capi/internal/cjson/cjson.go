package cjson

import (
	"encoding/json"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

type queue struct {
	ID        int64   `json:"id"`
	Name      string  `json:"queue_name"`
	CreatedAt instant `json:"created_at"`
	MaxReadCt int32   `json:"max_read_ct"`
}

type worker struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Hostname    string   `json:"hostname"`
	Port        int32    `json:"port"`
	QueueID     optional `json:"queue_id"`
	Status      string   `json:"status"`
	StartedAt   instant  `json:"started_at"`
	HeartbeatAt instant  `json:"heartbeat_at"`
	ShutdownAt  instant  `json:"shutdown_at"`
}

type metrics struct {
	QueueID       int64   `json:"queue_id"`
	QueueName     string  `json:"queue_name"`
	Pending       int64   `json:"pending"`
	Delayed       int64   `json:"delayed"`
	Leased        int64   `json:"leased"`
	Archived      int64   `json:"archived"`
	Dead          int64   `json:"dead"`
	OldestPending instant `json:"oldest_pending"`
}

type workerStats struct {
	QueueID         int64   `json:"queue_id"`
	QueueName       string  `json:"queue_name"`
	Total           int64   `json:"total"`
	Ready           int64   `json:"ready"`
	Polling         int64   `json:"polling"`
	Suspended       int64   `json:"suspended"`
	Interrupted     int64   `json:"interrupted"`
	Stopped         int64   `json:"stopped"`
	Producers       int64   `json:"producers"`
	Consumers       int64   `json:"consumers"`
	OldestHeartbeat instant `json:"oldest_heartbeat"`
	NewestHeartbeat instant `json:"newest_heartbeat"`
}

type workerHealth struct {
	QueueID   int64  `json:"queue_id"`
	QueueName string `json:"queue_name"`
	Total     int64  `json:"total"`
	Healthy   int64  `json:"healthy"`
	Stale     int64  `json:"stale"`
	Stopped   int64  `json:"stopped"`
}

type stats struct {
	Queues        int64 `json:"queues"`
	Workers       int64 `json:"workers"`
	Pending       int64 `json:"pending"`
	Delayed       int64 `json:"delayed"`
	Leased        int64 `json:"leased"`
	Archived      int64 `json:"archived"`
	Dead          int64 `json:"dead"`
	SchemaVersion int64 `json:"schema_version"`
}

// instant is microseconds since 1970; the zero time is null.
type instant time.Time

// MarshalJSON implements json.Marshaler.
func (i instant) MarshalJSON() ([]byte, error) {
	if t := time.Time(i); !t.IsZero() {
		return json.Marshal(t.UnixMicro())
	}
	return []byte("null"), nil
}

// optional is an id; 0 is null.
type optional int64

// MarshalJSON implements json.Marshaler.
func (o optional) MarshalJSON() ([]byte, error) {
	if o != 0 {
		return json.Marshal(int64(o))
	}
	return []byte("null"), nil
}

func ofQueue(q model.QueueInfo) queue {
	return queue{ID: q.ID, Name: q.Name, CreatedAt: instant(q.CreatedAt), MaxReadCt: q.MaxReadCt}
}

func ofWorker(w model.WorkerInfo) worker {
	return worker{
		ID: w.ID, Name: w.Name, Hostname: w.Hostname, Port: w.Port, QueueID: optional(w.QueueID),
		Status: string(w.Status), StartedAt: instant(w.StartedAt), HeartbeatAt: instant(w.HeartbeatAt),
		ShutdownAt: instant(w.ShutdownAt),
	}
}

func ofMetrics(m model.QueueMetrics) metrics {
	return metrics{
		QueueID: m.QueueID, QueueName: m.QueueName, Pending: m.Pending, Delayed: m.Delayed, Leased: m.Leased,
		Archived: m.Archived, Dead: m.Dead, OldestPending: instant(m.OldestPending),
	}
}

func ofWorkerStats(w model.WorkerStats) workerStats {
	return workerStats{
		QueueID: w.QueueID, QueueName: w.QueueName, Total: w.Total, Ready: w.Ready, Polling: w.Polling,
		Suspended: w.Suspended, Interrupted: w.Interrupted, Stopped: w.Stopped, Producers: w.Producers,
		Consumers: w.Consumers, OldestHeartbeat: instant(w.OldestHeartbeat), NewestHeartbeat: instant(w.NewestHeartbeat),
	}
}

func ofWorkerHealth(w model.WorkerHealth) workerHealth { return workerHealth(w) }

// Queue is one queue as an object.
func Queue(q model.QueueInfo) string { return encode(ofQueue(q)) }

// Queues is an array of queues.
func Queues(queues []model.QueueInfo) string { return encode(each(queues, ofQueue)) }

// Worker is one worker as an object.
func Worker(w model.WorkerInfo) string { return encode(ofWorker(w)) }

// Workers is an array of workers.
func Workers(workers []model.WorkerInfo) string { return encode(each(workers, ofWorker)) }

// WorkerStats is an array of the counts of workers by queue.
func WorkerStats(w []model.WorkerStats) string { return encode(each(w, ofWorkerStats)) }

// WorkerHealth is an array of the living and dead workers by queue.
func WorkerHealth(w []model.WorkerHealth) string { return encode(each(w, ofWorkerHealth)) }

// Metrics is an array of the counts of queues.
func Metrics(m []model.QueueMetrics) string { return encode(each(m, ofMetrics)) }

// Stats is the counts of the whole store as an object.
func Stats(s model.SystemStats) string { return encode(stats(s)) }

// Settings is an array of [name, value] pairs: their order says something.
func Settings(list []model.Setting) string {
	return encode(each(list, func(s model.Setting) [2]string { return [2]string{s.Name, s.Value} }))
}

// Count is {"count": n}.
func Count(n int64) string {
	return encode(struct {
		Count int64 `json:"count"`
	}{n})
}

// Status is {"status": "ready"}.
func Status(s model.WorkerStatus) string {
	return encode(struct {
		Status model.WorkerStatus `json:"status"`
	}{s})
}

// each converts a list; none is an empty array, not null.
func each[A, B any](list []A, convert func(A) B) []B {
	out := make([]B, 0, len(list))
	for _, a := range list {
		out = append(out, convert(a))
	}
	return out
}

// encode cannot fail: the types above hold nothing that JSON refuses.
func encode(v any) string {
	document, err := json.Marshal(v)
	if err != nil {
		panic("cjson: " + err.Error())
	}
	return string(document)
}
