-- The row of VALUES is repeated for as many messages as one statement carries.
-- name: enqueue
INSERT INTO pgqrs_messages (queue_id, enqueued_at, vt, producer_worker_id, payload)
VALUES (?1, ?2, ?, ?, ?);

-- What a claim has to know before it looks for messages: no row for neither.
-- name: claim_guard
SELECT q.max_read_ct, w.status
FROM (SELECT 1) LEFT JOIN pgqrs_queues q ON q.id = ?1+0 LEFT JOIN pgqrs_workers w ON w.id = ?2+0;

-- "?+0": a bare parameter after LIMIT makes SQLite plan the statement anew at
-- every execution. Index: pgqrs_messages_claim, which holds the order (vt, id).
-- name: claim_due
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id
FROM pgqrs_messages
WHERE queue_id = ?1+0 AND vt <= ?2+0 AND read_ct < ?3+0
ORDER BY vt, id LIMIT ?4+0;

-- name: claim_lease
UPDATE pgqrs_messages
SET vt = ?2, read_ct = read_ct + 1, dequeued_at = coalesce(dequeued_at, ?3), consumer_worker_id = ?4
WHERE id IN (SELECT value FROM json_each(?1));

-- Index: pgqrs_messages_claim.
-- name: claim_next_due
SELECT min(vt) FROM pgqrs_messages WHERE queue_id = ?1+0 AND vt > ?2+0;

-- Index: pgqrs_messages_claim.
-- name: exhausted_of_queue
SELECT id FROM pgqrs_messages WHERE queue_id = ?1+0 AND vt <= ?2+0 AND read_ct >= ?3+0;

-- Read outside a write transaction, because it may look at a whole backlog.
-- Index: pgqrs_messages_claim.
-- name: exhausted_everywhere
SELECT m.id FROM pgqrs_queues q CROSS JOIN pgqrs_messages m ON m.queue_id = q.id
WHERE (?1+0 = 0 OR q.id = ?1+0) AND m.vt > ?2+0 AND m.vt <= ?3+0 AND m.read_ct >= q.max_read_ct;

-- Which of these are exhausted still.
-- name: exhausted_of_these
SELECT m.id FROM pgqrs_messages m JOIN pgqrs_queues q ON q.id = m.queue_id
WHERE m.id IN (SELECT value FROM json_each(?1)) AND m.vt <= ?2+0 AND m.read_ct >= q.max_read_ct;

-- The present fencing tokens of these messages, and whether each is at its limit.
-- name: leases
SELECT m.id, m.consumer_worker_id, m.read_ct, m.read_ct >= q.max_read_ct
FROM pgqrs_messages m LEFT JOIN pgqrs_queues q ON q.id = m.queue_id
WHERE m.id IN (SELECT value FROM json_each(?1)) AND m.consumer_worker_id IS NOT NULL;

-- ?3 is NULL, or why they are dead, with %d for the receive count.
-- name: archive
INSERT INTO pgqrs_archive (id, queue_id, vt, enqueued_at, dequeued_at, read_ct,
  producer_worker_id, consumer_worker_id, payload, archived_at, dead_reason)
SELECT id, queue_id, vt, enqueued_at, dequeued_at, read_ct,
  producer_worker_id, consumer_worker_id, payload, ?2, format(?3, read_ct)
FROM pgqrs_messages WHERE id IN (SELECT value FROM json_each(?1));

-- name: remove
DELETE FROM pgqrs_messages WHERE id IN (SELECT value FROM json_each(?1));

-- name: extend
UPDATE pgqrs_messages SET vt = max(vt, ?2+0) WHERE id IN (SELECT value FROM json_each(?1));

-- name: release
UPDATE pgqrs_messages SET vt = ?2, consumer_worker_id = NULL
WHERE id IN (SELECT value FROM json_each(?1));

-- Undoes a claim that user code never saw.
-- name: release_unread
UPDATE pgqrs_messages
SET vt = ?2, consumer_worker_id = NULL, read_ct = read_ct - 1,
    dequeued_at = CASE WHEN read_ct > 1 THEN dequeued_at END
WHERE id IN (SELECT value FROM json_each(?1));

-- Whether a message is leased: an expired lease belongs to nobody.
-- name: message_leased
SELECT consumer_worker_id IS NOT NULL AND vt > ?2+0 FROM pgqrs_messages WHERE id = ?1+0;

-- name: message_by_id
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id
FROM pgqrs_messages WHERE id = ?1+0;

-- name: message_list
SELECT id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id
FROM pgqrs_messages
WHERE (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4))
ORDER BY id LIMIT ?5+0 OFFSET ?6+0;

-- name: message_count
SELECT count(*) FROM pgqrs_messages
WHERE (?1+0 = 0 OR queue_id = ?1+0) AND (?2+0 = 0 OR consumer_worker_id = ?2+0) AND read_ct >= ?3+0
  AND (?4 IS NULL OR pgqrs_contains(payload, ?4));

-- The two common counts never touch the table. Index: pgqrs_messages_claim.
-- name: message_count_all
SELECT count(*) FROM pgqrs_messages;

-- name: message_count_queue
SELECT count(*) FROM pgqrs_messages WHERE queue_id = ?1+0;
