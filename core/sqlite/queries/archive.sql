-- name: archived_by_id
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id,
  archived_at, dead_reason
FROM pgqrs_archive WHERE id = ?1+0;

-- name: archived_list
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id,
  archived_at, dead_reason
FROM pgqrs_archive
WHERE (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4))
ORDER BY id LIMIT ?5+0 OFFSET ?6+0;

-- Index: pgqrs_archive_dead.
-- name: archived_list_dead
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id,
  archived_at, dead_reason
FROM pgqrs_archive
WHERE dead_reason IS NOT NULL
  AND (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4))
ORDER BY id LIMIT ?5+0 OFFSET ?6+0;

-- name: archived_count
SELECT count(*) FROM pgqrs_archive
WHERE (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4));

-- Never touches the table. Index: pgqrs_archive_at.
-- name: archived_count_all
SELECT count(*) FROM pgqrs_archive;

-- Index: pgqrs_archive_dead.
-- name: archived_count_dead
SELECT count(*) FROM pgqrs_archive
WHERE dead_reason IS NOT NULL
  AND (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4));

-- name: archived_delete
DELETE FROM pgqrs_archive WHERE id = ?1+0;

-- Whether it is a dead letter, and whether its queue is there.
-- name: replay_guard
SELECT a.dead_reason IS NOT NULL, q.id IS NOT NULL
FROM pgqrs_archive a LEFT JOIN pgqrs_queues q ON q.id = a.queue_id WHERE a.id = ?1+0;

-- name: replay
INSERT INTO pgqrs_messages (id, queue_id, vt, enqueued_at, read_ct, producer_worker_id, payload)
SELECT id, queue_id, ?2, enqueued_at, 0, producer_worker_id, payload FROM pgqrs_archive WHERE id = ?1+0;

-- Read outside a write transaction, because a filter may look at all of the archive.
-- name: archived_page
SELECT id, enqueued_at, archived_at FROM pgqrs_archive
WHERE id >= ?5+0
  AND (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4))
ORDER BY id LIMIT ?6+0;

-- Index: pgqrs_archive_dead.
-- name: archived_page_dead
SELECT id, enqueued_at, archived_at FROM pgqrs_archive
WHERE dead_reason IS NOT NULL AND id >= ?5+0
  AND (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4))
ORDER BY id LIMIT ?6+0;

-- One that was replayed meanwhile, and died again, is young.
-- name: archived_prune
DELETE FROM pgqrs_archive WHERE id IN (SELECT value FROM json_each(?1)) AND archived_at < ?2+0;
