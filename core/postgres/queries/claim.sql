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

-- $1 queue, $2 limit of all claims together; $3 workers, $4 leases in seconds and
-- $5 the first place of each claim, an item a claim; $6 hint, $7 instant or null.
-- Walks pgqrs_messages_claim; the order names the full key, so that no other
-- index offers itself. The join is by ctid because "id in (select ..)" joins by
-- hash over the whole table. The queue and the workers are looked up once; one
-- that takes no messages keeps all from it, and ClaimOutlook tells which.

-- name: Claim
with picked as materialized (
  select c.ctid as tid, c.vt as due
  from {schema}.pgqrs_messages c
  where c.queue_id = $1 and c.vt <= coalesce($7::timestamptz, statement_timestamp()) and c.vt >= $6::timestamptz
    and c.read_ct < (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
    and (select bool_and(coalesce(w.status in ('ready', 'polling'), false))
      from unnest($3::bigint[]) as u(id) left join {schema}.pgqrs_workers w on w.id = u.id)
    and (select set_config('synchronous_commit', case when current_setting('synchronous_standby_names') = '' then 'off'
      else current_setting('synchronous_commit') end, true)) is not null
  order by c.queue_id, c.vt, c.id
  limit $2 for no key update of c skip locked),
dealt as (select tid, due, width_bucket(row_number() over (), $5::bigint[]) as claim from picked)
update {schema}.pgqrs_messages m
set vt = statement_timestamp() + make_interval(secs => ($4::float8[])[d.claim]), read_ct = m.read_ct + 1,
  dequeued_at = coalesce(m.dequeued_at, statement_timestamp()), consumer_worker_id = ($3::bigint[])[d.claim]
from dealt d where m.ctid = d.tid
returning d.claim, m.id, m.payload, m.enqueued_at, m.vt, m.read_ct, m.dequeued_at, m.producer_worker_id, d.due

-- The same for claims that look at the whole queue: when they come back short,
-- they also move what is exhausted to the archive, in the same statement. $7 is
-- what claims behind the hint have just taken.

-- name: ClaimWhole
with picked as materialized (
  select c.ctid as tid, c.vt as due
  from {schema}.pgqrs_messages c
  where c.queue_id = $1 and c.vt <= coalesce($6::timestamptz, statement_timestamp()) and c.id <> all($7::bigint[])
    and c.read_ct < (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
    and (select bool_and(coalesce(w.status in ('ready', 'polling'), false))
      from unnest($3::bigint[]) as u(id) left join {schema}.pgqrs_workers w on w.id = u.id)
    and (select set_config('synchronous_commit', case when current_setting('synchronous_standby_names') = '' then 'off'
      else current_setting('synchronous_commit') end, true)) is not null
  order by c.queue_id, c.vt, c.id
  limit $2 for no key update of c skip locked),
dealt as (select tid, due, width_bucket(row_number() over (), $5::bigint[]) as claim from picked),
claimed as (
  update {schema}.pgqrs_messages m
  set vt = statement_timestamp() + make_interval(secs => ($4::float8[])[d.claim]), read_ct = m.read_ct + 1,
    dequeued_at = coalesce(m.dequeued_at, statement_timestamp()), consumer_worker_id = ($3::bigint[])[d.claim]
  from dealt d where m.ctid = d.tid
  returning d.claim, m.id, m.payload, m.enqueued_at, m.vt, m.read_ct, m.dequeued_at, m.producer_worker_id, d.due),
exhausted as (
  delete from {schema}.pgqrs_messages m
  where m.ctid = any(array(
    select x.ctid from {schema}.pgqrs_messages x
    where x.queue_id = $1 and x.vt <= statement_timestamp() and x.id <> all($7::bigint[])
      and x.read_ct >= (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
      and (select count(*) from claimed) < $2
    for update of x skip locked))
  returning m.*),
buried as (
  insert into {schema}.pgqrs_archive (id, queue_id, vt, enqueued_at, dequeued_at, read_ct, producer_worker_id, consumer_worker_id, payload, archived_at, dead_reason)
  select id, queue_id, vt, enqueued_at, dequeued_at, read_ct, producer_worker_id, consumer_worker_id, payload, clock_timestamp(),
    format('leased %s times without being archived', read_ct) from exhausted)
select * from claimed

-- What short claims want to know besides: whether each of the workers $2 was
-- allowed to look, and when the next message is due. A negative answer means that
-- messages are eligible, which others have locked this moment.

-- name: ClaimOutlook
select exists (select 1 from {schema}.pgqrs_queues q where q.id = $1),
  array(select (select w.status from {schema}.pgqrs_workers w where w.id = u.id) from unnest($2::bigint[]) as u(id)),
  (select extract(epoch from m.vt - statement_timestamp())::float8 from {schema}.pgqrs_messages m
   where m.queue_id = $1 order by m.queue_id, m.vt, m.id limit 1)
