-- The lock on the queue's row keeps delete_queue out until the worker is seen.

-- name: RegisterWorker
insert into {schema}.pgqrs_workers (queue_id, name, hostname, port, status)
select q.id, $2, nullif($3::text, ''), nullif($4::int, 0), 'ready'
from {schema}.pgqrs_queues q where q.id = $1 for key share
returning id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at

-- name: RegisterUnboundWorker
insert into {schema}.pgqrs_workers (name, hostname, port, status)
values ($1, nullif($2::text, ''), nullif($3::int, 0), 'ready')
returning id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at

-- name: GetWorker
select id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at
from {schema}.pgqrs_workers where id = $1

-- name: ListWorkers
select id, name, hostname, port, queue_id, status, started_at, heartbeat_at, shutdown_at
from {schema}.pgqrs_workers where $1::bigint = 0 or queue_id = $1 order by id limit $2 offset $3

-- name: CountWorkers
select count(*) from {schema}.pgqrs_workers where $1::bigint = 0 or queue_id = $1

-- name: WorkerStats
select q.id, q.queue_name, count(w.id),
  count(*) filter (where w.status = 'ready'), count(*) filter (where w.status = 'polling'),
  count(*) filter (where w.status = 'suspended'), count(*) filter (where w.status = 'interrupted'),
  count(*) filter (where w.status = 'stopped'),
  count(*) filter (where w.name = 'producer'), count(*) filter (where w.name = 'consumer'),
  count(*) filter (where w.status <> 'stopped' and w.heartbeat_at < statement_timestamp() - make_interval(secs => $2::float8)),
  min(w.heartbeat_at) filter (where w.status <> 'stopped'), max(w.heartbeat_at) filter (where w.status <> 'stopped')
from {schema}.pgqrs_queues q left join {schema}.pgqrs_workers w on w.queue_id = q.id
where $1::bigint = 0 or q.id = $1
group by q.id
order by q.id

-- name: SetWorkerStatus
update {schema}.pgqrs_workers
set status = $3, heartbeat_at = statement_timestamp(),
  shutdown_at = case when $3::text = 'stopped' then statement_timestamp() end
where id = $1 and status = any($2::text[])

-- name: WorkerStatus
select status from {schema}.pgqrs_workers where id = $1

-- One statement, because an idle process sends little else.

-- name: Heartbeat
update {schema}.pgqrs_workers
set heartbeat_at = case when status = 'stopped' then heartbeat_at else statement_timestamp() end
where id = any($1::bigint[]) returning id, status

-- name: LockWorker
select status from {schema}.pgqrs_workers where id = $1 for update

-- name: StaleWorkers
select id from {schema}.pgqrs_workers
where heartbeat_at < statement_timestamp() - make_interval(secs => $2::float8) and ($1::bigint = 0 or queue_id is null or queue_id = $1)
order by id for update

-- name: StopWorkers
update {schema}.pgqrs_workers set status = 'stopped', shutdown_at = statement_timestamp()
where id = any($1::bigint[]) and status <> 'stopped'

-- name: RemoveWorkers
delete from {schema}.pgqrs_workers where id = any($1::bigint[])

-- What a worker holds lies beyond now in pgqrs_messages_claim, in the queue it
-- is bound to, or in any queue when it is bound to none.

-- name: HoldsLeases
select exists (
  select 1 from {schema}.pgqrs_queues q join {schema}.pgqrs_messages m on m.queue_id = q.id
  where m.vt > statement_timestamp() and m.consumer_worker_id = $1
    and exists (select 1 from {schema}.pgqrs_workers w where w.id = $1 and (w.queue_id is null or w.queue_id = q.id)))

-- $2 is the longest of their leases, in seconds: beyond it nothing is theirs, and
-- a queue may have a million delayed messages there. The order has the claims' index
-- used also by a plan that was made when the queue was empty.

-- name: ReleaseHeld
with q as materialized (
  select q.id, q.max_read_ct from {schema}.pgqrs_queues q
  where exists (select 1 from {schema}.pgqrs_workers w where w.id = any($1::bigint[]) and (w.queue_id is null or w.queue_id = q.id))),
held as materialized (
  select m.id, m.read_ct >= q.max_read_ct as exhausted
  from q cross join lateral (
    select c.id, c.read_ct from {schema}.pgqrs_messages c
    where c.queue_id = q.id and c.vt > statement_timestamp()
      and c.vt <= statement_timestamp() + make_interval(secs => $2::float8) and c.consumer_worker_id = any($1::bigint[])
    order by c.queue_id, c.vt, c.id) m),
exhausted as (
  delete from {schema}.pgqrs_messages m using held h
  where h.exhausted and m.id = h.id and m.vt > statement_timestamp() and m.consumer_worker_id = any($1::bigint[])
  returning m.*),
buried as (
  {Archived}
    format('released after %s leases', read_ct) from exhausted),
back as (
  update {schema}.pgqrs_messages m set vt = statement_timestamp(), consumer_worker_id = null from held h
  where not h.exhausted and m.id = h.id and m.vt > statement_timestamp() and m.consumer_worker_id = any($1::bigint[])
  returning 1)
select (select count(*) from exhausted) + (select count(*) from back)

-- No queue is looked at in which none of them could hold anything.

-- name: PurgeWorkers
with candidates as materialized (
  select w.id, w.queue_id from {schema}.pgqrs_workers w
  where w.status = 'stopped' or w.heartbeat_at < statement_timestamp() - make_interval(secs => $1::float8)
  for update skip locked),
queues as materialized (
  select q.id from {schema}.pgqrs_queues q
  where exists (select 1 from candidates c where c.queue_id is null or c.queue_id = q.id)),
holders as materialized (
  select distinct m.consumer_worker_id as id
  from queues q cross join lateral (
    select l.consumer_worker_id from {schema}.pgqrs_messages l
    where l.queue_id = q.id and l.vt > statement_timestamp() and l.consumer_worker_id is not null
    order by l.queue_id, l.vt, l.id) m),
removed as (
  delete from {schema}.pgqrs_workers w using candidates c
  where w.id = c.id and c.id not in (select h.id from holders h)
  returning 1)
select count(*) from removed
