-- name: Ping
select 1

-- name: BackendPID
select pg_catalog.pg_backend_pid()

-- name: Listen
listen {channel_name}
