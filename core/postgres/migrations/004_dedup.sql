-- The dedup keys of messages: what a key came with first, for as long as it is
-- remembered, whatever becomes of the message. A table of its own, so that messages
-- without a key pay nothing. Bytes are compared, never words of a language.
create table {schema}.pgqrs_dedup (
  queue_id   bigint not null,
  dedup_key  text collate "C" not null,
  message_id bigint not null,
  created_at timestamptz not null,
  primary key (queue_id, dedup_key)
);

create index pgqrs_dedup_created on {schema}.pgqrs_dedup (created_at);

-- The functions of transactional enqueue, with dedup keys: null, or one for each
-- payload, of which any may be null. Replaced and not overloaded: two functions that a
-- call with three arguments fits are ambiguous.
drop function {schema}.pgqrs_enqueue(text, jsonb, interval);
drop function {schema}.pgqrs_enqueue_batch(text, jsonb[], interval);

create function {schema}.pgqrs_enqueue_batch(
  queue text, payloads jsonb[], delay interval default '0', dedup_keys text[] default null)
returns setof bigint
language plpgsql volatile
as $pgqrs$
declare
  target bigint;
  answered bigint := 0;
begin
  if delay < interval '0' then
    raise exception using errcode = '22023', message = 'delay must not be negative';
  end if;
  if dedup_keys is not null and cardinality(dedup_keys) <> cardinality(payloads) then
    raise exception using errcode = '22023', message = format('%s dedup keys for %s payloads',
      cardinality(dedup_keys), cardinality(payloads)), hint = 'Give one for each, null for none.';
  end if;
  if exists (select 1 from unnest(dedup_keys) k where octet_length(k) not between 1 and 255) then
    raise exception using errcode = '22023', message = 'a dedup key must have 1 to 255 bytes';
  end if;
  select q.id into target from {schema}.pgqrs_queues q where q.queue_name = queue;
  if dedup_keys is null then
    return query
      insert into {schema}.pgqrs_messages (queue_id, vt, enqueued_at, payload)
      select q.id, t.at + delay, t.at, u.payload
      from (select clock_timestamp() as at) t, {schema}.pgqrs_queues q, unnest(payloads) with ordinality as u(payload, n)
      where q.id = target
      order by u.n
      returning pgqrs_messages.id;
  else -- as the statement EnqueueKeyed of the library, which says why
    return query
      with input as materialized (
        select u.*, t.now, nextval(t.ids) as id
        from (select clock_timestamp() as now, pg_get_serial_sequence({messages}, 'id')::regclass as ids) t,
          (select a.payload, a.dedup_key collate "C" as dedup_key, a.n
           from unnest(payloads, dedup_keys) with ordinality as a(payload, dedup_key, n) order by a.n) u
        where exists (select 1 from {schema}.pgqrs_queues q where q.id = target)
      ), remembered as (
        insert into {schema}.pgqrs_dedup as d (queue_id, dedup_key, message_id, created_at)
        select distinct on (i.dedup_key) target, i.dedup_key, i.id, i.now from input i where i.dedup_key is not null
        order by i.dedup_key, i.n
        on conflict on constraint pgqrs_dedup_pkey do update set message_id = d.message_id
        returning d.dedup_key, d.message_id
      ), stored as (
        insert into {schema}.pgqrs_messages (id, queue_id, vt, enqueued_at, payload)
        overriding system value
        select i.id, target, i.now + delay, i.now, i.payload
        from input i left join remembered r on r.dedup_key = i.dedup_key
        where i.dedup_key is null or r.message_id = i.id
        order by i.n
      )
      select coalesce(r.message_id, i.id) from input i left join remembered r on r.dedup_key = i.dedup_key order by i.n;
  end if;
  get diagnostics answered = row_count;
  -- The insertion waits for a delete_queue under way, so it may find less than
  -- the look-up before it.
  if target is null or answered < cardinality(payloads) then
    raise exception using errcode = 'PQ001', message = format('Queue ''%s'' not found', queue),
      hint = 'Create it with create_queue first.';
  end if;
  perform pg_catalog.pg_notify({channel}, target::text);
end
$pgqrs$;

create function {schema}.pgqrs_enqueue(
  queue text, payload jsonb, delay interval default '0', dedup_key text default null)
returns bigint
language sql volatile
as $pgqrs$
  select {schema}.pgqrs_enqueue_batch(queue, array[payload], delay, case when dedup_key is not null then array[dedup_key] end)
$pgqrs$;
