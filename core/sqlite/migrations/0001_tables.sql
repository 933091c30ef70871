-- Instants are integer microseconds since 1970 UTC of the host's clock.
-- AUTOINCREMENT: an id is never given twice, not even after its row is gone.

CREATE TABLE pgqrs_queues (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue_name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  max_read_ct INTEGER NOT NULL
) STRICT;

CREATE TABLE pgqrs_workers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue_id INTEGER,
  name TEXT NOT NULL,
  hostname TEXT,
  port INTEGER,
  status TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  shutdown_at INTEGER
) STRICT;

CREATE TABLE pgqrs_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue_id INTEGER NOT NULL,
  vt INTEGER NOT NULL,
  enqueued_at INTEGER NOT NULL,
  dequeued_at INTEGER,
  read_ct INTEGER NOT NULL DEFAULT 0,
  producer_worker_id INTEGER,
  consumer_worker_id INTEGER,
  payload TEXT NOT NULL
) STRICT;

-- The claim's order (vt, id): an index row ends with the row's id.
CREATE INDEX pgqrs_messages_claim ON pgqrs_messages (queue_id, vt);

-- What a worker holds. Only leased rows are in it, so that enqueue never pays.
CREATE INDEX pgqrs_messages_consumer ON pgqrs_messages (consumer_worker_id)
  WHERE consumer_worker_id IS NOT NULL;

CREATE TABLE pgqrs_archive (
  id INTEGER PRIMARY KEY,
  queue_id INTEGER NOT NULL,
  vt INTEGER,
  enqueued_at INTEGER NOT NULL,
  dequeued_at INTEGER,
  read_ct INTEGER NOT NULL,
  producer_worker_id INTEGER,
  consumer_worker_id INTEGER,
  payload TEXT NOT NULL,
  archived_at INTEGER NOT NULL,
  dead_reason TEXT,
  original_msg_id INTEGER GENERATED ALWAYS AS (id) VIRTUAL
) STRICT;

-- Counts the archive without a look at the payloads, and for reports by time. Rows
-- arrive in this order, so it only grows at its right edge.
CREATE INDEX pgqrs_archive_at ON pgqrs_archive (archived_at);

-- The dead letters, few among many.
CREATE INDEX pgqrs_archive_dead ON pgqrs_archive (id) WHERE dead_reason IS NOT NULL;
