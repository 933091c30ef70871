-- name: worker_register
INSERT INTO pgqrs_workers (queue_id, name, hostname, port, status, started_at, heartbeat_at)
VALUES (nullif(?1+0, 0), ?2, nullif(?3, ''), nullif(?4+0, 0), 'ready', ?5, ?5)
RETURNING id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at;

-- name: worker_by_id
SELECT id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at
FROM pgqrs_workers WHERE id = ?1+0;

-- name: worker_list
SELECT id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at
FROM pgqrs_workers WHERE ?1+0 = 0 OR queue_id = ?1+0
ORDER BY id LIMIT ?2+0 OFFSET ?3+0;

-- name: worker_count
SELECT count(*) FROM pgqrs_workers WHERE ?1+0 = 0 OR queue_id = ?1+0;

-- name: worker_stats
SELECT q.id, q.queue_name, count(w.id),
  count(*) FILTER (WHERE w.status = 'ready'), count(*) FILTER (WHERE w.status = 'polling'),
  count(*) FILTER (WHERE w.status = 'suspended'), count(*) FILTER (WHERE w.status = 'interrupted'),
  count(*) FILTER (WHERE w.status = 'stopped'),
  count(*) FILTER (WHERE w.name = 'producer'), count(*) FILTER (WHERE w.name = 'consumer'),
  count(*) FILTER (WHERE w.status <> 'stopped' AND w.heartbeat_at < ?2+0),
  min(w.heartbeat_at) FILTER (WHERE w.status <> 'stopped'), max(w.heartbeat_at) FILTER (WHERE w.status <> 'stopped')
FROM pgqrs_queues q LEFT JOIN pgqrs_workers w ON w.queue_id = q.id
WHERE ?1+0 = 0 OR q.id = ?1+0
GROUP BY q.id
ORDER BY q.id;

-- ?3 is a JSON array of the states it may be in.
-- name: worker_set_status
UPDATE pgqrs_workers
SET status = ?2, heartbeat_at = ?4, shutdown_at = CASE WHEN ?2 = 'stopped' THEN ?4 END
WHERE id = ?1+0 AND status IN (SELECT value FROM json_each(?3));

-- name: worker_beat
UPDATE pgqrs_workers SET heartbeat_at = ?2
WHERE id IN (SELECT value FROM json_each(?1)) AND status <> 'stopped';

-- name: worker_states
SELECT id, status FROM pgqrs_workers WHERE id IN (SELECT value FROM json_each(?1));

-- name: worker_stop
UPDATE pgqrs_workers SET status = 'stopped', shutdown_at = ?2
WHERE id IN (SELECT value FROM json_each(?1)) AND status <> 'stopped';

-- name: worker_delete
DELETE FROM pgqrs_workers WHERE id IN (SELECT value FROM json_each(?1));

-- Index: pgqrs_messages_consumer.
-- name: worker_leases
SELECT EXISTS (SELECT 1 FROM pgqrs_messages WHERE consumer_worker_id = ?1+0 AND vt > ?2+0);

-- Index: pgqrs_messages_consumer.
-- name: worker_purge
DELETE FROM pgqrs_workers
WHERE (status = 'stopped' OR heartbeat_at < ?1+0)
  AND NOT EXISTS (SELECT 1 FROM pgqrs_messages m WHERE m.consumer_worker_id = pgqrs_workers.id AND m.vt > ?2+0);

-- Workers bound to the queue, or to none, whose heartbeat is old.
-- name: worker_stale
SELECT id FROM pgqrs_workers
WHERE heartbeat_at < ?2+0 AND (?1+0 = 0 OR queue_id IS NULL OR queue_id = ?1+0);

-- The leases of workers that have not expired, and whether the message is at its
-- queue's limit. Index: pgqrs_messages_consumer.
-- name: worker_holds
SELECT m.id, m.read_ct >= q.max_read_ct
FROM pgqrs_messages m LEFT JOIN pgqrs_queues q ON q.id = m.queue_id
WHERE m.consumer_worker_id IN (SELECT value FROM json_each(?1)) AND m.vt > ?2+0;
