package faults

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/postgres"
	"github.com/pgqrs/pgqrs/core/sqlite"
)

// TestModel runs the same random steps against each engine and a model of a few
// maps, and compares every answer.
//
// Time is simulated by instants that are far from now: a lease is brief, and has
// expired when the next step begins, or lasts an hour and more, and then a claim
// may name a later instant at which it has expired. So an answer never depends
// on how fast the test runs.
func TestModel(t *testing.T) {
	r := seeded(t)
	seed := r.Uint64()
	steps := scaled(1900, 16_000)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "queue.db")
		runModel(t, seed, steps, true, func() (engine.Engine, error) {
			return sqlite.Open(t.Context(), sqlite.Config{Path: path})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := testdb.Postgres(t)
		schema := testdb.Schema(t, dsn)
		runModel(t, seed, steps, false, func() (engine.Engine, error) {
			return postgres.Open(t.Context(), postgres.Config{ConnString: dsn, Schema: schema, MaxConnections: 2})
		})
	})
}

func runModel(t *testing.T, seed uint64, steps int, exact bool, open func() (engine.Engine, error)) {
	t.Helper()
	m := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)), exact: exact, brief: 15 * time.Millisecond,
		queues: map[int64]*queueModel{}, workers: map[int64]*workerModel{}, messages: map[int64]*messageModel{},
		archive: map[int64]*messageModel{}, workflows: map[int64]model.WorkflowInfo{}, runs: map[int64]*runRecord{},
		done: map[string]int{},
	}
	if exact {
		m.brief = time.Microsecond
	}
	for range 2 { // as two processes
		eng, err := open()
		require.NoError(t, err)
		t.Cleanup(eng.Close)
		m.engines = append(m.engines, eng)
	}
	require.NoError(t, m.engines[0].Install(t.Context()))
	for range 2 {
		m.createQueue()
		m.register()
	}
	for m.step = range steps {
		m.eng = m.engines[m.rand.IntN(len(m.engines))]
		m.one()
		if m.step%50 == 49 {
			m.compareAll()
		}
	}
	m.compareAll()
	runs, begun := m.states()
	t.Logf("%d steps agreed: %v; runs: %v, their steps: %v", steps, m.done, runs, begun)
}

type queueModel struct {
	info model.QueueInfo
	keys map[string]int64 // the message of each dedup key
	// workflow: it carries the runs of one, and cannot be deleted.
	workflow bool
}

type workerModel struct {
	queue  int64
	kind   string
	status model.WorkerStatus
}

type messageModel struct {
	model.Message
}

// world is the model, and the engine beside it.
type world struct {
	t       *testing.T
	rand    *rand.Rand
	engines []engine.Engine
	eng     engine.Engine
	// exact: an engine whose claims keep the order strictly. The other looks for
	// what is older than its hint only now and then, while it finds enough.
	exact bool
	// brief is a lease that has ended when the next step begins. An engine whose
	// claim is two transactions must not meet its own one again.
	brief time.Duration

	queues    map[int64]*queueModel
	workers   map[int64]*workerModel
	messages  map[int64]*messageModel
	archive   map[int64]*messageModel
	workflows map[int64]model.WorkflowInfo
	runs      map[int64]*runRecord
	number    int
	names     int
	step      int
	what      string
	done      map[string]int
}

const (
	hour    = time.Hour
	nowhere = int64(1) << 40
)

// say names the step, for messages.
func (w *world) say(format string, args ...any) { w.what = fmt.Sprintf(format, args...) }

func (w *world) same(want, got any, args ...any) {
	w.t.Helper()
	require.Equal(w.t, want, got, "step %d: %s %v", w.step, w.what, args)
}

func (w *world) ok(err error) {
	w.t.Helper()
	require.NoError(w.t, err, "step %d: %s", w.step, w.what)
}

func (w *world) must(cond bool, args ...any) {
	w.t.Helper()
	require.True(w.t, cond, "step %d: %s %v", w.step, w.what, args)
}

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

// one runs one step.
func (w *world) one() {
	steps := []struct {
		weight int
		name   string
		do     func()
	}{
		{22, "enqueue", w.enqueue},
		{26, "claim", w.claim},
		{14, "finish", w.finish},
		{7, "extend", w.extend},
		{9, "release", w.release},
		{1, "forget keys", w.forgetKeys},
		{3, "sweep", w.sweep},
		{2, "dead letter", w.deadLetter},
		{3, "replay", w.replay},
		{1, "delete archived", w.deleteArchived},
		{1, "prune", w.prune},
		{3, "register", w.register},
		{3, "status", w.setStatus},
		{2, "heartbeat", w.heartbeat},
		{2, "stop", w.stopWorkers},
		{1, "reclaim", w.reclaim},
		{1, "delete worker", w.deleteWorker},
		{1, "purge workers", w.purgeWorkers},
		{1, "create queue", w.createQueue},
		{1, "delete queue", w.deleteQueue},
		{1, "purge queue", w.purgeQueue},
		{3, "count", w.count},
		{2, "metrics", w.metrics},
		{1, "create workflow", w.createWorkflow},
		{4, "trigger", w.trigger},
		{9, "start run", w.startRun},
		{2, "finish run", w.finishRun},
		{1, "pause run", w.pauseRun},
		{3, "resume run", w.resumeRun},
		{1, "cancel run", w.cancelRun},
		{13, "acquire step", w.acquireStep},
		{10, "finish step", w.finishStep},
		{2, "look at runs", w.lookAtRuns},
	}
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	for at := w.rand.IntN(total); ; {
		for _, s := range steps {
			if at -= s.weight; at < 0 {
				w.say("%s", s.name)
				w.done[s.name]++
				s.do()
				return
			}
		}
	}
}

// pick returns one of the keys, in an order that the seed decides; now and then,
// or for want of another, one that does not exist.
func pick[V any](w *world, from map[int64]V) int64 {
	if len(from) == 0 || w.chance(4) {
		return nowhere
	}
	keys := sortedKeys(from)
	return keys[w.rand.IntN(len(keys))]
}

func sortedKeys[V any](from map[int64]V) []int64 {
	keys := make([]int64, 0, len(from))
	for k := range from {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ordered are the messages of a queue that keep says, in hand-out order.
func (w *world) ordered(queue int64, keep func(*messageModel) bool) []*messageModel {
	var list []*messageModel
	for _, id := range sortedKeys(w.messages) {
		if m := w.messages[id]; (queue == 0 || m.QueueID == queue) && keep(m) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *messageModel) int {
		return cmp.Or(a.VT.Compare(b.VT), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// bury moves a message to the archive.
func (w *world) bury(m *messageModel, reason string) {
	delete(w.messages, m.ID)
	m.DeadReason = reason
	w.archive[m.ID] = m
}

// exhausted reports whether a message is one for a sweep.
func (w *world) exhausted(m *messageModel) bool {
	return !m.VT.After(time.Now()) && m.ReadCt >= w.queues[m.QueueID].info.MaxReadCt
}

// sweepUp does what a sweep does.
func (w *world) sweepUp(queue int64) (n int64) {
	for _, m := range w.ordered(queue, w.exhausted) {
		w.bury(m, fmt.Sprintf("leased %d times without being archived", m.ReadCt))
		n++
	}
	return n
}

// adopt takes over the instant of what became eligible at the database's now,
// which lies between two instants.
func (w *world) adopt(m *messageModel, from, to time.Time) {
	w.t.Helper()
	got, err := w.eng.GetMessage(w.t.Context(), m.ID)
	w.ok(err)
	w.must(!got.VT.Before(from.Truncate(time.Microsecond)) && !got.VT.After(to), "message", m.ID, "vt", got.VT, "wanted", from, to)
	m.VT = got.VT
}

// compareAll compares every row.
func (w *world) compareAll() {
	w.t.Helper()
	w.say("all rows after %s", w.what)
	ctx := w.t.Context()
	queued, err := w.eng.ListMessages(ctx, engine.Filter{}, model.Page{Limit: 1 << 20})
	w.ok(err)
	w.same(sortedKeys(w.messages), identities(queued))
	for _, got := range queued {
		w.row(w.messages[got.ID], got)
	}
	finished, err := w.eng.ListArchived(ctx, engine.Filter{}, model.Page{Limit: 1 << 20})
	w.ok(err)
	w.same(sortedKeys(w.archive), identities(finished))
	for _, got := range finished {
		w.row(w.archive[got.ID], got)
		w.must(!got.ArchivedAt.IsZero())
	}
	workers, err := w.eng.ListWorkers(ctx, 0, model.Page{Limit: 1 << 20})
	w.ok(err)
	w.same(len(w.workers), len(workers))
	for _, got := range workers {
		w.must(w.workers[got.ID] != nil, "worker", got.ID)
		w.same(w.workers[got.ID].status, got.Status, "worker", got.ID)
	}
	w.compareWorkflows()
	w.ok(w.eng.Verify(ctx))
}

func identities(list []model.Message) []int64 {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// row compares one message.
func (w *world) row(want *messageModel, got model.Message) {
	w.t.Helper()
	w.must(want != nil, "message", got.ID, "should not be")
	require.JSONEq(w.t, string(want.Payload), string(got.Payload))
	a, b := want.Message, got
	b.Payload, b.ArchivedAt, b.EnqueuedAt, b.PriorVT = a.Payload, a.ArchivedAt, a.EnqueuedAt, a.PriorVT
	w.must(a.DequeuedAt.IsZero() == b.DequeuedAt.IsZero(), "message", a.ID, "dequeued at", a.DequeuedAt, b.DequeuedAt)
	a.DequeuedAt, b.DequeuedAt = time.Time{}, time.Time{}
	if !a.VT.Equal(b.VT) {
		w.must(false, "message", a.ID, "vt", a.VT, "is", b.VT)
	}
	a.VT = b.VT
	w.same(a, b)
}
