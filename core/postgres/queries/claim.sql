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
-- $5 the first place of each claim, an item a claim; ClaimOne has one of each and no
-- places. Walks pgqrs_messages_claim; the order names the full key, so that no other
-- index offers itself. The join is by ctid because "id in (select ..)" joins by
-- hash over the whole table. The queue and the workers are looked up once; one
-- that takes no messages keeps all from it, and ClaimOutlook tells which.

-- The parts of the claims. Each adds its own conditions to what is eligible.

-- part: Eligible
  select c.ctid as tid, c.vt as due
  from {schema}.pgqrs_messages c
  where c.queue_id = $1 and c.read_ct < (select q.max_read_ct from {schema}.pgqrs_queues q where q.id = $1)
    and (select set_config('synchronous_commit', case when current_setting('synchronous_standby_names') = '' then 'off'
      else current_setting('synchronous_commit') end, true)) is not null

-- part: Locked
  order by c.queue_id, c.vt, c.id
  limit $2 for no key update of c skip locked

-- part: AllTake
    and (select bool_and(coalesce(w.status in ('ready', 'polling'), false))
      from unnest($3::bigint[]) as u(id) left join {schema}.pgqrs_workers w on w.id = u.id)

-- part: Dealt
  select tid, due, claim, ($3::bigint[])[claim] as worker, ($4::float8[])[claim] as lease
  from (select tid, due, width_bucket(row_number() over (), $5::bigint[]) as claim from picked) p

-- part: Leased
  update {schema}.pgqrs_messages m
  set vt = statement_timestamp() + make_interval(secs => d.lease), read_ct = m.read_ct + 1,
    dequeued_at = coalesce(m.dequeued_at, statement_timestamp()), consumer_worker_id = d.worker
  from dealt d where m.ctid = d.tid
  returning d.claim, m.id, m.payload, m.enqueued_at, m.vt, m.read_ct, m.dequeued_at, m.producer_worker_id, d.due

-- Behind the hint. $6 is where it stands.

-- name: Claim
with picked as materialized (
{Eligible}
    and c.vt <= statement_timestamp() and c.vt >= $6::timestamptz
{AllTake}
{Locked}),
dealt as (
{Dealt})
{Leased}

-- The same for one claim, as a lone consumer asks: without arrays, places and a
-- window the server spends a quarter less on a claim of one message. $5 is the hint.

-- name: ClaimOne
with picked as materialized (
{Eligible}
    and c.vt <= statement_timestamp() and c.vt >= $5::timestamptz
    and (select w.status in ('ready', 'polling') from {schema}.pgqrs_workers w where w.id = $3)
{Locked}),
dealt as (select tid, due, 1 as claim, $3::bigint as worker, $4::float8 as lease from picked)
{Leased}

-- Claims that look at the whole queue. When they come back short, they also move
-- what is exhausted to the archive, in the same statement. $6 is an instant or null,
-- $7 what claims behind the hint have just taken.

-- name: ClaimWhole
with picked as materialized (
{Eligible}
    and c.vt <= coalesce($6::timestamptz, statement_timestamp()) and c.id <> all($7::bigint[])
{AllTake}
{Locked}),
dealt as (
{Dealt}),
claimed as (
{Leased}),
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
  {Archived}
{Expired})
select * from claimed

-- What short claims want to know besides: whether each of the workers $2 was
-- allowed to look, and when the next message is due. A negative answer means that
-- messages are eligible, which others have locked this moment.

-- name: ClaimOutlook
select exists (select 1 from {schema}.pgqrs_queues q where q.id = $1),
  array(select (select w.status from {schema}.pgqrs_workers w where w.id = u.id) from unnest($2::bigint[]) as u(id)),
  (select extract(epoch from m.vt - statement_timestamp())::float8 from {schema}.pgqrs_messages m
   where m.queue_id = $1 order by m.queue_id, m.vt, m.id limit 1)
