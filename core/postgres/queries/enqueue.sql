-- One statement stores a whole flush, or nothing when the queue is gone: the
-- look-up of the queue is a one-time filter over pgqrs_queues_pkey. Absent arrays
-- (null) read as absent values in every row, and so does the producer 0. Rows are
-- made, and ids drawn, in input order: functions that return sets go in step in a
-- list of values, and unlike in "from" they keep no copy of the arrays (a tenth of
-- the server's time).

-- name: Enqueue
insert into {schema}.pgqrs_messages (queue_id, vt, enqueued_at, producer_worker_id, payload)
select $1::bigint, coalesce(u.at, u.now + make_interval(secs => u.delay), u.now), u.now, nullif(u.producer, 0), u.payload::jsonb
from (select (select clock_timestamp()) as now, unnest($2::text[]) as payload, unnest($3::float8[]) as delay,
  unnest($4::timestamptz[]) as at, unnest($5::bigint[]) as producer) u
where exists (select 1 from {schema}.pgqrs_queues q where q.id = $1)
returning id

-- The same for a flush with dedup keys. The ids are drawn first, so a key that came
-- back with the id drawn for it is new, and any other id is that of the message it was
-- remembered with; "do update" changes nothing, but waits for a transaction under way
-- with that key and finds what it left, for as long as $7 says (null: the session
-- does). Keys are locked in one order, so that flushes do not deadlock, and of equal
-- keys of the flush the first counts.

-- name: EnqueueKeyed
with input as materialized (
  select u.*, t.now, nextval(t.ids) as id
  from (select clock_timestamp() as now, pg_get_serial_sequence({messages}, 'id')::regclass as ids) t,
    (select payload, delay, at, producer, dedup_key collate "C" as dedup_key, n
     from unnest($2::text[], $3::float8[], $4::timestamptz[], $5::bigint[], $6::text[])
       with ordinality as u(payload, delay, at, producer, dedup_key, n)
     order by n) u
  where exists (select 1 from {schema}.pgqrs_queues q where q.id = $1::bigint)
    and (select set_config('lock_timeout', coalesce($7::text, current_setting('lock_timeout')), true)) is not null
), remembered as (
  insert into {schema}.pgqrs_dedup as d (queue_id, dedup_key, message_id, created_at)
  select distinct on (dedup_key) $1, dedup_key, id, now from input where dedup_key is not null
  order by dedup_key, n
  on conflict (queue_id, dedup_key) do update set message_id = d.message_id
  returning dedup_key, message_id
), stored as (
  insert into {schema}.pgqrs_messages (id, queue_id, vt, enqueued_at, producer_worker_id, payload)
  overriding system value
  select i.id, $1, coalesce(i.at, i.now + make_interval(secs => coalesce(i.delay, 0))), i.now, nullif(i.producer, 0), i.payload::jsonb
  from input i left join remembered r using (dedup_key)
  where i.dedup_key is null or r.message_id = i.id
  order by i.n
)
select coalesce(r.message_id, i.id) from input i left join remembered r using (dedup_key) order by i.n

-- name: ForgetKeys
delete from {schema}.pgqrs_dedup
where ctid = any(array(
  select ctid from {schema}.pgqrs_dedup where created_at < statement_timestamp() - make_interval(secs => $1::float8)
  order by created_at limit $2 for update skip locked))

-- Its own transaction, after the commit of what it announces.

-- name: Notify
select set_config('synchronous_commit', 'off', true), pg_notify($1, u.queue) from unnest($2::text[]) as u(queue)

-- In the transaction of a caller who asked for that.

-- name: NotifyInside
select pg_notify($1, $2)
