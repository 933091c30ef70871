package enginetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// tables are the names that users may rely on.
var tables = []string{
	"pgqrs_queues", "pgqrs_workers", "pgqrs_messages", "pgqrs_archive",
	"pgqrs_workflows", "pgqrs_workflow_runs", "pgqrs_workflow_steps",
}

func schemaCases() []testCase {
	return []testCase{
		{name: "capabilities are said", run: func(b *bundle) {
			c := b.eng.Capabilities()
			require.Contains(b.t, []string{"postgres", "sqlite"}, c.Name)
			require.Positive(b.t, c.Writers)
			require.Positive(b.t, c.MaxFlushRows)
			require.GreaterOrEqual(b.t, c.MaxFlushBytes, 1<<20, "one payload of the default limit must fit")
			require.Equal(b.t, c, b.eng.Capabilities())
		}},
		{name: "ping", bare: true, run: func(b *bundle) { b.ok(b.eng.Ping(b.ctx)) }},
		{name: "verify is content after install", run: func(b *bundle) { b.ok(b.eng.Verify(b.ctx)) }},
		{name: "install again changes nothing", own: true, run: func(b *bundle) {
			m := b.one(long)
			waiting := b.fill(3)
			for range 3 {
				b.ok(b.eng.Install(b.ctx))
			}
			require.Equal(b.t, stored(m), b.message(m.ID))
			require.Equal(b.t, waiting, ids(b.take(3, long)))
			b.ok(b.eng.Verify(b.ctx))
		}},
		{name: "install from four engines at once", bare: true, run: func(b *bundle) {
			engines := []engine.Engine{b.eng, b.second(), b.second(), b.second()}
			b.none(together(8, func(i int) error { return engines[i%4].Install(b.ctx) }))
			b.ok(b.eng.Verify(b.ctx))
			b.setup(false)
			b.fill(3)
			b.take(3, long)
		}},
		{name: "install while another engine works", own: true, run: func(b *bundle) {
			eng := b.second()
			errs := together(4, func(i int) error {
				for range 20 {
					if i == 0 {
						if err := eng.Install(b.ctx); err != nil {
							return err
						}
						continue
					}
					if _, err := b.eng.Enqueue(b.ctx, b.queue.ID, numbered(5)); err != nil {
						return err
					}
				}
				return nil
			})
			b.none(errs)
			require.EqualValues(b.t, 3*20*5, b.metrics().Pending)
		}},
		{name: "without install every call says so", bare: true, run: func(b *bundle) {
			b.ok(b.eng.Install(b.ctx))
			b.ok(b.eng.Uninstall(b.ctx))
			for _, c := range calls() {
				err := b.fails(fault.Schema, c.do(b.ctx, b.eng))
				require.ErrorContains(b.t, err, "install()", c.name)
			}
		}},
		{name: "a fresh store is not installed", bare: true, run: func(b *bundle) {
			if b.eng.Verify(b.ctx) == nil {
				b.t.Skip("this engine installs a new store by itself")
			}
			_, err := b.eng.CreateQueue(b.ctx, "q", 5)
			require.ErrorContains(b.t, b.fails(fault.Schema, err), "install()")
		}},
		{name: "verify names every table that is missing", bare: true, run: func(b *bundle) {
			b.ok(b.eng.Install(b.ctx))
			b.ok(b.eng.Uninstall(b.ctx))
			err := b.fails(fault.Schema, b.eng.Verify(b.ctx))
			for _, table := range tables {
				require.ErrorContains(b.t, err, table)
			}
		}},
		{name: "uninstall and install on live engines", own: true, run: func(b *bundle) {
			b.fill(3)
			b.take(1, long)
			b.ok(b.eng.Uninstall(b.ctx))
			b.ok(b.eng.Install(b.ctx))
			n, err := b.eng.CountQueues(b.ctx)
			b.ok(err)
			require.Zero(b.t, n)
			b.setup(false)
			sent := b.fill(3)
			require.Equal(b.t, sent, ids(b.take(3, long)))
			b.archive(model.Token{ID: sent[0], Worker: b.consumer.ID})
			b.archived(sent[0])
			b.ok(b.eng.Verify(b.ctx))
		}},
		altered("a dropped table", "pgqrs_archive", "drop table pgqrs_archive"),
		altered("a renamed column", "hostname", "alter table pgqrs_workers rename column hostname to host"),
		altered("a dropped workflow table", "pgqrs_workflow_steps", "drop table pgqrs_workflow_steps"),
		altered("a dropped index", "pgqrs_messages_claim", "drop index pgqrs_messages_claim"),
	}
}

// altered requires Verify to name what the SQL text breaks.
func altered(what, object, sql string) testCase {
	return testCase{name: "verify names " + what, own: true, run: func(b *bundle) {
		if b.store.Exec == nil {
			b.t.Skipf("%s offers no SQL", b.store.Name)
		}
		b.ok(b.eng.Verify(b.ctx))
		b.ok(b.store.Exec(b.ctx, sql))
		require.ErrorContains(b.t, b.fails(fault.Schema, b.eng.Verify(b.ctx)), object)
	}}
}
