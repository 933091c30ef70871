-- The dedup keys of messages: what a key came with first, for as long as it is
-- remembered, whatever becomes of the message. A table of its own, so that messages
-- without a key pay nothing.
CREATE TABLE pgqrs_dedup (
  queue_id INTEGER NOT NULL,
  dedup_key TEXT NOT NULL,
  message_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (queue_id, dedup_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX pgqrs_dedup_created ON pgqrs_dedup (created_at);
