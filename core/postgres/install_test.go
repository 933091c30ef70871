package postgres

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// TestCatalog pins migrations/catalog.txt to what the migrations make. With
// PGQRS_WRITE_GOLDEN set it writes the file.
func TestCatalog(t *testing.T) {
	b := setup(t)
	var found []string
	require.NoError(t, b.store.read(b.ctx, b.store.step("Catalog", each(&found, scanLine), b.schema)))
	slices.Sort(found)
	if os.Getenv("PGQRS_WRITE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile("migrations/catalog.txt", []byte(strings.Join(found, "\n")+"\n"), 0o644))
		return
	}
	require.Equal(t, expectedCatalog(), found)
}

func TestVerifyNamesWhatIsAltered(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.store.Verify(b.ctx))
	for _, c := range []struct{ change, want string }{
		{"alter table {schema}.pgqrs_workers alter column port type bigint", "column pgqrs_workers.port is altered: bigint instead of integer"},
		{"drop index {schema}.pgqrs_archive_at", "index pgqrs_archive_at is missing"},
		{"drop function {schema}.pgqrs_enqueue(text, jsonb, interval, text)", "function pgqrs_enqueue is missing"},
		{"drop table {schema}.pgqrs_messages", "table pgqrs_messages is missing"},
	} {
		_, err := b.connect().Exec(b.ctx, b.store.queries.qualify(c.change))
		require.NoError(t, err)
		err = b.store.Verify(b.ctx)
		requireKind(t, fault.Schema, err)
		require.ErrorContains(t, err, c.want)
	}
	require.NotContains(t, b.store.Verify(b.ctx).Error(), "pgqrs_messages.", "the columns of a missing table go without saying")
}

// TestInstallAtOnce: several processes, each with connections of its own.
func TestInstallAtOnce(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	schema := testdb.Schema(t, dsn)
	errs := make(chan error, 8)
	for range cap(errs) {
		s := openTest(t, Config{ConnString: dsn, Schema: schema, MaxConnections: 1})
		spawn.Go(nil, func() { errs <- s.Install(t.Context()) })
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
}

// needsLz4 skips the test where the server has no lz4.
func needsLz4(b *bundle) {
	b.t.Helper()
	var has bool
	require.NoError(b.t, b.connect().QueryRow(b.ctx, `select exists (select from pg_settings
		where name = 'default_toast_compression' and 'lz4' = any(enumvals))`).Scan(&has))
	if !has {
		b.t.Skip("this server has no lz4")
	}
}

// TestLongPayloadsAreCompressedFast: with lz4 where the server has it, also in a
// schema whose name needs quoting, and old payloads stay readable.
func TestLongPayloadsAreCompressedFast(t *testing.T) {
	b := setup(t)
	needsLz4(b)
	s := b.open(Config{Schema: testdb.Schema(t, b.dsn) + `m'x"`})
	defer func() { require.NoError(t, s.Uninstall(b.ctx)) }()
	require.NoError(t, s.Install(b.ctx))
	var methods []string
	require.NoError(t, b.connect().QueryRow(b.ctx, `select array_agg(a.attcompression::text) from pg_attribute a
		join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relname in ('pgqrs_messages', 'pgqrs_archive') and a.attname = 'payload'`, s.queries.schema).Scan(&methods))
	require.Equal(t, []string{"l", "l"}, methods)

	exec := func(sql string) {
		_, err := b.connect().Exec(b.ctx, b.store.queries.qualify(sql))
		require.NoError(t, err)
	}
	long := []byte(`"` + strings.Repeat("long ", 2000) + `"`)
	exec("alter table {schema}.pgqrs_messages alter column payload set compression pglz")
	b.put(model.NewMessage{Payload: long})
	exec("alter table {schema}.pgqrs_messages alter column payload set compression lz4")
	b.put(model.NewMessage{Payload: long})
	for _, m := range b.claim(2, time.Hour) {
		require.JSONEq(t, string(long), string(m.Payload))
		done, err := b.store.Finish(b.ctx, engine.FinishArchive, []model.Token{{ID: m.ID, Worker: b.consumer.ID}})
		require.NoError(t, err)
		require.Equal(t, []bool{true}, done)
		archived, err := b.store.GetArchived(b.ctx, m.ID)
		require.NoError(t, err)
		require.JSONEq(t, string(long), string(archived.Payload))
	}
}

// TestAnOlderSchemaIsUpgradedInPlace goes back to the schema before workflows, with
// a message in it.
func TestAnOlderSchemaIsUpgradedInPlace(t *testing.T) {
	b := setup(t)
	ids := b.put(payloads(1)...)
	for _, change := range []string{
		"drop table {schema}.pgqrs_workflows, {schema}.pgqrs_workflow_runs, {schema}.pgqrs_workflow_steps, {schema}.pgqrs_dedup",
		"drop function {schema}.pgqrs_enqueue(text, jsonb, interval, text)",
		"drop function {schema}.pgqrs_enqueue_batch(text, jsonb[], interval, text[])",
		migrations[1].sql,
		"delete from {schema}.pgqrs_schema_version where version > 2",
	} {
		_, err := b.connect().PgConn().Exec(b.ctx, b.store.queries.qualify(change)).ReadAll()
		require.NoError(t, err)
	}
	err := b.store.Verify(b.ctx)
	requireKind(t, fault.Schema, err)
	require.ErrorContains(t, err, fmt.Sprintf("version 2 is installed, this library brings %d", newest()))
	_, err = b.store.CreateWorkflow(b.ctx, "orders", 5)
	requireKind(t, fault.Schema, err)

	require.NoError(t, b.store.Install(b.ctx))
	require.NoError(t, b.store.Verify(b.ctx))
	_, err = b.store.CreateWorkflow(b.ctx, "orders", 5)
	require.NoError(t, err)
	require.Equal(t, ids[0], b.claim(1, 1e9)[0].ID)
	_, err = b.connect().Exec(b.ctx, b.store.queries.qualify(`select {schema}.pgqrs_enqueue('q', '1', '0')`))
	require.NoError(t, err, "a call that knows no dedup keys is not ambiguous")
}

func TestNewerSchemaIsRefused(t *testing.T) {
	b := setup(t)
	_, err := b.connect().Exec(b.ctx, b.store.queries.get("RecordVersion"), newest()+1, "from_the_future")
	require.NoError(t, err)
	for _, err := range []error{b.store.Install(b.ctx), b.store.Verify(b.ctx)} {
		requireKind(t, fault.Schema, err)
		require.ErrorContains(t, err, "upgrade pgqrs")
	}
}

// TestStrangeSchemaNames runs everything once under names that need quoting.
func TestStrangeSchemaNames(t *testing.T) {
	for _, schema := range []string{
		`we"ird; drop`, `Größe's \ {channel} $1 $$`, strings.Repeat("long_", 12) + "123", `select`,
	} {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			ctx, dsn := t.Context(), testdb.Postgres(t)
			s := openTest(t, Config{ConnString: dsn, Schema: schema})
			require.NoError(t, s.Uninstall(ctx)) // an earlier run may have been killed
			require.NoError(t, s.Install(ctx))
			require.NoError(t, s.Verify(ctx))
			queue, err := s.CreateQueue(ctx, "q", 1)
			require.NoError(t, err)
			_, err = s.Enqueue(ctx, queue.ID, payloads(2))
			require.NoError(t, err)
			conn, err := pgx.Connect(ctx, dsn)
			require.NoError(t, err)
			defer closeConn(conn)
			_, err = conn.Exec(ctx, "listen "+pgx.Identifier{s.queries.channel}.Sanitize())
			require.NoError(t, err)
			_, err = conn.Exec(ctx, s.queries.qualify("select {schema}.pgqrs_enqueue('q', '{}')"))
			require.NoError(t, err)
			n, err := conn.WaitForNotification(ctx)
			require.NoError(t, err)
			require.Equal(t, s.queries.channel, n.Channel)
			count, err := s.CountMessages(ctx, engine.Filter{QueueID: queue.ID})
			require.NoError(t, err)
			require.EqualValues(t, 3, count)

			require.NoError(t, s.Uninstall(ctx))
			var left bool
			require.NoError(t, conn.QueryRow(ctx, s.queries.get("SchemaExists"), schema).Scan(&left))
			require.False(t, left, "uninstall must remove the schema that install made")
		})
	}
}

// TestUninstallKeepsForeignSchemas: only a schema of our making goes.
func TestUninstallKeepsForeignSchemas(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), testdb.Postgres(t)
	schema := testdb.Schema(t, dsn)
	s := openTest(t, Config{ConnString: dsn, Schema: schema})
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer closeConn(conn)
	_, err = conn.Exec(ctx, s.queries.qualify("create schema {schema}"))
	require.NoError(t, err)
	require.NoError(t, s.Install(ctx))
	require.NoError(t, s.Uninstall(ctx))
	var left bool
	require.NoError(t, conn.QueryRow(ctx, s.queries.get("SchemaExists"), schema).Scan(&left))
	require.True(t, left)
}

// TestEveryQueryPrepares: a named query that no longer fits the tables is found
// here, not by its first user.
func TestEveryQueryPrepares(t *testing.T) {
	b := setup(t)
	conn := b.connect()
	for name, text := range b.store.queries.texts {
		for i, part := range strings.Split(text, ";\n") { // only DropObjects has several
			if strings.HasPrefix(part, "create schema") || strings.HasPrefix(part, "comment") || strings.HasPrefix(part, "drop") ||
				strings.HasPrefix(part, "lock") || strings.HasPrefix(part, "create table") {
				continue // utility statements are checked when they run
			}
			_, err := conn.Prepare(b.ctx, name, part)
			require.NoError(t, err, "%s, part %d", name, i)
		}
	}
}

func TestEnqueueFunctions(t *testing.T) {
	b := setup(t)
	conn := b.connect()
	sql := func(text string) string { return b.store.queries.qualify(text) }

	tx, err := conn.Begin(b.ctx)
	require.NoError(t, err)
	var id int64
	require.NoError(t, tx.QueryRow(b.ctx, sql(`select {schema}.pgqrs_enqueue('q', '{"a": 1}')`)).Scan(&id))
	require.Empty(t, b.claim(1, 1), "visible before the commit")
	require.NoError(t, tx.Commit(b.ctx))
	require.Equal(t, id, b.claim(1, 1e9)[0].ID)

	rows, err := conn.Query(b.ctx, sql(`select {schema}.pgqrs_enqueue_batch('q', array['1', '2', '3']::jsonb[], '1 hour')`))
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	require.NoError(t, err)
	require.Len(t, ids, 3)
	require.True(t, slices.IsSorted(ids))
	require.Empty(t, b.claim(1, 1))

	_, err = conn.Exec(b.ctx, sql(`select {schema}.pgqrs_enqueue('nowhere', '1')`))
	requireKind(t, fault.QueueNotFound, b.store.fault(b.ctx, reading, err))
	_, err = conn.Exec(b.ctx, sql(`select {schema}.pgqrs_enqueue('q', '1', '-1 s')`))
	require.Error(t, err)
}

func TestEnqueueFunctionsWithDedupKeys(t *testing.T) {
	b := setup(t)
	conn := b.connect()
	one := func(text string) (id int64, err error) {
		err = conn.QueryRow(b.ctx, b.store.queries.qualify(text)).Scan(&id)
		return id, err
	}
	id, err := one(`select {schema}.pgqrs_enqueue('q', '1', dedup_key => 'k')`)
	require.NoError(t, err)
	again, err := one(`select {schema}.pgqrs_enqueue('q', '2', '1 hour', 'k')`)
	require.NoError(t, err)
	require.Equal(t, id, again)
	rows, err := conn.Query(b.ctx, b.store.queries.qualify(
		`select {schema}.pgqrs_enqueue_batch('q', array['1', '2', '3', '4']::jsonb[], dedup_keys => array['new', null, 'k', 'new'])`))
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	require.NoError(t, err)
	require.Equal(t, []int64{ids[0], ids[1], id, ids[0]}, ids)
	require.Len(t, b.claim(10, 1e9), 3)

	library, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: []byte(`1`), DedupKey: "new"}})
	require.NoError(t, err)
	require.Equal(t, ids[:1], library, "the functions and the library know the same keys")

	_, err = one(`select {schema}.pgqrs_enqueue('nowhere', '1', dedup_key => 'k')`)
	requireKind(t, fault.QueueNotFound, b.store.fault(b.ctx, reading, err))
	for _, bad := range []string{
		`pgqrs_enqueue('q', '1', dedup_key => '')`, `pgqrs_enqueue('q', '1', dedup_key => repeat('é', 128))`,
		`pgqrs_enqueue_batch('q', array['1']::jsonb[], dedup_keys => array['a', 'b'])`,
	} {
		_, err = one("select {schema}." + bad)
		require.ErrorContains(t, err, "22023", bad)
	}
}

func TestEnqueueTx(t *testing.T) {
	b := setup(t)
	conn := b.connect()
	for _, commit := range []bool{false, true} {
		tx, err := conn.Begin(b.ctx)
		require.NoError(t, err)
		ids, err := EnqueueTx(b.ctx, tx, b.schema, b.queue.ID, payloads(3))
		require.NoError(t, err)
		require.Len(t, ids, 3)
		_, err = EnqueueTx(b.ctx, tx, b.schema, b.queue.ID+1, payloads(1))
		requireKind(t, fault.QueueNotFound, err)
		if !commit {
			require.NoError(t, tx.Rollback(b.ctx))
			require.Empty(t, b.claim(10, 1))
			continue
		}
		require.NoError(t, tx.Commit(b.ctx))
		require.Len(t, b.claim(10, 1e9), 3)
	}
	tx, err := conn.Begin(b.ctx)
	require.NoError(t, err)
	_, err = EnqueueTx(b.ctx, tx, b.schema, b.queue.ID, []model.NewMessage{{Payload: []byte(`{`)}})
	require.True(t, fault.IsRowFault(err), "%v", err)
	require.NoError(t, tx.Rollback(b.ctx))
}
