-- Workflows: a name and the queue of that name, the runs that the queue's messages
-- carry, and the recorded steps of those.

CREATE TABLE pgqrs_workflows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  queue_id INTEGER NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

-- A start counts attempt up, and everything an execution writes is guarded by it.
CREATE TABLE pgqrs_workflow_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  workflow_id INTEGER NOT NULL,
  message_id INTEGER,
  status TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  input TEXT NOT NULL,
  output TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  updated_at INTEGER NOT NULL,
  paused_at INTEGER,
  completed_at INTEGER
) STRICT;

-- The listing's order (id): an index row ends with the row's id.
CREATE INDEX pgqrs_workflow_runs_workflow ON pgqrs_workflow_runs (workflow_id);

CREATE TABLE pgqrs_workflow_steps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL,
  step_name TEXT NOT NULL,
  status TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  output TEXT,
  error TEXT,
  retry_at INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  completed_at INTEGER,
  UNIQUE (run_id, step_name)
) STRICT;
