-- name: schema_create_version
CREATE TABLE IF NOT EXISTS pgqrs_schema_version (
  version INTEGER PRIMARY KEY,
  installed_at INTEGER NOT NULL
) STRICT;

-- name: schema_version
SELECT coalesce(max(version), 0) FROM pgqrs_schema_version;

-- name: schema_add_version
INSERT INTO pgqrs_schema_version (version, installed_at) VALUES (?1, ?2);

-- Whether somebody has made anything in this file yet.
-- name: schema_is_empty
SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema);

-- name: schema_objects
SELECT type, name, sql FROM sqlite_schema
WHERE name LIKE 'pgqrs\_%' ESCAPE '\' AND sql IS NOT NULL
ORDER BY type DESC, name;

-- name: schema_columns
SELECT t.name || '.' || c.name, concat(c.type, c."notnull", c.dflt_value, c.pk, c.hidden)
FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
WHERE t.name LIKE 'pgqrs\_%' ESCAPE '\' AND t.type = 'table'
ORDER BY t.name, c.cid;

-- name: inspect
SELECT 'version', sqlite_version()
UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
UNION ALL SELECT 'synchronous', CASE synchronous WHEN 0 THEN 'off' WHEN 1 THEN 'normal' WHEN 2 THEN 'full' ELSE 'extra' END
  FROM pragma_synchronous;
