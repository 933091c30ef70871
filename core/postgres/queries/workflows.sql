-- The queue comes first: its unique name decides, also between two creators. No
-- row comes back when it was taken.

-- name: CreateWorkflow
with q as (
  insert into {schema}.pgqrs_queues (queue_name, max_read_ct) values ($1, $2)
  on conflict (queue_name) do nothing
  returning id)
insert into {schema}.pgqrs_workflows (name, queue_id) select $1, q.id from q
returning id, name, queue_id, created_at

-- name: GetWorkflow
select id, name, queue_id, created_at from {schema}.pgqrs_workflows where name = $1

-- name: GetWorkflowByID
select id, name, queue_id, created_at from {schema}.pgqrs_workflows where id = $1

-- name: ListWorkflows
select id, name, queue_id, created_at from {schema}.pgqrs_workflows order by id limit $1 offset $2

-- name: CountWorkflows
select count(*) from {schema}.pgqrs_workflows

-- name: InsertRun
insert into {schema}.pgqrs_workflow_runs (workflow_id, status, input, created_at, updated_at)
select w.id, 'queued', $2::text::jsonb, t.at, t.at
from (select clock_timestamp() as at) t, {schema}.pgqrs_workflows w
where w.name = $1
returning id

-- Gives a run the message that carries it from now on. No row comes back when the
-- queue is gone.

-- name: CarryRun
with r as (
  select r.id, w.queue_id from {schema}.pgqrs_workflow_runs r
  join {schema}.pgqrs_workflows w on w.id = r.workflow_id
  join {schema}.pgqrs_queues q on q.id = w.queue_id
  where r.id = $1),
m as (
  insert into {schema}.pgqrs_messages (queue_id, vt, enqueued_at, payload)
  select r.queue_id, t.at, t.at, jsonb_build_object('run_id', r.id) from r, (select clock_timestamp() as at) t
  returning id)
update {schema}.pgqrs_workflow_runs set message_id = m.id from m where pgqrs_workflow_runs.id = $1
returning message_id

-- The message of a run that was cancelled just now, or is about to get another,
-- unless somebody leases it.

-- name: DropCarrier
delete from {schema}.pgqrs_messages m using {schema}.pgqrs_workflow_runs r
where r.id = $1 and m.id = r.message_id
  and (m.consumer_worker_id is null or m.vt <= statement_timestamp())

-- name: GetRun
select r.id, r.workflow_id, w.name, w.queue_id, r.message_id, r.status, r.attempt, r.input, r.output, r.error,
  r.created_at, r.started_at, r.updated_at, r.paused_at, r.completed_at
from {schema}.pgqrs_workflow_runs r join {schema}.pgqrs_workflows w on w.id = r.workflow_id
where r.id = $1

-- $1 workflow, 0 for every workflow; $2 status, empty for any.

-- name: ListRuns
select r.id, r.workflow_id, w.name, w.queue_id, r.message_id, r.status, r.attempt, r.input, r.output, r.error,
  r.created_at, r.started_at, r.updated_at, r.paused_at, r.completed_at
from {schema}.pgqrs_workflow_runs r join {schema}.pgqrs_workflows w on w.id = r.workflow_id
where ($1::bigint = 0 or r.workflow_id = $1) and ($2::text = '' or r.status = $2)
order by r.id limit $3 offset $4

-- name: CountRuns
select count(*) from {schema}.pgqrs_workflow_runs
where ($1::bigint = 0 or workflow_id = $1) and ($2::text = '' or status = $2)

-- Changes of state are guarded single updates; the callers read the row after
-- them in the same transaction, to return it or to say why nothing changed.

-- name: StartRun
update {schema}.pgqrs_workflow_runs
set status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
where id = $1 and status in ('queued', 'running') and ($2::bigint = 0 or message_id = $2)

-- name: FinishRun
update {schema}.pgqrs_workflow_runs
set status = case when $4::text = '' then 'success' else 'error' end, output = $3::text::jsonb, error = nullif($4::text, ''),
  updated_at = clock_timestamp(), completed_at = clock_timestamp()
where id = $1 and attempt = $2 and status = 'running'

-- name: PauseRun
update {schema}.pgqrs_workflow_runs
set status = 'paused', paused_at = clock_timestamp(), updated_at = clock_timestamp()
where id = $1 and status in ('queued', 'running')

-- name: ResumeRun
update {schema}.pgqrs_workflow_runs
set status = 'queued', paused_at = null, updated_at = clock_timestamp()
where id = $1 and status = 'paused'

-- name: CancelRun
update {schema}.pgqrs_workflow_runs
set status = 'cancelled', paused_at = null, updated_at = clock_timestamp(), completed_at = clock_timestamp()
where id = $1 and status in ('queued', 'running', 'paused')

-- The shared lock makes a start, a pause or a cancellation wait for the step's
-- write, or the write see it; steps of one run that are written at once do not
-- wait for each other.

-- name: AcquireStep
with r as (
  select id from {schema}.pgqrs_workflow_runs where id = $1 and attempt = $2 and status = 'running' for share)
insert into {schema}.pgqrs_workflow_steps as s (run_id, step_name, status, attempt, created_at, started_at, updated_at)
select r.id, $3, 'running', 1, t.at, t.at, t.at from r, (select clock_timestamp() as at) t
on conflict (run_id, step_name) do update
set status = 'running', attempt = s.attempt + 1, retry_at = null, started_at = excluded.started_at, updated_at = excluded.updated_at
where s.status in ('queued', 'running') and s.failures < $4 and (s.retry_at is null or s.retry_at <= excluded.started_at)

-- A pause does not undo the step that was under way.

-- name: FinishStep
with r as (
  select id from {schema}.pgqrs_workflow_runs
  where id = $1 and attempt = $2 and status in ('queued', 'running', 'paused') for share)
update {schema}.pgqrs_workflow_steps s
set status = $4, output = $5::text::jsonb, error = nullif($6::text, ''), failures = s.failures + ($6::text <> '')::int,
  retry_at = case when $4 = 'queued' then clock_timestamp() + make_interval(secs => $7::float8) end,
  updated_at = clock_timestamp(), completed_at = case when $4 <> 'queued' then clock_timestamp() end
from r where s.run_id = r.id and s.step_name = $3 and s.status = 'running'

-- name: GetStepByName
select id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at
from {schema}.pgqrs_workflow_steps where run_id = $1 and step_name = $2

-- Seconds until the step's next attempt, by the server's clock.

-- name: StepWait
select extract(epoch from retry_at - clock_timestamp())::float8
from {schema}.pgqrs_workflow_steps where run_id = $1 and step_name = $2 and retry_at is not null

-- name: GetStep
select id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at
from {schema}.pgqrs_workflow_steps where id = $1

-- name: ListSteps
select id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at
from {schema}.pgqrs_workflow_steps where $1::bigint = 0 or run_id = $1 order by id limit $2 offset $3

-- name: CountSteps
select count(*) from {schema}.pgqrs_workflow_steps where $1::bigint = 0 or run_id = $1
