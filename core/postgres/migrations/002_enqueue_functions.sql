-- Transactional enqueue from any client: the message becomes visible exactly when
-- the caller's transaction commits, and the announcement is part of it.
-- SQLSTATE PQ001 means that no queue has this name.
create function {schema}.pgqrs_enqueue_batch(queue text, payloads jsonb[], delay interval default '0')
returns setof bigint
language plpgsql volatile
as $pgqrs$
declare
  target bigint;
  stored bigint := 0;
begin
  if delay < interval '0' then
    raise exception using errcode = '22023', message = 'delay must not be negative';
  end if;
  select q.id into target from {schema}.pgqrs_queues q where q.queue_name = queue;
  return query
    insert into {schema}.pgqrs_messages (queue_id, vt, enqueued_at, payload)
    select q.id, t.at + delay, t.at, u.payload
    from (select clock_timestamp() as at) t, {schema}.pgqrs_queues q, unnest(payloads) with ordinality as u(payload, n)
    where q.id = target
    order by u.n
    returning pgqrs_messages.id;
  get diagnostics stored = row_count;
  -- The insertion waits for a delete_queue under way, so it may find less than
  -- the look-up before it.
  if target is null or stored < cardinality(payloads) then
    raise exception using errcode = 'PQ001', message = format('Queue ''%s'' not found', queue),
      hint = 'Create it with create_queue first.';
  end if;
  perform pg_catalog.pg_notify({channel}, target::text);
end
$pgqrs$;

create function {schema}.pgqrs_enqueue(queue text, payload jsonb, delay interval default '0')
returns bigint
language sql volatile
as $pgqrs$
  select {schema}.pgqrs_enqueue_batch(queue, array[payload], delay)
$pgqrs$;
