-- Payloads long enough to be compressed (rows above 2 KB) cost a cycle a fifth to a
-- third less processor time with lz4 than with pglz, for about as much WAL. Servers
-- without it (13, or built so) keep pglz, and rows that are there stay as they are.
do $pgqrs$
declare
  t regclass;
begin
  if exists (select from pg_catalog.pg_settings s where s.name = 'default_toast_compression' and 'lz4' = any(s.enumvals)) then
    foreach t in array array[{messages}, {archive}]::regclass[] loop
      execute format('alter table %s alter column payload set compression lz4', t);
    end loop;
  end if;
end
$pgqrs$;
