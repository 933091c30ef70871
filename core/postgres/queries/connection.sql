-- name: Ping
select 1

-- name: BackendPID
select pg_catalog.pg_backend_pid()

-- name: Listen
listen {channel_name}

-- The order is that of the list. synchronous_commit is what this role gets.

-- name: Settings
select wanted.name, s.setting
from unnest(array['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'max_connections'])
  with ordinality as wanted (name, place)
join pg_catalog.pg_settings s on s.name = wanted.name
order by wanted.place

-- Whoever holds the oldest snapshot keeps vacuum from removing what died since.
-- State and age of other roles' backends are null to those who may not see them.

-- name: OldestSnapshot
select a.pid, coalesce(a.state, 'unknown'), extract(epoch from statement_timestamp() - coalesce(a.xact_start, a.backend_start))::float8
from pg_catalog.pg_stat_activity a
where a.pid <> pg_catalog.pg_backend_pid() and (a.backend_xmin is not null or a.backend_xid is not null)
  and a.datname = pg_catalog.current_database() and a.backend_type <> 'autovacuum worker'
  and coalesce(a.xact_start, a.backend_start) < statement_timestamp() - make_interval(secs => $1::float8)
order by a.xact_start nulls last
limit 1
