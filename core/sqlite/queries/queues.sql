-- name: queue_create
INSERT INTO pgqrs_queues (queue_name, created_at, max_read_ct) VALUES (?1, ?2, ?3)
ON CONFLICT (queue_name) DO NOTHING
RETURNING id, queue_name, created_at, max_read_ct;

-- name: queue_by_name
SELECT id, queue_name, created_at, max_read_ct FROM pgqrs_queues WHERE queue_name = ?1;

-- name: queue_by_id
SELECT id, queue_name, created_at, max_read_ct FROM pgqrs_queues WHERE id = ?1+0;

-- name: queue_exists
SELECT 1 FROM pgqrs_queues WHERE id = ?1+0;

-- name: queue_list
SELECT id, queue_name, created_at, max_read_ct FROM pgqrs_queues
ORDER BY id LIMIT ?1+0 OFFSET ?2+0;

-- name: queue_count
SELECT count(*) FROM pgqrs_queues;

-- What forbids deleting a queue: its messages, workers that are not stopped, and
-- its workflow.
-- name: queue_in_use
SELECT EXISTS (SELECT 1 FROM pgqrs_messages WHERE queue_id = ?1+0),
       EXISTS (SELECT 1 FROM pgqrs_workers WHERE queue_id = ?1+0 AND status <> 'stopped'),
       EXISTS (SELECT 1 FROM pgqrs_workflows WHERE queue_id = ?1+0);

-- name: queue_delete
DELETE FROM pgqrs_queues WHERE id = ?1+0;

-- A part of a purge, ?3 messages of those up to an id. Index: pgqrs_messages_claim.
-- name: queue_purge
DELETE FROM pgqrs_messages WHERE id IN (
  SELECT id FROM pgqrs_messages WHERE queue_id = ?1+0 AND id <= ?2+0 ORDER BY queue_id, vt LIMIT ?3+0);

-- name: message_last
SELECT coalesce(max(id), 0) FROM pgqrs_messages;

-- One scan of the archive for all queues. Index: pgqrs_messages_claim.
-- name: queue_metrics
WITH done AS MATERIALIZED (
  SELECT queue_id, count(*) AS total, count(dead_reason) AS dead
  FROM pgqrs_archive WHERE ?1+0 = 0 OR queue_id = ?1+0 GROUP BY queue_id
)
SELECT q.id, q.queue_name,
  (SELECT count(*) FROM pgqrs_messages m WHERE m.queue_id = q.id AND m.vt <= ?2+0),
  (SELECT count(*) FROM pgqrs_messages m WHERE m.queue_id = q.id AND m.vt > ?2+0 AND m.consumer_worker_id IS NULL),
  (SELECT count(*) FROM pgqrs_messages m WHERE m.queue_id = q.id AND m.vt > ?2+0 AND m.consumer_worker_id IS NOT NULL),
  coalesce(done.total - done.dead, 0), coalesce(done.dead, 0),
  (SELECT min(m.vt) FROM pgqrs_messages m WHERE m.queue_id = q.id AND m.vt <= ?2+0)
FROM pgqrs_queues q LEFT JOIN done ON done.queue_id = q.id
WHERE ?1+0 = 0 OR q.id = ?1+0
ORDER BY q.id;

-- name: system_stats
SELECT
  (SELECT count(*) FROM pgqrs_queues),
  (SELECT count(*) FROM pgqrs_workers WHERE status <> 'stopped'),
  (SELECT count(*) FROM pgqrs_messages WHERE vt <= ?1+0),
  (SELECT count(*) FROM pgqrs_messages WHERE vt > ?1+0 AND consumer_worker_id IS NULL),
  (SELECT count(*) FROM pgqrs_messages WHERE vt > ?1+0 AND consumer_worker_id IS NOT NULL),
  (SELECT count(*) FROM pgqrs_archive) - (SELECT count(*) FROM pgqrs_archive WHERE dead_reason IS NOT NULL),
  (SELECT count(*) FROM pgqrs_archive WHERE dead_reason IS NOT NULL),
  (SELECT coalesce(max(version), 0) FROM pgqrs_schema_version);
