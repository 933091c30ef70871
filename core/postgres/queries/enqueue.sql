-- One statement stores a whole flush, or nothing when the queue is gone: the
-- look-up of the queue is a one-time filter over pgqrs_queues_pkey. Absent arrays
-- (null) read as absent values in every row. Sorting by n makes the ids ascend
-- in input order.

-- name: Enqueue
insert into {schema}.pgqrs_messages (queue_id, vt, enqueued_at, producer_worker_id, payload)
select $1::bigint, coalesce(u.at, t.at + make_interval(secs => coalesce(u.delay, 0))), t.at, u.producer, u.payload::jsonb
from (select clock_timestamp() as at) t,
     unnest($2::text[], $3::float8[], $4::timestamptz[], $5::bigint[]) with ordinality as u(payload, delay, at, producer, n)
where exists (select 1 from {schema}.pgqrs_queues q where q.id = $1)
order by u.n
returning id

-- Its own transaction, after the commit of what it announces.

-- name: Notify
select set_config('synchronous_commit', 'off', true), pg_notify($1, u.queue) from unnest($2::text[]) as u(queue)

-- In the transaction of a caller who asked for that.

-- name: NotifyInside
select pg_notify($1, $2)
