-- name: workflow_create
INSERT INTO pgqrs_workflows (name, queue_id, created_at) VALUES (?1, ?2, ?3)
RETURNING id, name, queue_id, created_at;

-- name: workflow_by_name
SELECT id, name, queue_id, created_at FROM pgqrs_workflows WHERE name = ?1;

-- name: workflow_by_id
SELECT id, name, queue_id, created_at FROM pgqrs_workflows WHERE id = ?1+0;

-- name: workflow_list
SELECT id, name, queue_id, created_at FROM pgqrs_workflows
ORDER BY id LIMIT ?1+0 OFFSET ?2+0;

-- name: workflow_count
SELECT count(*) FROM pgqrs_workflows;

-- name: run_create
INSERT INTO pgqrs_workflow_runs (workflow_id, status, input, created_at, updated_at)
VALUES (?1, 'queued', ?2, ?3, ?3)
RETURNING id;

-- name: run_by_id
SELECT r.id, r.workflow_id, w.name, w.queue_id, r.message_id, r.status, r.attempt, r.input, r.output, r.error,
  r.created_at, r.started_at, r.updated_at, r.paused_at, r.completed_at
FROM pgqrs_workflow_runs r JOIN pgqrs_workflows w ON w.id = r.workflow_id
WHERE r.id = ?1+0;

-- The workflow, 0 for every workflow, and the status, empty for any.
-- name: run_list
SELECT r.id, r.workflow_id, w.name, w.queue_id, r.message_id, r.status, r.attempt, r.input, r.output, r.error,
  r.created_at, r.started_at, r.updated_at, r.paused_at, r.completed_at
FROM pgqrs_workflow_runs r CROSS JOIN pgqrs_workflows w ON w.id = r.workflow_id
WHERE (?1+0 = 0 OR r.workflow_id = ?1+0) AND (?2 = '' OR r.status = ?2)
ORDER BY r.id LIMIT ?3+0 OFFSET ?4+0;

-- name: run_count
SELECT count(*) FROM pgqrs_workflow_runs
WHERE (?1+0 = 0 OR workflow_id = ?1+0) AND (?2 = '' OR status = ?2);

-- name: run_carry
UPDATE pgqrs_workflow_runs SET message_id = ?2 WHERE id = ?1+0;

-- Unless somebody leases it.
-- name: run_drop_carrier
DELETE FROM pgqrs_messages WHERE id = ?1+0 AND (consumer_worker_id IS NULL OR vt <= ?2+0);

-- name: run_start
UPDATE pgqrs_workflow_runs
SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, ?2), updated_at = ?2
WHERE id = ?1+0;

-- name: run_finish
UPDATE pgqrs_workflow_runs
SET status = ?3, output = ?4, error = nullif(?5, ''), updated_at = ?2, completed_at = ?2
WHERE id = ?1+0;

-- name: run_pause
UPDATE pgqrs_workflow_runs SET status = 'paused', paused_at = ?2, updated_at = ?2 WHERE id = ?1+0;

-- name: run_resume
UPDATE pgqrs_workflow_runs SET status = 'queued', paused_at = NULL, updated_at = ?2 WHERE id = ?1+0;

-- name: run_cancel
UPDATE pgqrs_workflow_runs
SET status = 'cancelled', paused_at = NULL, updated_at = ?2, completed_at = ?2
WHERE id = ?1+0;

-- name: step_by_name
SELECT id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at
FROM pgqrs_workflow_steps WHERE run_id = ?1+0 AND step_name = ?2;

-- name: step_by_id
SELECT id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at
FROM pgqrs_workflow_steps WHERE id = ?1+0;

-- name: step_list
SELECT id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at
FROM pgqrs_workflow_steps WHERE ?1+0 = 0 OR run_id = ?1+0
ORDER BY id LIMIT ?2+0 OFFSET ?3+0;

-- name: step_count
SELECT count(*) FROM pgqrs_workflow_steps WHERE ?1+0 = 0 OR run_id = ?1+0;

-- name: step_begin
INSERT INTO pgqrs_workflow_steps (run_id, step_name, status, attempt, created_at, started_at, updated_at)
VALUES (?1, ?2, 'running', 1, ?3, ?3, ?3)
ON CONFLICT (run_id, step_name) DO UPDATE
SET status = 'running', attempt = attempt + 1, retry_at = NULL, started_at = ?3, updated_at = ?3
RETURNING id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at;

-- name: step_finish
UPDATE pgqrs_workflow_steps
SET status = ?3, output = ?4, error = nullif(?5, ''), failures = failures + (?5 <> ''), retry_at = ?6,
    updated_at = ?2, completed_at = CASE WHEN ?3 <> 'queued' THEN ?2 END
WHERE id = ?1+0
RETURNING id, run_id, step_name, status, attempt, failures, output, error, retry_at, created_at, started_at, updated_at, completed_at;
