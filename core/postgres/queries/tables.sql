-- Table reads. $1 queue, $2 consumer, $3 least receive count, $4 what the payload
-- contains; zero and null do not restrict. Rows come in id order along the
-- primary key.

-- name: GetMessage
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, null::timestamptz, null::text
from {schema}.pgqrs_messages where id = $1

-- name: ListMessages
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, null::timestamptz, null::text
from {schema}.pgqrs_messages
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
  and ($4::text is null or payload @> $4::text::jsonb)
order by id limit $5 offset $6

-- name: CountMessages
select count(*) from {schema}.pgqrs_messages
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
  and ($4::text is null or payload @> $4::text::jsonb)

-- name: GetArchived
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, archived_at, dead_reason
from {schema}.pgqrs_archive where id = $1

-- name: ListArchived
select id, queue_id, payload, enqueued_at, vt, read_ct, dequeued_at, producer_worker_id, consumer_worker_id, archived_at, dead_reason
from {schema}.pgqrs_archive
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
  and ($4::text is null or payload @> $4::text::jsonb)
  and (not $5::bool or dead_reason is not null)
order by id limit $6 offset $7

-- name: CountArchived
select count(*) from {schema}.pgqrs_archive
where ($1::bigint = 0 or queue_id = $1) and ($2::bigint = 0 or consumer_worker_id = $2) and read_ct >= $3::int
  and ($4::text is null or payload @> $4::text::jsonb)
  and (not $5::bool or dead_reason is not null)

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

-- $6 the first id, $7 seconds, $8 how many to look at. Ids ascend with enqueued_at,
-- nearly, and nothing is archived before it was enqueued. The index by archived_at
-- would do until vacuum has freed pages: with a young row on each, it finds them all.

-- name: PruneArchive
with page as materialized (
  select a.ctid as tid, a.id, a.enqueued_at, a.archived_at from {schema}.pgqrs_archive a
  where a.id >= $6 and ($1::bigint = 0 or a.queue_id = $1) and ($2::bigint = 0 or a.consumer_worker_id = $2)
    and a.read_ct >= $3::int and ($4::text is null or a.payload @> $4::text::jsonb)
    and (not $5::bool or a.dead_reason is not null)
  order by a.id limit $8),
removed as (
  delete from {schema}.pgqrs_archive a
  where a.ctid = any(array(
    select d.ctid from {schema}.pgqrs_archive d
    where d.ctid = any(array(select p.tid from page p where p.archived_at < statement_timestamp() - make_interval(secs => $7::float8)))
    for update skip locked))
  returning 1)
select (select count(*) from removed), count(*), coalesce(max(p.id), $6 - 1),
  not coalesce(bool_or(p.enqueued_at < statement_timestamp() - make_interval(secs => $7::float8)), false)
from page p

-- A lease that has expired belongs to nobody. A claim that comes first leaves
-- nothing to delete: the row is looked at again once its lock is had.

-- name: DeadLetter
with dead as (
  delete from {schema}.pgqrs_messages
  where id = $1 and (consumer_worker_id is null or vt <= statement_timestamp())
  returning *)
{Archived}
    'moved by hand' from dead

-- name: MessageExists
select exists (select 1 from {schema}.pgqrs_messages where id = $1)
