-- name: archived_by_id
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id,
  archived_at, dead_reason
FROM pgqrs_archive WHERE id = ?1+0;

-- name: archived_list
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id,
  archived_at, dead_reason
FROM pgqrs_archive
WHERE (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
ORDER BY id LIMIT ?4+0 OFFSET ?5+0;

-- Index: pgqrs_archive_dead.
-- name: archived_list_dead
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id,
  archived_at, dead_reason
FROM pgqrs_archive
WHERE dead_reason IS NOT NULL
  AND (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
ORDER BY id LIMIT ?4+0 OFFSET ?5+0;

-- name: archived_count
SELECT count(*) FROM pgqrs_archive
WHERE (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0;

-- Never touches the table. Index: pgqrs_archive_at.
-- name: archived_count_all
SELECT count(*) FROM pgqrs_archive;

-- Index: pgqrs_archive_dead.
-- name: archived_count_dead
SELECT count(*) FROM pgqrs_archive
WHERE dead_reason IS NOT NULL
  AND (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0;

-- name: archived_delete
DELETE FROM pgqrs_archive WHERE id = ?1+0;

-- Whether it is a dead letter, and whether its queue is there.
-- name: replay_guard
SELECT a.dead_reason IS NOT NULL, q.id IS NOT NULL
FROM pgqrs_archive a LEFT JOIN pgqrs_queues q ON q.id = a.queue_id WHERE a.id = ?1+0;

-- name: replay
INSERT INTO pgqrs_messages (id, queue_id, vt, enqueued_at, read_ct, producer_worker_id, payload)
SELECT id, queue_id, ?2, enqueued_at, 0, producer_worker_id, payload FROM pgqrs_archive WHERE id = ?1+0;

-- Index: pgqrs_archive_at.
-- name: archived_prune
DELETE FROM pgqrs_archive WHERE id IN (
  SELECT id FROM pgqrs_archive WHERE archived_at < ?1+0 ORDER BY archived_at LIMIT ?2+0);
