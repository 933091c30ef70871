-- Acknowledgements. The arrays hold one row per message, sorted by id, so that
-- row locks are taken in id order and flushes cannot deadlock; the answer is the
-- ids that took effect. read_ct 0: the owner alone decides. Each statement is a
-- nested loop over pgqrs_messages_pkey; unnest in a list of values, not in "from",
-- keeps no copy of the arrays.

-- part: Tokens
select unnest($1::bigint[]) as id, unnest($2::bigint[]) as worker, unnest($3::int[]) as read_ct

-- part: Held
m.id = t.id and m.consumer_worker_id = t.worker and (t.read_ct = 0 or m.read_ct = t.read_ct)

-- What is archived, and when; why it is dead, or null, follows.

-- part: Archived
insert into {schema}.pgqrs_archive (id, queue_id, vt, enqueued_at, dequeued_at, read_ct, producer_worker_id, consumer_worker_id, payload, archived_at, dead_reason)
  select id, queue_id, vt, enqueued_at, dequeued_at, read_ct, producer_worker_id, consumer_worker_id, payload, clock_timestamp(),

-- part: Expired
    format('leased %s times without being archived', read_ct) from exhausted

-- name: Archive
with gone as (
  delete from {schema}.pgqrs_messages m
  using ({Tokens}) t
  where {Held}
  returning m.*),
kept as (
  {Archived}
    null from gone)
select id from gone

-- name: Delete
delete from {schema}.pgqrs_messages m
using ({Tokens}) t
where {Held}
returning m.id

-- name: Extend
update {schema}.pgqrs_messages m
set vt = greatest(m.vt, statement_timestamp() + make_interval(secs => t.seconds))
from ({Tokens},
  unnest($4::float8[]) as seconds) t
where {Held}
returning m.id

-- A message at its limit becomes a dead letter; an unread one never does, and
-- goes back as if the claim had not been.

-- name: Release
with t as materialized (
  {Tokens},
    unnest($4::timestamptz[]) as at, unnest($5::bool[]) as unread),
exhausted as (
  delete from {schema}.pgqrs_messages m
  using t, {schema}.pgqrs_queues q
  where {Held}
    and q.id = m.queue_id and not t.unread and m.read_ct >= q.max_read_ct
  returning m.*),
buried as (
  {Archived}
    format('released after %s leases', read_ct) from exhausted),
back as (
  update {schema}.pgqrs_messages m
  set vt = coalesce(t.at, statement_timestamp()), consumer_worker_id = null,
    read_ct = m.read_ct - t.unread::int,
    dequeued_at = case when t.unread and m.read_ct <= 1 then null else m.dequeued_at end
  from t, {schema}.pgqrs_queues q
  where {Held}
    and q.id = m.queue_id and (t.unread or m.read_ct < q.max_read_ct)
  returning m.id)
select id from exhausted union all select id from back

-- $1 queue, 0 for every queue. It reads all that is eligible.

-- name: Sweep
with exhausted as (
  delete from {schema}.pgqrs_messages m
  where m.ctid = any(array(
    select x.ctid from {schema}.pgqrs_queues q join {schema}.pgqrs_messages x on x.queue_id = q.id
    where ($1::bigint = 0 or q.id = $1) and x.vt <= statement_timestamp() and x.read_ct >= q.max_read_ct
    for update of x skip locked))
  returning m.*),
buried as (
  {Archived}
{Expired})
select count(*), statement_timestamp() from exhausted

-- $1 instant, $2 how many at most. It reads what became eligible since then, queue by
-- queue along pgqrs_messages_claim: a subquery that locks is never joined otherwise.

-- name: SweepSince
with exhausted as (
  delete from {schema}.pgqrs_messages m
  where m.ctid = any(array(
    select x.tid from {schema}.pgqrs_queues q cross join lateral (
      select c.ctid as tid from {schema}.pgqrs_messages c
      where c.queue_id = q.id and c.vt > $1 and c.vt <= statement_timestamp() and c.read_ct >= q.max_read_ct
      for update skip locked) x
    limit $2))
  returning m.*),
buried as (
  {Archived}
{Expired})
select count(*), statement_timestamp() from exhausted
