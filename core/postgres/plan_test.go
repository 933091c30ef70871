package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
)

const (
	planClaimRows     = 100
	planBuffersPerRow = 16  // measured: 10 to 11, most of them the two index insertions of the update
	planBuffersBeside = 250 // look-ups, upper index pages, catalog
)

// TestPlanAndBuffers proves that claims and acknowledgements cost the same at
// any backlog and in every state of the statistics.
func TestPlanAndBuffers(t *testing.T) {
	for _, backlog := range []int{1_000, 100_000, 1_000_000} {
		for _, delayed := range []int{0, 100_000} {
			if delayed > 0 && backlog != 100_000 {
				continue
			}
			t.Run(fmt.Sprintf("backlog %d, delayed in front %d", backlog, delayed), func(t *testing.T) {
				if testing.Short() && backlog > 100_000 {
					t.Skip("skipped with -short: a backlog of a million")
				}
				p := newPlanBundle(t, backlog, delayed)
				p.check("made when empty")
				p.exec("discard plans")
				p.check("never analyzed")
				p.exec("analyze " + p.store.queries.quoted + ".pgqrs_messages")
				p.check("analyzed")
			})
		}
	}
}

// planBundle is a filled queue and one connection to explain on.
type planBundle struct {
	t      *testing.T
	ctx    context.Context
	store  *store
	conn   *pgx.Conn
	queue  model.QueueInfo
	worker model.WorkerInfo
}

func newPlanBundle(t *testing.T, backlog, delayed int) *planBundle {
	ctx := t.Context()
	dsn := testdb.Postgres(t)
	s := openTest(t, Config{ConnString: dsn, Schema: testdb.Schema(t, dsn)})
	require.NoError(t, s.Install(ctx))
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { closeConn(conn) })
	p := &planBundle{t: t, ctx: ctx, store: s, conn: conn}
	p.queue, err = s.CreateQueue(ctx, "plan", 5)
	require.NoError(t, err)
	p.worker, err = s.RegisterWorker(ctx, model.NewWorker{QueueID: p.queue.ID, Name: "consumer"})
	require.NoError(t, err)
	table := s.queries.quoted + ".pgqrs_messages"
	// Autovacuum would analyze in the middle of the case.
	p.exec("alter table " + table + " set (autovacuum_enabled = off)")
	p.exec("alter table " + table + " set unlogged") // fills faster, and reads the same buffers
	p.prepareAll()
	insert := "insert into " + table + " (queue_id, vt, enqueued_at, payload) select %d, now() + %s, now(), '{\"n\": 1}' from generate_series(1, %d) n"
	p.exec(fmt.Sprintf(insert, p.queue.ID, "interval '1 hour' + n * interval '1 ms'", delayed))
	p.exec(fmt.Sprintf(insert, p.queue.ID, "n * interval '1 us' - interval '1 hour'", backlog))
	return p
}

// prepareAll prepares the hot statements and has them planned as the queue is now.
func (p *planBundle) prepareAll() {
	p.prepare("claim", "bigint, bigint, bigint[], float8[], bigint[], timestamptz", "Claim")
	p.prepare("one", "bigint, bigint, bigint, float8, timestamptz", "ClaimOne")
	p.prepare("whole", "bigint, bigint, bigint[], float8[], bigint[], timestamptz, bigint[]", "ClaimWhole")
	p.prepare("outlook", "bigint, bigint[]", "ClaimOutlook")
	p.prepare("sweep", "timestamptz, bigint", "SweepSince")
	p.prepare("held", "bigint[], float8", "ReleaseHeld")
	p.prepare("archive", "bigint[], bigint[], int[]", "Archive")
	p.prepare("extend", "bigint[], bigint[], int[], float8[]", "Extend")
	p.prepare("prune", "bigint, bigint, int, text, bool, bigint, float8, bigint", "PruneArchive")
	p.prepare("release", "bigint[], bigint[], int[], timestamptz[], bool[]", "Release")
}

func (p *planBundle) exec(sql string) {
	p.t.Helper()
	_, err := p.conn.Exec(p.ctx, sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(p.t, err)
}

func (p *planBundle) prepare(name, types, query string) {
	p.t.Helper()
	p.exec(fmt.Sprintf("prepare plan_%s (%s) as %s", name, types, p.store.queries.get(query)))
	p.pinned(func() {
		p.exec(fmt.Sprintf("explain execute plan_%s(%s)", name, strings.Join(slices.Repeat([]string{"null"}, 1+strings.Count(types, ",")), ", ")))
	})
}

// pinned runs f in a transaction in which plans are pinned.
func (p *planBundle) pinned(f func()) {
	p.t.Helper()
	tx, err := p.conn.Begin(p.ctx)
	require.NoError(p.t, err)
	defer func() { require.NoError(p.t, tx.Commit(p.ctx)) }()
	p.exec(strings.ReplaceAll(p.store.queries.get("PinPlans"), "$1", "true"))
	f()
}

// check explains every hot statement as the engine runs it.
func (p *planBundle) check(state string) {
	p.t.Helper()
	// Two claims, of which the first wants a third.
	claims := fmt.Sprintf("(%d, %d, '{%d,%d}', '{600,600}', '{1,%d}'", p.queue.ID, planClaimRows, p.worker.ID, p.worker.ID, planClaimRows/3)
	claim := claims + ", '-infinity')"
	whole := claims + ", null, '{}')"
	p.explain(state, "claim", claim, "pgqrs_messages_claim", planClaimRows)
	one := fmt.Sprintf("(%d, %d, %d, 600, '-infinity')", p.queue.ID, planClaimRows, p.worker.ID)
	p.explain(state, "one", one, "pgqrs_messages_claim", planClaimRows)
	p.explain(state, "whole", whole, "pgqrs_messages_claim", planClaimRows)
	p.explain(state, "outlook", fmt.Sprintf("(%d, '{%d}')", p.queue.ID, p.worker.ID), "pgqrs_messages_claim", 2*planClaimRows)
	p.explain(state, "sweep", "(now() - interval '30 minutes', 10000)", "pgqrs_messages_claim", 0) // all became eligible before

	var ids []int64
	require.NoError(p.t, p.conn.QueryRow(p.ctx, "select array_agg(id) from (select id from "+p.store.queries.quoted+
		".pgqrs_messages where consumer_worker_id is not null order by id limit $1) m", planClaimRows).Scan(&ids))
	require.Len(p.t, ids, planClaimRows)
	tokens := fmt.Sprintf("(%s, array_fill(%d::bigint, array[%d]), array_fill(1, array[%d])", bigints(ids), p.worker.ID, len(ids), len(ids))
	p.explain(state, "extend", tokens+fmt.Sprintf(", array_fill(900::float8, array[%d]))", len(ids)), "pgqrs_messages_pkey", len(ids))
	p.explain(state, "release", tokens+fmt.Sprintf(", null, array_fill(false, array[%d]))", len(ids)), "pgqrs_messages_pkey", 2*len(ids))
	p.explain(state, "archive", tokens+")", "pgqrs_messages_pkey", len(ids))
	p.explain(state, "prune", "(0, 0, 0, null, false, 0, 3600, 1000)", "pgqrs_archive_pkey", len(ids))
	// What the claims took ends within 15 minutes, what is delayed lies beyond.
	p.explain(state, "held", fmt.Sprintf("('{%d}', 960)", p.worker.ID), "pgqrs_messages_claim", 3*planClaimRows)
	p.explain(state, "held", fmt.Sprintf("('{%d}', 0)", p.worker.ID), "pgqrs_messages_claim", 0)
}

func bigints(ids []int64) string {
	return "'{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]") + "}'::bigint[]"
}

// explain runs a statement with pinned plans and examines plan and buffers.
func (p *planBundle) explain(state, name, arguments, index string, rows int) {
	p.t.Helper()
	var root planNode
	var text string
	p.pinned(func() { root, text = p.run("execute plan_" + name + arguments) })
	found := false
	root.walk(func(n planNode) {
		found = found || n.Index == index
		if n.Relation == "pgqrs_messages" {
			require.NotContains(p.t, []string{"Seq Scan", "Bitmap Heap Scan"}, n.Type, "%s, %s: %s", name, state, text)
		}
		require.NotContains(p.t, []string{"Sort", "Incremental Sort", "Hash Join", "Merge Join"}, n.Type, "%s, %s: %s", name, state, text)
	})
	require.True(p.t, found, "%s, %s: no use of %s: %s", name, state, index, text)
	buffers := root.Hit + root.Read
	p.t.Logf("%-8s %-15s %5d buffers for %d rows", name, state, buffers, planClaimRows)
	require.LessOrEqual(p.t, buffers, rows*planBuffersPerRow+planBuffersBeside, "%s, %s: %s", name, state, text)
}

// run runs a statement and returns the plan it took, also as EXPLAIN tells it.
func (p *planBundle) run(sql string) (planNode, string) {
	p.t.Helper()
	var text string
	require.NoError(p.t, p.conn.QueryRow(p.ctx, "explain (analyze, buffers, format json) "+sql, pgx.QueryExecModeSimpleProtocol).Scan(&text))
	var plans []struct{ Plan planNode }
	require.NoError(p.t, json.Unmarshal([]byte(text), &plans))
	return plans[0].Plan, text
}

// TestAPurgeOfWorkersLooksAtTheirQueuesOnly: what is delayed in another one cost every
// process 0.1 s a million, each minute in which any worker had ended.
func TestAPurgeOfWorkersLooksAtTheirQueuesOnly(t *testing.T) {
	p := newPlanBundle(t, 0, 100_000)
	quiet, err := p.store.CreateQueue(p.ctx, "quiet", 5)
	require.NoError(t, err)
	purge := strings.ReplaceAll(p.store.queries.get("PurgeWorkers"), "$1", "3600")
	for _, state := range []string{"vacuum", "vacuum analyze"} { // with statistics and without
		p.exec(state + " " + p.store.queries.quoted + ".pgqrs_messages")
		gone, err := p.store.RegisterWorker(p.ctx, model.NewWorker{QueueID: quiet.ID, Name: "consumer"})
		require.NoError(t, err)
		_, err = p.store.StopWorkers(p.ctx, []int64{gone.ID}, 0, false)
		require.NoError(t, err)
		p.pinned(func() {
			root, text := p.run(purge)
			require.LessOrEqual(t, root.Hit+root.Read, planBuffersBeside, "%s: %s", state, text)
		})
		_, err = p.store.GetWorker(p.ctx, gone.ID)
		require.Error(t, err)
	}
}

// planNode is what the test wants of a node of EXPLAIN's tree. Buffers of a node
// include those of its children.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Hit      int        `json:"Shared Hit Blocks"`
	Read     int        `json:"Shared Read Blocks"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) walk(visit func(planNode)) {
	visit(n)
	for _, child := range n.Plans {
		child.walk(visit)
	}
}

// TestPinnedPlansAreNotCompiled: the costs that pin a plan are above every limit
// from which a default server compiles statements, which takes a second or more.
func TestPinnedPlansAreNotCompiled(t *testing.T) {
	b := setup(t)
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, "set local jit = on")
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, b.store.queries.get("PinPlans"), true)
	require.NoError(t, err)
	var jit string
	require.NoError(t, tx.QueryRow(b.ctx, "show jit").Scan(&jit))
	require.Equal(t, "off", jit)
	require.NoError(t, tx.Rollback(b.ctx))
}
