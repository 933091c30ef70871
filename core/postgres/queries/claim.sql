-- Which plans a session makes. The hot statements are pinned to theirs in every
-- state of the statistics; $1 says whether that ends with the transaction. To
-- forbid a kind of plan is to give it a huge cost, which would have the server
-- compile the statement first, for a second or more: so jit goes off as well.

-- name: PinPlans
select set_config('enable_seqscan', 'off', $1), set_config('enable_bitmapscan', 'off', $1),
  set_config('enable_sort', 'off', $1), set_config('enable_hashjoin', 'off', $1),
  set_config('enable_mergejoin', 'off', $1), set_config('plan_cache_mode', 'force_generic_plan', $1),
  set_config('jit', 'off', $1)

-- name: UnpinPlans
select set_config('enable_seqscan', null, false), set_config('enable_bitmapscan', null, false),
  set_config('enable_sort', null, false), set_config('enable_hashjoin', null, false),
  set_config('enable_mergejoin', null, false), set_config('plan_cache_mode', null, false),
  set_config('jit', null, false)

-- Only a claim may commit asynchronously: a lost lease is a redelivery, a lost
-- message is a loss. With synchronous standbys it waits like the rest: a message
-- that the standby has not got yet (its enqueue was never answered, the primary
-- restarted) would be handed out, vanish in a failover, and leave its id to
-- another. The setting is made in the statement itself, for its transaction.

-- $1 queue, $2 limit, $3 lease in seconds, $4 worker, $5 hint, $6 instant or null.
-- Walks pgqrs_messages_claim; the order names the full key, so that no other
-- index offers itself. The join is by ctid because "id in (select ..)" joins by
-- hash over the whole table. The queue and the worker are looked up once.

-- name: Claim
with picked as materialized (
  select c.ctid as tid, c.vt as due
  from {schema}.pgqrs_messages c
  where c.queue_id = $1 and c.vt <= coalesce($6::timestamptz, statement_timestamp()) and c.vt >= $5::timestamptz
    and c.read_ct < (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
    and (select w.status from {schema}.pgqrs_workers w where w.id = $4) in ('ready', 'polling')
    and (select set_config('synchronous_commit', case when current_setting('synchronous_standby_names') = '' then 'off'
      else current_setting('synchronous_commit') end, true)) is not null
  order by c.queue_id, c.vt, c.id
  limit $2 for no key update of c skip locked)
update {schema}.pgqrs_messages m
set vt = statement_timestamp() + make_interval(secs => $3), read_ct = m.read_ct + 1,
  dequeued_at = coalesce(m.dequeued_at, statement_timestamp()), consumer_worker_id = $4
from picked p where m.ctid = p.tid
returning m.id, m.payload, m.enqueued_at, m.vt, m.read_ct, m.dequeued_at, m.producer_worker_id, p.due

-- The same for a claim that looks at the whole queue: when it comes back short,
-- it also moves what is exhausted to the archive, in the same statement. $6 is
-- what a claim behind the hint has just taken.

-- name: ClaimWhole
with picked as materialized (
  select c.ctid as tid, c.vt as due
  from {schema}.pgqrs_messages c
  where c.queue_id = $1 and c.vt <= coalesce($5::timestamptz, statement_timestamp()) and c.id <> all($6::bigint[])
    and c.read_ct < (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
    and (select w.status from {schema}.pgqrs_workers w where w.id = $4) in ('ready', 'polling')
    and (select set_config('synchronous_commit', case when current_setting('synchronous_standby_names') = '' then 'off'
      else current_setting('synchronous_commit') end, true)) is not null
  order by c.queue_id, c.vt, c.id
  limit $2 for no key update of c skip locked),
claimed as (
  update {schema}.pgqrs_messages m
  set vt = statement_timestamp() + make_interval(secs => $3), read_ct = m.read_ct + 1,
    dequeued_at = coalesce(m.dequeued_at, statement_timestamp()), consumer_worker_id = $4
  from picked p where m.ctid = p.tid
  returning m.id, m.payload, m.enqueued_at, m.vt, m.read_ct, m.dequeued_at, m.producer_worker_id, p.due),
exhausted as (
  delete from {schema}.pgqrs_messages m
  where m.ctid = any(array(
    select x.ctid from {schema}.pgqrs_messages x
    where x.queue_id = $1 and x.vt <= statement_timestamp() and x.id <> all($6::bigint[])
      and x.read_ct >= (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
      and (select count(*) from claimed) < $2
    for update of x skip locked))
  returning m.*),
buried as (
  insert into {schema}.pgqrs_archive (id, queue_id, vt, enqueued_at, dequeued_at, read_ct, producer_worker_id, consumer_worker_id, payload, archived_at, dead_reason)
  select id, queue_id, vt, enqueued_at, dequeued_at, read_ct, producer_worker_id, consumer_worker_id, payload, clock_timestamp(),
    format('leased %s times without being archived', read_ct) from exhausted)
select * from claimed

-- What a short claim wants to know besides: whether it was allowed to look, and
-- when the next message is due. A negative answer means that messages are
-- eligible, which others have locked this moment.

-- name: ClaimOutlook
select exists (select 1 from {schema}.pgqrs_queues q where q.id = $1),
  (select w.status from {schema}.pgqrs_workers w where w.id = $2),
  (select extract(epoch from m.vt - statement_timestamp())::float8 from {schema}.pgqrs_messages m
   where m.queue_id = $1 order by m.queue_id, m.vt, m.id limit 1)
