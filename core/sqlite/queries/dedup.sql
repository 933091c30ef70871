-- name: dedup_find
SELECT message_id FROM pgqrs_dedup WHERE queue_id = ?1+0 AND dedup_key = ?2;

-- name: dedup_add
INSERT INTO pgqrs_dedup (queue_id, dedup_key, message_id, created_at) VALUES (?1, ?2, ?3, ?4);

-- Whether one is old enough to be forgotten. Index: pgqrs_dedup_created.
-- name: dedup_old
SELECT EXISTS (SELECT 1 FROM pgqrs_dedup WHERE created_at < ?1+0);

-- Index: pgqrs_dedup_created.
-- name: dedup_forget
DELETE FROM pgqrs_dedup WHERE (queue_id, dedup_key) IN (
  SELECT queue_id, dedup_key FROM pgqrs_dedup WHERE created_at < ?1+0 ORDER BY created_at LIMIT ?2+0);

-- name: dedup_forget_queue
DELETE FROM pgqrs_dedup WHERE queue_id = ?1+0;
