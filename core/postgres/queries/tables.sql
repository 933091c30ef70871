-- Table reads. $1 queue, $2 consumer, $3 least receive count; zero does not
-- restrict. Rows come in id order along the primary key.

-- name: GetMessage
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, null::timestamptz, null::text
from {schema}.pgqrs_messages where id = $1

-- name: ListMessages
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, null::timestamptz, null::text
from {schema}.pgqrs_messages
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
order by id limit $4 offset $5

-- name: CountMessages
select count(*) from {schema}.pgqrs_messages
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int

-- name: GetArchived
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, archived_at, dead_reason
from {schema}.pgqrs_archive where id = $1

-- name: ListArchived
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, archived_at, dead_reason
from {schema}.pgqrs_archive
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
  and (not $6::bool or dead_reason is not null)
order by id limit $4 offset $5

-- name: CountArchived
select count(*) from {schema}.pgqrs_archive
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
  and (not $4::bool or dead_reason is not null)

-- name: DeleteArchived
delete from {schema}.pgqrs_archive where id = $1

-- name: ReplayArchived
with dead as (
  delete from {schema}.pgqrs_archive a
  where a.id = $1 and a.dead_reason is not null and exists (select 1 from {schema}.pgqrs_queues q where q.id = a.queue_id)
  returning a.*)
insert into {schema}.pgqrs_messages (id, queue_id, vt, enqueued_at, read_ct, producer_worker_id, payload)
overriding system value
select id, queue_id, statement_timestamp(), enqueued_at, 0, producer_worker_id, payload from dead

-- name: WhyNotReplayed
select a.dead_reason is not null, a.queue_id from {schema}.pgqrs_archive a where a.id = $1

-- name: PruneArchive
delete from {schema}.pgqrs_archive
where ctid = any(array(
  select ctid from {schema}.pgqrs_archive
  where archived_at < statement_timestamp() - make_interval(secs => $1::float8) limit $2 for update skip locked))
