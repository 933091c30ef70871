-- Workflows: a name and the queue of that name, the runs that the queue's messages
-- carry, and the recorded steps of those.
create table {schema}.pgqrs_workflows (
  id         bigint generated always as identity primary key,
  name       text not null unique,
  queue_id   bigint not null unique,
  created_at timestamptz not null default now()
);

-- A start counts attempt up, and everything an execution writes is guarded by it.
create table {schema}.pgqrs_workflow_runs (
  id           bigint generated always as identity primary key,
  workflow_id  bigint not null,
  message_id   bigint,
  status       text not null,
  attempt      int not null default 0,
  input        jsonb not null,
  output       jsonb,
  error        text,
  created_at   timestamptz not null,
  started_at   timestamptz,
  updated_at   timestamptz not null,
  paused_at    timestamptz,
  completed_at timestamptz
);

create index pgqrs_workflow_runs_workflow on {schema}.pgqrs_workflow_runs (workflow_id, id);

create table {schema}.pgqrs_workflow_steps (
  id           bigint generated always as identity primary key,
  run_id       bigint not null,
  step_name    text not null,
  status       text not null,
  attempt      int not null,
  failures     int not null default 0,
  output       jsonb,
  error        text,
  retry_at     timestamptz,
  created_at   timestamptz not null,
  started_at   timestamptz not null,
  updated_at   timestamptz not null,
  completed_at timestamptz,
  unique (run_id, step_name)
);
