-- The tables. No foreign keys on the hot tables: one halves the rate of enqueue,
-- three cut it to a third; delete_queue locks the messages instead.
create table {schema}.pgqrs_queues (
  id          bigint generated always as identity primary key,
  queue_name  text not null unique,
  created_at  timestamptz not null default now(),
  max_read_ct int not null
);

-- A registration always gets a new id, and ids are never used again: the fencing
-- token of a lease depends on it.
create table {schema}.pgqrs_workers (
  id           bigint generated always as identity primary key,
  queue_id     bigint,
  name         text not null,
  hostname     text,
  port         int,
  status       text not null,
  started_at   timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  shutdown_at  timestamptz
);

-- Every claim and acknowledgement leaves a dead row behind, so vacuum comes
-- after a number of them rather than after a fifth of the table.
create table {schema}.pgqrs_messages (
  id                 bigint generated always as identity primary key,
  queue_id           bigint not null,
  vt                 timestamptz not null,
  enqueued_at        timestamptz not null,
  dequeued_at        timestamptz,
  read_ct            int not null default 0,
  producer_worker_id bigint,
  consumer_worker_id bigint,
  payload            jsonb not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000);

create index pgqrs_messages_claim on {schema}.pgqrs_messages (queue_id, vt, id);

create table {schema}.pgqrs_archive (
  id                 bigint primary key,
  queue_id           bigint not null,
  vt                 timestamptz,
  enqueued_at        timestamptz not null,
  dequeued_at        timestamptz,
  read_ct            int not null,
  producer_worker_id bigint,
  consumer_worker_id bigint,
  payload            jsonb not null,
  archived_at        timestamptz not null,
  dead_reason        text,
  original_msg_id    bigint generated always as (id) stored
);

-- For reports by time. Block ranges suffice: rows arrive in the order of archived_at.
create index pgqrs_archive_at on {schema}.pgqrs_archive using brin (archived_at) with (autosummarize = on);
