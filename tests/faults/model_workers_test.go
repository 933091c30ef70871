package faults

import (
	"fmt"
	"slices"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

var states = []model.WorkerStatus{
	model.WorkerReady, model.WorkerPolling, model.WorkerSuspended, model.WorkerInterrupted, model.WorkerStopped,
}

func (w *world) createQueue() {
	if w.eng == nil {
		w.eng = w.engines[0]
	}
	if len(w.queues) > 2 && w.chance(50) {
		taken := w.queues[sortedKeys(w.queues)[0]].info
		_, err := w.eng.CreateQueue(w.t.Context(), taken.Name, 9)
		w.failed(fault.QueueExists, err)
		return
	}
	w.names++
	name := fmt.Sprintf(`queue "%d'; --`, w.names)
	info, err := w.eng.CreateQueue(w.t.Context(), name, 1+w.rand.Int32N(4))
	w.ok(err)
	w.must(w.queues[info.ID] == nil && info.Name == name, info)
	w.queues[info.ID] = &queueModel{info: info, keys: map[string]int64{}}
	found, err := w.eng.GetQueue(w.t.Context(), name)
	w.ok(err)
	w.same(info, found)
}

// used reports what keeps a queue from being deleted.
func (w *world) used(queue int64) bool {
	for _, x := range w.workers {
		if x.queue == queue && x.status != model.WorkerStopped {
			return true
		}
	}
	return len(w.ordered(queue, func(*messageModel) bool { return true })) > 0
}

func (w *world) deleteQueue() {
	q := w.queues[pick(w, w.queues)]
	if q == nil {
		w.failed(fault.QueueNotFound, w.eng.DeleteQueue(w.t.Context(), "nobody's"))
		return
	}
	if w.chance(30) && len(w.queues) > 2 { // make it possible
		var ids []int64
		for id, x := range w.workers {
			if x.queue == q.info.ID {
				ids = append(ids, id)
			}
		}
		w.stop(ids, true)
		w.purge(q)
	}
	err := w.eng.DeleteQueue(w.t.Context(), q.info.Name)
	if q.workflow || w.used(q.info.ID) {
		w.failed(fault.StateTransition, err)
		return
	}
	w.ok(err)
	delete(w.queues, q.info.ID)
	if len(w.queues) < 2 {
		w.createQueue()
	}
}

func (w *world) purgeQueue() {
	q := w.queues[pick(w, w.queues)]
	if q == nil {
		_, err := w.eng.PurgeQueue(w.t.Context(), "nobody's")
		w.failed(fault.QueueNotFound, err)
		return
	}
	w.purge(q)
}

func (w *world) purge(q *queueModel) {
	n, err := w.eng.PurgeQueue(w.t.Context(), q.info.Name)
	w.ok(err)
	all := w.ordered(q.info.ID, func(*messageModel) bool { return true })
	w.same(int64(len(all)), n)
	for _, m := range all {
		delete(w.messages, m.ID)
	}
}

func (w *world) register() {
	if w.eng == nil {
		w.eng = w.engines[0]
	}
	queue := pick(w, w.queues)
	if len(w.workers) > 12 {
		queue = nowhere
	}
	kind := []string{"consumer", "producer"}[w.rand.IntN(2)]
	info, err := w.eng.RegisterWorker(w.t.Context(), model.NewWorker{QueueID: queue, Name: kind, Hostname: "host"})
	if w.queues[queue] == nil {
		w.failed(fault.QueueNotFound, err)
		return
	}
	w.ok(err)
	w.same(model.WorkerReady, info.Status)
	w.must(w.workers[info.ID] == nil, "worker id", info.ID, "is used again")
	w.workers[info.ID] = &workerModel{queue: queue, kind: kind, status: model.WorkerReady}
}

func (w *world) setStatus() {
	id, to := pick(w, w.workers), states[w.rand.IntN(len(states))]
	var from []model.WorkerStatus
	for _, s := range states {
		if w.chance(60) {
			from = append(from, s)
		}
	}
	w.say("status %d %v %v", id, from, to)
	err := w.eng.SetWorkerStatus(w.t.Context(), id, from, to)
	switch x := w.workers[id]; {
	case x == nil:
		w.failed(fault.WorkerNotFound, err)
	case !slices.Contains(from, x.status):
		w.failed(fault.StateTransition, err)
	default:
		w.ok(err)
		x.status = to
	}
}

func (w *world) heartbeat() {
	ids := []int64{pick(w, w.workers), pick(w, w.workers), nowhere}
	got, err := w.eng.Heartbeat(w.t.Context(), ids)
	w.ok(err)
	want := map[int64]model.WorkerStatus{}
	for _, id := range ids {
		if x := w.workers[id]; x != nil {
			want[id] = x.status
		}
	}
	w.same(want, got)
}

func (w *world) stopWorkers() {
	w.stop([]int64{pick(w, w.workers), pick(w, w.workers)}, w.chance(50))
}

func (w *world) stop(ids []int64, remove bool) {
	w.say("stop %v %v", ids, remove)
	from := time.Now()
	n, err := w.eng.StopWorkers(w.t.Context(), ids, engine.AnyLease, remove)
	to := time.Now()
	w.ok(err)
	w.same(w.letGo(ids, from, to), n)
	for _, id := range ids {
		if x := w.workers[id]; x != nil {
			x.status = model.WorkerStopped
			if remove {
				delete(w.workers, id)
			}
		}
	}
}

// letGo is what becomes of the leases of workers.
func (w *world) letGo(ids []int64, from, to time.Time) (n int64) {
	held := w.ordered(0, func(m *messageModel) bool {
		return slices.Contains(ids, m.ConsumerWorkerID) && w.workers[m.ConsumerWorkerID] != nil && m.VT.After(from)
	})
	for _, m := range held {
		n++
		if m.ReadCt >= w.queues[m.QueueID].info.MaxReadCt {
			w.bury(m, fmt.Sprintf("released after %d leases", m.ReadCt))
			continue
		}
		m.ConsumerWorkerID = 0
		w.adopt(m, from, to)
	}
	return n
}

func (w *world) reclaim() {
	queue := int64(0)
	if w.chance(80) {
		queue = pick(w, w.queues)
	}
	w.say("reclaim %d", queue)
	n, err := w.eng.Reclaim(w.t.Context(), queue, hour)
	w.ok(err)
	w.same(int64(0), n)
	if w.chance(50) {
		return
	}
	from := time.Now()
	n, err = w.eng.Reclaim(w.t.Context(), queue, 0) // every worker was silent for longer
	to := time.Now()
	w.ok(err)
	var ids []int64
	for _, id := range sortedKeys(w.workers) {
		if queue == 0 || w.workers[id].queue == queue {
			ids = append(ids, id)
		}
	}
	w.same(w.letGo(ids, from, to), n)
	for _, id := range ids {
		w.workers[id].status = model.WorkerStopped
	}
}

// holds reports whether a worker has a lease that has not expired.
func (w *world) holds(worker int64) bool {
	now := time.Now()
	return len(w.ordered(0, func(m *messageModel) bool { return m.ConsumerWorkerID == worker && m.VT.After(now) })) > 0
}

func (w *world) deleteWorker() {
	id := pick(w, w.workers)
	w.say("delete worker %d", id)
	err := w.eng.DeleteWorker(w.t.Context(), id)
	switch {
	case w.workers[id] == nil:
		w.failed(fault.WorkerNotFound, err)
	case w.holds(id):
		w.failed(fault.StateTransition, err)
	default:
		w.ok(err)
		delete(w.workers, id)
	}
}

func (w *world) purgeWorkers() {
	n, err := w.eng.PurgeWorkers(w.t.Context(), hour)
	w.ok(err)
	want := int64(0)
	for _, id := range sortedKeys(w.workers) {
		if w.workers[id].status == model.WorkerStopped && !w.holds(id) {
			want++
			delete(w.workers, id)
		}
	}
	w.same(want, n)
}

func (w *world) metrics() {
	list, err := w.eng.Metrics(w.t.Context(), 0)
	w.ok(err)
	w.same(len(w.queues), len(list))
	now := time.Now()
	var all model.SystemStats
	for _, got := range list {
		want := model.QueueMetrics{QueueID: got.QueueID, QueueName: w.queues[got.QueueID].info.Name, OldestPending: got.OldestPending}
		for _, m := range w.ordered(got.QueueID, func(*messageModel) bool { return true }) {
			switch {
			case !m.VT.After(now):
				want.Pending++
			case m.ConsumerWorkerID == 0:
				want.Delayed++
			default:
				want.Leased++
			}
		}
		for _, m := range w.archive {
			switch {
			case m.QueueID != got.QueueID:
			case m.DeadReason != "":
				want.Dead++
			default:
				want.Archived++
			}
		}
		w.same(want, got)
		if pending := w.ordered(got.QueueID, func(m *messageModel) bool { return !m.VT.After(now) }); len(pending) > 0 {
			w.must(pending[0].VT.Equal(got.OldestPending), "oldest pending", got.OldestPending, pending[0].VT)
		}
		all.Pending += want.Pending
		all.Delayed += want.Delayed
		all.Leased += want.Leased
	}
	stats, err := w.eng.Stats(w.t.Context())
	w.ok(err)
	w.same([]int64{int64(len(w.queues)), all.Pending, all.Delayed, all.Leased, int64(len(w.archive))},
		[]int64{stats.Queues, stats.Pending, stats.Delayed, stats.Leased, stats.Archived + stats.Dead})
}
