package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// failed requires an error of a kind.
func (w *world) failed(kind fault.Kind, err error) {
	w.t.Helper()
	require.Error(w.t, err, "step %d: %s", w.step, w.what)
	w.same(kind.String(), fault.KindOf(err).String(), err)
	w.must(fault.SafeToRetry(err), err, "is not said to be safe to repeat")
}

func (w *world) enqueue() {
	queue := pick(w, w.queues)
	list := make([]model.NewMessage, 1+w.rand.IntN(6))
	for i := range list {
		w.number++
		n := model.NewMessage{Payload: fmt.Appendf(nil, `{"n": %d, "k": [%d, "ü"]}`, w.number, w.number%4)}
		if w.chance(50) {
			n.Producer = pick(w, w.workers)
		}
		if w.chance(30) {
			n.DedupKey = fmt.Sprint("key ", w.rand.IntN(40))
		}
		switch w.rand.IntN(8) {
		case 0:
			n.At = time.Now().Add(-hour - time.Duration(w.rand.IntN(1000))*time.Second).UTC().Truncate(time.Microsecond)
		case 1:
			n.At = time.Now().Add(hour + time.Duration(w.rand.IntN(1000))*time.Second).UTC().Truncate(time.Microsecond)
		case 2:
			n.Delay = 5 * hour
		}
		list[i] = n
	}
	from := time.Now()
	ids, err := w.eng.Enqueue(w.t.Context(), queue, list)
	to := time.Now()
	if w.queues[queue] == nil {
		w.failed(fault.QueueNotFound, err)
		return
	}
	w.ok(err)
	w.same(len(list), len(ids))
	keys, last := w.queues[queue].keys, int64(0)
	for i, n := range list {
		if known := keys[n.DedupKey]; known != 0 {
			w.same(known, ids[i], "dedup key", n.DedupKey)
			continue
		}
		w.must(ids[i] > last, "ids ascend", ids)
		if last = ids[i]; n.DedupKey != "" {
			keys[n.DedupKey] = last
		}
		w.must(w.messages[ids[i]] == nil && w.archive[ids[i]] == nil, "id", ids[i], "is used again")
		m := &messageModel{Message: model.Message{
			ID: ids[i], QueueID: queue, Payload: n.Payload, ProducerWorkerID: n.Producer, VT: n.At,
		}}
		w.messages[m.ID] = m
		if n.At.IsZero() {
			w.adopt(m, from.Add(n.Delay), to.Add(n.Delay))
		}
	}
}

// forgetKeys forgets all of them: a part would depend on how fast the test runs.
func (w *world) forgetKeys() {
	known := 0
	for _, q := range w.queues {
		known += len(q.keys)
		clear(q.keys)
	}
	n, err := w.eng.ForgetKeys(w.t.Context(), 0, known+1)
	w.ok(err)
	w.same(int64(known), n)
}

// workerOf picks a worker of a queue, or now and then one that is not there.
func (w *world) workerOf(queue int64) int64 {
	own := map[int64]*workerModel{}
	for id, x := range w.workers {
		if x.queue == queue {
			own[id] = x
		}
	}
	return pick(w, own)
}

func (w *world) claim() {
	first := engine.Claim{QueueID: pick(w, w.queues)}
	switch w.rand.IntN(10) {
	case 0:
		first.At = time.Now().Add(90 * time.Minute)
	case 1:
		first.At = time.Now().Add(-30 * time.Minute)
	}
	claims := make([]engine.Claim, 1)
	if first.At.IsZero() && w.chance(30) { // of several consumers
		claims = make([]engine.Claim, 2+w.rand.IntN(2))
	}
	places, brief := 0, false
	for i := range claims {
		claims[i] = first
		c := &claims[i]
		c.WorkerID, c.Limit, c.Lease = w.workerOf(c.QueueID), 1+w.rand.IntN(7), w.brief
		if w.chance(60) {
			c.Lease = time.Duration(1+w.rand.IntN(3)) * hour
		}
		places += c.Limit
		brief = brief || c.Lease == w.brief
	}
	w.say("claim %+v", claims)
	from := time.Now()
	answers, err := w.eng.Claim(w.t.Context(), claims)
	to := time.Now()
	if kind := w.refusesClaims(claims); kind != 0 {
		w.failed(kind, err)
		if kind != fault.QueueNotFound {
			w.settle(first.QueueID)
		}
		return
	}
	w.ok(err)
	w.same(len(claims), len(answers))
	at := from
	if !first.At.IsZero() {
		at = first.At
	}
	limit := w.queues[first.QueueID].info.MaxReadCt
	eligible := w.ordered(first.QueueID, func(m *messageModel) bool { return !m.VT.After(at) && m.ReadCt < limit })
	left, taken := len(eligible), map[int64]*messageModel{}
	for i, c := range claims {
		got := answers[i].Messages
		w.same(min(left, c.Limit), len(got), "claim", i, "of", left)
		left -= len(got)
		w.must(slices.IsSortedFunc(got, func(a, b model.Message) int {
			return cmp.Or(a.PriorVT.Compare(b.PriorVT), cmp.Compare(a.ID, b.ID))
		}), "the order of claim", i)
		for _, m := range got {
			want := w.messages[m.ID]
			w.must(want != nil && taken[m.ID] == nil, "message", m.ID)
			w.must(!want.VT.After(at) && want.ReadCt < limit, "message", m.ID, "is not eligible", want.VT, want.ReadCt)
			if w.exact || !c.At.IsZero() {
				w.same(eligible[len(taken)].ID, m.ID, "the order of the claims, at", len(taken))
			}
			taken[m.ID] = want
			w.leased(want, c, m, from, to)
		}
	}
	if brief {
		defer func() { time.Sleep(time.Until(to.Add(w.brief))) }()
	}
	if len(taken) == places {
		return
	}
	for id := range taken { // whose leases may be over by now, but were not in the claim
		delete(w.messages, id)
	}
	w.sweepUp(first.QueueID)
	for id, m := range taken {
		w.messages[id] = m
	}
	for i, c := range claims {
		if len(answers[i].Messages) < c.Limit {
			w.nextDue(c, answers[i], brief)
		}
	}
}

// refusesClaims is the kind of error by which claims are refused, 0 when they are not.
func (w *world) refusesClaims(claims []engine.Claim) fault.Kind {
	if w.queues[claims[0].QueueID] == nil {
		return fault.QueueNotFound
	}
	for _, c := range claims {
		switch worker := w.workers[c.WorkerID]; {
		case worker == nil:
			return fault.WorkerNotFound
		case !worker.status.MayClaim():
			return fault.StateTransition
		}
	}
	return 0
}

// leased compares a message that was claimed.
func (w *world) leased(want *messageModel, c engine.Claim, m model.Message, from, to time.Time) {
	w.t.Helper()
	w.must(m.PriorVT.Equal(want.VT), "prior vt", m.PriorVT, want.VT)
	w.must(!m.VT.Before(from.Add(c.Lease).Truncate(time.Microsecond)) && !m.VT.After(to.Add(c.Lease)), "lease until", m.VT)
	want.VT, want.ReadCt, want.ConsumerWorkerID = m.VT, want.ReadCt+1, c.WorkerID
	if want.DequeuedAt.IsZero() {
		want.DequeuedAt = m.DequeuedAt
	}
	w.must(m.DequeuedAt.Equal(want.DequeuedAt), "first lease", m.DequeuedAt, want.DequeuedAt)
	w.row(want, m)
}

// nextDue checks what a short claim says of the time to come.
func (w *world) nextDue(c engine.Claim, got engine.Claimed, brief bool) {
	waiting := w.ordered(c.QueueID, func(*messageModel) bool { return true })
	if got.NextDue < 0 {
		w.must(len(waiting) == 0 || !c.At.IsZero(), "nothing is said to be due")
		return
	}
	w.must(len(waiting) > 0, "due", got.NextDue)
	if due := time.Until(waiting[0].VT); !brief && due > time.Minute {
		w.must((got.NextDue-due).Abs() < time.Minute, "due", got.NextDue, "and not", due)
	}
}

// settle sweeps where engines are free to have done so or not: a claim that is
// refused.
func (w *world) settle(queue int64) {
	_, err := w.eng.Sweep(w.t.Context(), queue)
	w.ok(err)
	w.sweepUp(queue)
}

// token makes a token for a message, mostly a good one.
func (w *world) token() model.Token {
	id := pick(w, w.messages)
	t := model.Token{ID: id, Worker: nowhere, ReadCt: 1}
	if m := w.messages[id]; m != nil {
		t.Worker, t.ReadCt = m.ConsumerWorkerID, m.ReadCt
	}
	switch w.rand.IntN(12) {
	case 0:
		t.ReadCt = 0
	case 1:
		t.ReadCt++
	case 2:
		t.Worker = pick(w, w.workers)
	}
	if t.Worker == 0 {
		t.Worker = pick(w, w.workers)
	}
	return t
}

// valid returns the message whose lease a token names.
func (w *world) valid(t model.Token) *messageModel {
	m := w.messages[t.ID]
	if m == nil || m.ConsumerWorkerID != t.Worker || t.ReadCt != 0 && t.ReadCt != m.ReadCt {
		return nil
	}
	return m
}

// tokens makes some, now and then one twice.
func (w *world) tokens() []model.Token {
	list := make([]model.Token, 1+w.rand.IntN(5))
	for i := range list {
		list[i] = w.token()
		if i > 0 && w.chance(15) {
			list[i] = list[w.rand.IntN(i)]
			if w.chance(40) {
				list[i].ReadCt = 0
			}
		}
	}
	return list
}

func (w *world) finish() {
	list, how := w.tokens(), engine.FinishArchive
	if w.chance(30) {
		how = engine.FinishDelete
	}
	w.say("finish %d %+v", how, list)
	got, err := w.eng.Finish(w.t.Context(), how, list)
	w.ok(err)
	want := make([]bool, len(list))
	for i, t := range list {
		m := w.valid(t)
		if want[i] = m != nil; m == nil {
			continue
		}
		delete(w.messages, m.ID)
		if how == engine.FinishArchive {
			w.archive[m.ID] = m
		}
	}
	w.same(want, got)
}

func (w *world) extend() {
	list := w.tokens()
	extensions := make([]engine.Extension, len(list))
	for i, t := range list {
		extensions[i] = engine.Extension{Token: t, For: time.Duration(w.rand.IntN(4)) * hour}
	}
	w.say("extend %+v", extensions)
	from := time.Now()
	got, err := w.eng.Extend(w.t.Context(), extensions)
	to := time.Now()
	w.ok(err)
	want := make([]bool, len(list))
	longest := map[int64]time.Duration{}
	for i, x := range extensions {
		m := w.valid(x.Token)
		if want[i] = m != nil; m != nil {
			longest[m.ID] = max(longest[m.ID], x.For)
		}
	}
	w.same(want, got)
	for id, d := range longest {
		m := w.messages[id]
		if m.VT.After(to.Add(d)) {
			continue // an extension never shortens a lease
		}
		w.adopt(m, from.Add(d), to.Add(d))
	}
}

func (w *world) release() {
	list := w.tokens()
	releases := make([]engine.Release, len(list))
	for i, t := range list {
		releases[i] = engine.Release{Token: t, Unread: w.chance(30)}
		switch w.rand.IntN(4) {
		case 0:
			releases[i].At = time.Now().Add(-2 * hour).UTC().Truncate(time.Microsecond)
		case 1:
			releases[i].At = time.Now().Add(2 * hour).UTC().Truncate(time.Microsecond)
		}
	}
	w.say("release %+v", releases)
	from := time.Now()
	got, err := w.eng.Release(w.t.Context(), releases)
	to := time.Now()
	w.ok(err)
	want := make([]bool, len(list))
	for i, r := range releases {
		m := w.valid(r.Token)
		if want[i] = m != nil; m == nil {
			continue
		}
		switch {
		case r.Unread:
			if m.ReadCt--; m.ReadCt == 0 {
				m.DequeuedAt = time.Time{}
			}
		case m.ReadCt >= w.queues[m.QueueID].info.MaxReadCt:
			w.bury(m, fmt.Sprintf("released after %d leases", m.ReadCt))
			continue
		}
		m.ConsumerWorkerID, m.VT = 0, r.At
		if r.At.IsZero() {
			w.adopt(m, from, to)
		}
	}
	w.same(want, got)
}

func (w *world) sweep() {
	queue := int64(0)
	if w.chance(60) {
		queue = pick(w, w.queues)
	}
	got, err := w.eng.Sweep(w.t.Context(), queue)
	w.ok(err)
	w.same(w.sweepUp(queue), got)
}

func (w *world) deadLetter() {
	id := pick(w, w.messages)
	err := w.eng.DeadLetter(w.t.Context(), id)
	m := w.messages[id]
	switch {
	case m == nil:
		w.failed(fault.MessageNotFound, err)
	case m.ConsumerWorkerID != 0 && m.VT.After(time.Now()):
		w.failed(fault.StateTransition, err)
	default:
		w.ok(err)
		w.bury(m, "moved by hand")
	}
}

func (w *world) replay() {
	id := pick(w, w.archive)
	w.say("replay %d", id)
	from := time.Now()
	err := w.eng.ReplayArchived(w.t.Context(), id)
	to := time.Now()
	m := w.archive[id]
	switch {
	case m == nil:
		w.failed(fault.MessageNotFound, err)
	case m.DeadReason == "":
		w.failed(fault.StateTransition, err)
	case w.queues[m.QueueID] == nil:
		w.failed(fault.QueueNotFound, err)
	default:
		w.ok(err)
		delete(w.archive, id)
		m.DeadReason, m.ReadCt, m.ConsumerWorkerID, m.DequeuedAt = "", 0, 0, time.Time{}
		w.messages[id] = m
		w.adopt(m, from, to)
	}
}

func (w *world) deleteArchived() {
	id := pick(w, w.archive)
	err := w.eng.DeleteArchived(w.t.Context(), id)
	if w.archive[id] == nil {
		w.failed(fault.MessageNotFound, err)
		return
	}
	w.ok(err)
	delete(w.archive, id)
}

// filter makes a filter and the same as a function.
func (w *world) filter() (engine.Filter, func(*messageModel) bool) {
	var f engine.Filter
	residue := -1
	if w.chance(60) {
		f.QueueID = pick(w, w.queues)
	}
	if w.chance(30) {
		f.WorkerID = pick(w, w.workers)
	}
	if w.chance(30) {
		f.MinReads = int32(w.rand.IntN(4))
	}
	if w.chance(30) {
		residue = w.rand.IntN(4)
		f.Contains = fmt.Sprintf(`{"k": [%d.0]}`, residue)
	}
	return f, func(m *messageModel) bool {
		n, k := 0, -1
		if _, err := fmt.Sscanf(string(m.Payload), `{"n": %d, "k": [%d,`, &n, &k); err != nil {
			w.must(strings.HasPrefix(string(m.Payload), `{"run_id":`), string(m.Payload))
		}
		return (f.QueueID == 0 || f.QueueID == m.QueueID) && (f.WorkerID == 0 || f.WorkerID == m.ConsumerWorkerID) &&
			m.ReadCt >= f.MinReads && (residue < 0 || k == residue) && (!f.DeadOnly || m.DeadReason != "")
	}
}

func (w *world) prune() {
	f, keep := w.filter()
	limit := 1 + w.rand.IntN(20)
	w.say("prune %+v %d", f, limit)
	p, err := w.eng.PruneArchive(w.t.Context(), f, 0, 0, limit)
	w.ok(err)
	matching := 0
	for _, m := range w.archive {
		if keep(m) {
			matching++
		}
	}
	w.same(int64(min(matching, limit)), p.Removed)
	left, err := w.eng.ListArchived(w.t.Context(), engine.Filter{}, model.Page{Limit: 1 << 20})
	w.ok(err)
	stays := map[int64]bool{}
	for _, m := range left {
		stays[m.ID] = true
	}
	for id, m := range w.archive {
		if !stays[id] {
			w.must(keep(m), "message", id, "was not selected and is gone")
			delete(w.archive, id)
		}
	}
}

func (w *world) count() {
	f, keep := w.filter()
	count := func(from map[int64]*messageModel) (n int64) {
		for _, m := range from {
			if keep(m) {
				n++
			}
		}
		return n
	}
	w.say("count %+v", f)
	n, err := w.eng.CountMessages(w.t.Context(), f)
	w.ok(err)
	w.same(count(w.messages), n)
	n, err = w.eng.CountArchived(w.t.Context(), f)
	w.ok(err)
	w.same(count(w.archive), n, "archived")
}
