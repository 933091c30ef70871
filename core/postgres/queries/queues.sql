-- name: CreateQueue
insert into {schema}.pgqrs_queues (queue_name, max_read_ct) values ($1, $2)
on conflict (queue_name) do nothing
returning id, queue_name, created_at, max_read_ct

-- name: GetQueue
select id, queue_name, created_at, max_read_ct from {schema}.pgqrs_queues where queue_name = $1

-- name: GetQueueByID
select id, queue_name, created_at, max_read_ct from {schema}.pgqrs_queues where id = $1

-- name: ListQueues
select id, queue_name, created_at, max_read_ct from {schema}.pgqrs_queues order by id limit $1 offset $2

-- name: CountQueues
select count(*) from {schema}.pgqrs_queues

-- The lock waits for flushes in flight and keeps new ones out, so that no
-- message can slip in between the check and the removal. Every later statement of
-- every queue lines up behind it, so it must not wait for long: $1.

-- name: LockPatience
select set_config('lock_timeout', $1, true)

-- name: LockMessages
lock table {schema}.pgqrs_messages in share row exclusive mode

-- name: LockQueue
select id from {schema}.pgqrs_queues where queue_name = $1 for update

-- name: QueueInUse
select exists (select 1 from {schema}.pgqrs_messages m where m.queue_id = $1),
  exists (select 1 from {schema}.pgqrs_workers w where w.queue_id = $1 and w.status <> 'stopped'),
  exists (select 1 from {schema}.pgqrs_workflows f where f.queue_id = $1)

-- name: DeleteQueue
delete from {schema}.pgqrs_queues where id = $1

-- name: DeleteQueueKeys
delete from {schema}.pgqrs_dedup where queue_id = $1

-- A part of a purge, $4 messages of those up to id $3. Walks pgqrs_messages_claim
-- from the instant $2 on, where the last part ended: what it left there is dead, and
-- would have to be stepped over again. A row that changes meanwhile was found, and
-- is not removed: it is left to the next pass.

-- name: PurgePart
with found as materialized (
  select c.ctid as tid, c.vt from {schema}.pgqrs_messages c
  where c.queue_id = $1 and c.vt >= $2::timestamptz and c.id <= $3
  order by c.queue_id, c.vt, c.id
  limit $4),
gone as (
  delete from {schema}.pgqrs_messages m
  where m.ctid = any(array(select tid from found))
  returning 1)
select (select count(*) from found), (select count(*) from gone), (select max(vt) from found)

-- name: LastMessage
select coalesce(max(id), 0) from {schema}.pgqrs_messages

-- name: Metrics
select q.id, q.queue_name, coalesce(m.pending, 0), coalesce(m.delayed, 0), coalesce(m.leased, 0),
  coalesce(a.archived, 0), coalesce(a.dead, 0), m.oldest
from {schema}.pgqrs_queues q
left join (
  select queue_id,
    count(*) filter (where vt <= statement_timestamp()) as pending,
    count(*) filter (where vt > statement_timestamp() and consumer_worker_id is null) as delayed,
    count(*) filter (where vt > statement_timestamp() and consumer_worker_id is not null) as leased,
    min(vt) filter (where vt <= statement_timestamp()) as oldest
  from {schema}.pgqrs_messages where $1::bigint = 0 or queue_id = $1 group by queue_id) m on m.queue_id = q.id
left join (
  select queue_id, count(*) filter (where dead_reason is null) as archived, count(*) filter (where dead_reason is not null) as dead
  from {schema}.pgqrs_archive where $1::bigint = 0 or queue_id = $1 group by queue_id) a on a.queue_id = q.id
where $1::bigint = 0 or q.id = $1
order by q.id

-- name: Stats
select (select count(*) from {schema}.pgqrs_queues), (select count(*) from {schema}.pgqrs_workers where status <> 'stopped'),
  m.pending, m.delayed, m.leased, a.archived, a.dead,
  (select coalesce(max(version), 0) from {schema}.pgqrs_schema_version)::bigint
from (
  select count(*) filter (where vt <= statement_timestamp()) as pending,
    count(*) filter (where vt > statement_timestamp() and consumer_worker_id is null) as delayed,
    count(*) filter (where vt > statement_timestamp() and consumer_worker_id is not null) as leased
  from {schema}.pgqrs_messages) m,
 (select count(*) filter (where dead_reason is null) as archived, count(*) filter (where dead_reason is not null) as dead
  from {schema}.pgqrs_archive) a
