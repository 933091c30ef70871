-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- Of several calls in one transaction each has its savepoint.
-- name: savepoint
SAVEPOINT call;

-- name: savepoint_release
RELEASE call;

-- name: savepoint_rollback
ROLLBACK TO call;

-- Changes when another connection has committed.
-- name: data_version
PRAGMA data_version;

-- name: ping
SELECT 1;
