-- The lock is keyed by the schema, so that installs of different schemas in one
-- database do not wait for each other.

-- name: LockInstall
select pg_advisory_xact_lock(hashtextextended('pgqrs install ' || $1::text, 0))

-- name: SchemaExists
select exists (select 1 from pg_catalog.pg_namespace where nspname = $1)

-- name: CreateSchema
create schema {schema}

-- Marks the schema as ours, so that uninstall removes it and no other.

-- name: MarkSchema
comment on schema {schema} is 'created by pgqrs'

-- name: OurEmptySchema
select exists (
  select 1 from pg_catalog.pg_namespace n
  where n.nspname = $1 and pg_catalog.obj_description(n.oid, 'pg_namespace') = 'created by pgqrs'
    and not exists (select 1 from pg_catalog.pg_class c where c.relnamespace = n.oid)
    and not exists (select 1 from pg_catalog.pg_proc p where p.pronamespace = n.oid)
    and not exists (select 1 from pg_catalog.pg_type t where t.typnamespace = n.oid))

-- name: DropSchema
drop schema {schema} restrict

-- name: VersionTableExists
select exists (
  select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = 'pgqrs_schema_version')

-- name: CreateVersionTable
create table {schema}.pgqrs_schema_version (
  version int primary key, name text not null, installed_at timestamptz not null default now())

-- name: InstalledVersion
select coalesce(max(version), 0)::int from {schema}.pgqrs_schema_version

-- name: RecordVersion
insert into {schema}.pgqrs_schema_version (version, name) values ($1, $2)

-- name: DropObjects
drop function if exists {schema}.pgqrs_enqueue(text, jsonb, interval), {schema}.pgqrs_enqueue(text, jsonb, interval, text);
drop function if exists {schema}.pgqrs_enqueue_batch(text, jsonb[], interval), {schema}.pgqrs_enqueue_batch(text, jsonb[], interval, text[]);
drop table if exists {schema}.pgqrs_dedup, {schema}.pgqrs_workflow_steps, {schema}.pgqrs_workflow_runs, {schema}.pgqrs_workflows,
  {schema}.pgqrs_archive, {schema}.pgqrs_messages, {schema}.pgqrs_workers, {schema}.pgqrs_queues, {schema}.pgqrs_schema_version

-- One line per object of ours: what verify compares with migrations/catalog.txt.

-- name: Catalog
with n as (select oid from pg_catalog.pg_namespace where nspname = $1)
select 'table ' || c.relname
from pg_catalog.pg_class c join n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relname like 'pgqrs\_%'
union all
select 'column ' || c.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
  || case when a.attnotnull then ' not null' else '' end
  || case when a.attidentity = 'a' then ' identity' else '' end
  || case when a.attgenerated = 's' then ' generated' else '' end
from pg_catalog.pg_class c join n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p') and c.relname like 'pgqrs\_%'
union all
select 'index ' || i.relname || ' on ' || c.relname || ' ' || case when x.indisunique then 'unique ' else '' end || m.amname || ' ('
  || (select string_agg(pg_catalog.pg_get_indexdef(x.indexrelid, k, true), ', ' order by k) from generate_series(1, x.indnkeyatts) k) || ')'
  || case when x.indisvalid then '' else ' invalid' end
from pg_catalog.pg_class c join n on n.oid = c.relnamespace
join pg_catalog.pg_index x on x.indrelid = c.oid
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_am m on m.oid = i.relam
where c.relname like 'pgqrs\_%'
union all
select 'function ' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ') returns ' || pg_catalog.pg_get_function_result(p.oid)
from pg_catalog.pg_proc p join n on n.oid = p.pronamespace
where p.proname like 'pgqrs\_%'
