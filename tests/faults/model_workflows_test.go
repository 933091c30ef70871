package faults

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// The steps of workflows. An execution that was killed is one whose token is not
// used again: the next start takes the run over, and the old token comes back now
// and then as that of an execution that lives after all.

type runRecord struct {
	model.WorkflowRun
	steps map[string]*model.WorkflowStep
}

// just stands in the model for an instant of the database that the next look at
// the row learns: it lies between the call and its answer. Later than just by some
// time is later than that instant by as much.
var just = time.Unix(0, 0).UTC()

// span is from before a call until after it.
type span struct{ from, to time.Time }

// learn compares instants, or takes those over that the model does not know yet.
func (w *world) learn(s span, known []*time.Time, all ...time.Time) {
	w.t.Helper()
	for i, want := range known {
		got := all[i]
		if want.Year() != just.Year() {
			w.must(want.Equal(got), "instant", i, got, "is not", *want)
			continue
		}
		from, to := s.from.Add(want.Sub(just)), s.to.Add(want.Sub(just))
		w.must(!got.Before(from.Truncate(time.Microsecond)) && !got.After(to), "instant", i, got, "is not between", from, to)
		*want = got
	}
}

// document compares documents, which may be none.
func (w *world) document(want []byte, got *[]byte) {
	w.t.Helper()
	w.same(want == nil, *got == nil, "a document, or none", string(*got))
	if want != nil {
		require.JSONEq(w.t, string(want), string(*got))
	}
	*got = want
}

func (w *world) sameRun(want *runRecord, got model.WorkflowRun, s span) {
	w.t.Helper()
	w.must(want != nil, "run", got.ID, "should not be")
	w.document(want.Input, &got.Input)
	w.document(want.Output, &got.Output)
	w.learn(s, []*time.Time{&want.CreatedAt, &want.StartedAt, &want.UpdatedAt, &want.PausedAt, &want.CompletedAt},
		got.CreatedAt, got.StartedAt, got.UpdatedAt, got.PausedAt, got.CompletedAt)
	w.same(want.WorkflowRun, got)
}

func (w *world) sameStep(want *model.WorkflowStep, got model.WorkflowStep, s span) {
	w.t.Helper()
	w.must(want != nil, "step", got.ID, "should not be")
	w.document(want.Output, &got.Output)
	w.learn(s, []*time.Time{&want.RetryAt, &want.CreatedAt, &want.StartedAt, &want.UpdatedAt, &want.CompletedAt},
		got.RetryAt, got.CreatedAt, got.StartedAt, got.UpdatedAt, got.CompletedAt)
	w.same(*want, got)
}

// someRun picks a run, mostly one of the latest, or of the latest that are not
// finished: among all of them none would get far.
func (w *world) someRun() int64 {
	some := map[int64]*runRecord{}
	ids, open := sortedKeys(w.runs), w.chance(60)
	if w.chance(10) {
		return pick(w, w.runs)
	}
	for _, id := range slices.Backward(ids) {
		if r := w.runs[id]; len(some) < 4 && !(open && r.Status.Finished()) {
			some[id] = r
		}
	}
	return pick(w, some)
}

func (w *world) createWorkflow() {
	if len(w.workflows) >= 3 {
		if w.chance(50) {
			_, err := w.eng.CreateWorkflow(w.t.Context(), w.workflows[sortedKeys(w.workflows)[0]].Name, 3)
			w.failed(fault.WorkflowExists, err)
			return
		}
		for _, id := range sortedKeys(w.queues) {
			if q := w.queues[id]; !q.workflow {
				_, err := w.eng.CreateWorkflow(w.t.Context(), q.info.Name, 3)
				w.failed(fault.QueueExists, err)
				return
			}
		}
		return
	}
	w.names++
	name, reads := fmt.Sprintf(`workflow "%d'; --`, w.names), 1+w.rand.Int32N(4)
	info, err := w.eng.CreateWorkflow(w.t.Context(), name, reads)
	w.ok(err)
	w.must(info.Name == name && w.workflows[info.ID].Name == "" && w.queues[info.QueueID] == nil, info)
	queue, err := w.eng.GetQueueByID(w.t.Context(), info.QueueID)
	w.ok(err)
	w.must(queue.Name == name && queue.MaxReadCt == reads, queue)
	w.workflows[info.ID] = info
	w.queues[queue.ID] = &queueModel{info: queue, keys: map[string]int64{}, workflow: true}
}

func (w *world) trigger() {
	of := w.workflows[pick(w, w.workflows)]
	name := of.Name
	if name == "" {
		name = "nobody's"
	}
	w.number++
	input := fmt.Appendf(nil, `{"n": %d, "é": [null, 1.50]}`, w.number)
	from := time.Now()
	got, err := w.eng.TriggerRun(w.t.Context(), name, input)
	s := span{from, time.Now()}
	if of.Name == "" {
		w.failed(fault.WorkflowNotFound, err)
		return
	}
	w.ok(err)
	w.must(w.runs[got.ID] == nil, "run id", got.ID, "is used again")
	r := &runRecord{
		WorkflowRun: model.WorkflowRun{
			ID: got.ID, WorkflowID: of.ID, WorkflowName: of.Name, QueueID: of.QueueID,
			Status: model.WorkflowQueued, Input: input, CreatedAt: just, UpdatedAt: just,
		},
		steps: map[string]*model.WorkflowStep{},
	}
	w.runs[r.ID] = r
	w.carried(r, got, s)
}

// carried is a run that has a new message.
func (w *world) carried(r *runRecord, got model.WorkflowRun, s span) {
	w.t.Helper()
	w.must(w.messages[got.MessageID] == nil && w.archive[got.MessageID] == nil, "message id", got.MessageID, "is used again")
	r.MessageID = got.MessageID
	m := &messageModel{Message: model.Message{ID: got.MessageID, QueueID: r.QueueID, Payload: fmt.Appendf(nil, `{"run_id": %d}`, r.ID)}}
	w.messages[m.ID] = m
	w.adopt(m, s.from, s.to)
	w.sameRun(r, got, s)
}

// dropCarrier is the end of a run's message, unless somebody leases it.
func (w *world) dropCarrier(r *runRecord) {
	if m := w.messages[r.MessageID]; m != nil && (m.ConsumerWorkerID == 0 || !m.VT.After(time.Now())) {
		delete(w.messages, m.ID)
	}
}

// closed is the kind of error by which a run refuses executions, 0 when it does not.
func closed(r *runRecord) fault.Kind {
	switch {
	case r == nil:
		return fault.WorkflowNotFound
	case r.Status == model.WorkflowPaused:
		return fault.Paused
	case r.Status == model.WorkflowCancelled:
		return fault.RunCancelled
	case r.Status.Finished():
		return fault.StateTransition
	}
	return 0
}

func (w *world) startRun() {
	id := w.someRun()
	r, message := w.runs[id], int64(0)
	if r != nil && w.chance(70) {
		message = r.MessageID
	} else if w.chance(50) {
		message = pick(w, w.messages)
	}
	w.say("start run %d carried by %d", id, message)
	from := time.Now()
	got, err := w.eng.StartRun(w.t.Context(), id, message)
	s := span{from, time.Now()}
	switch kind := closed(r); {
	case kind != 0:
		w.failed(kind, err)
	case message != 0 && message != r.MessageID:
		w.failed(fault.StateTransition, err)
	default:
		w.ok(err)
		r.Status, r.Attempt, r.UpdatedAt = model.WorkflowRunning, r.Attempt+1, just
		if r.StartedAt.IsZero() {
			r.StartedAt = just
		}
		w.sameRun(r, got, s)
	}
}

// execution makes the token of one, mostly of the latest of a run that is running.
func (w *world) execution() model.RunToken {
	t := model.RunToken{RunID: w.someRun(), Attempt: 1}
	for range 2 {
		if r := w.runs[t.RunID]; r == nil || r.Status != model.WorkflowRunning {
			t.RunID = w.someRun()
		}
	}
	if r := w.runs[t.RunID]; r != nil {
		t.Attempt = r.Attempt
	}
	switch w.rand.IntN(12) {
	case 0:
		t.Attempt--
	case 1:
		t.Attempt++
	}
	return t
}

// refusesWrite is the kind of error by which a run refuses what an execution
// writes, 0 when it does not.
func refusesWrite(r *runRecord, t model.RunToken) fault.Kind {
	if kind := closed(r); kind != 0 {
		return kind
	}
	if r.Status != model.WorkflowRunning || r.Attempt != t.Attempt {
		return fault.StateTransition
	}
	return 0
}

// outcome makes an output or a failure.
func (w *world) outcome() (output []byte, problem string) {
	switch w.rand.IntN(4) {
	case 0:
		return nil, `it's "bad"; --`
	case 1:
		return nil, ""
	}
	return fmt.Appendf(nil, `[%d, null]`, w.rand.IntN(100)), ""
}

func (w *world) finishRun() {
	t := w.execution()
	var f engine.RunFinish
	f.Output, f.Error = w.outcome()
	w.say("finish run %+v %+v", t, f)
	from := time.Now()
	got, err := w.eng.FinishRun(w.t.Context(), t, f)
	s := span{from, time.Now()}
	r := w.runs[t.RunID]
	if kind := refusesWrite(r, t); kind != 0 {
		w.failed(kind, err)
		return
	}
	w.ok(err)
	r.Status, r.Output, r.Error, r.UpdatedAt, r.CompletedAt = model.WorkflowSuccess, f.Output, f.Error, just, just
	if f.Error != "" {
		r.Status = model.WorkflowError
	}
	w.sameRun(r, got, s)
}

func (w *world) pauseRun() {
	w.move(w.eng.PauseRun, func(r *runRecord) bool { return r.Status == model.WorkflowQueued || r.Status == model.WorkflowRunning },
		func(r *runRecord, got model.WorkflowRun, s span) {
			r.Status, r.PausedAt = model.WorkflowPaused, just
			w.sameRun(r, got, s)
		})
}

func (w *world) resumeRun() {
	w.move(w.eng.ResumeRun, func(r *runRecord) bool { return r.Status == model.WorkflowPaused },
		func(r *runRecord, got model.WorkflowRun, s span) {
			r.Status, r.PausedAt = model.WorkflowQueued, time.Time{}
			w.dropCarrier(r)
			w.carried(r, got, s)
		})
}

func (w *world) cancelRun() {
	w.move(w.eng.CancelRun, func(r *runRecord) bool { return !r.Status.Finished() },
		func(r *runRecord, got model.WorkflowRun, s span) {
			r.Status, r.PausedAt, r.CompletedAt = model.WorkflowCancelled, time.Time{}, just
			w.dropCarrier(r)
			w.sameRun(r, got, s)
		})
}

// move changes a run by hand, which its state may forbid.
func (w *world) move(
	call func(context.Context, int64) (model.WorkflowRun, error),
	may func(*runRecord) bool, become func(*runRecord, model.WorkflowRun, span),
) {
	id := w.someRun()
	w.say("%s %d", w.what, id)
	from := time.Now()
	got, err := call(w.t.Context(), id)
	s := span{from, time.Now()}
	switch r := w.runs[id]; {
	case r == nil:
		w.failed(fault.WorkflowNotFound, err)
	case !may(r):
		w.failed(fault.StateTransition, err)
	default:
		w.ok(err)
		r.UpdatedAt = just
		become(r, got, s)
	}
}

func (w *world) stepName() string { return fmt.Sprintf(`step "%d'; --`, w.rand.IntN(4)) }

func (w *world) acquireStep() {
	t, name, most := w.execution(), w.stepName(), 1+w.rand.Int32N(3)
	w.say("acquire %s of %+v, at most %d failures", name, t, most)
	from := time.Now()
	got, begun, err := w.eng.AcquireStep(w.t.Context(), t, name, most)
	s := span{from, time.Now()}
	r := w.runs[t.RunID]
	if kind := refusesWrite(r, t); kind != 0 {
		w.failed(kind, err)
		return
	}
	step := r.steps[name]
	switch {
	case step == nil:
		w.ok(err)
		step = &model.WorkflowStep{ID: got.ID, RunID: r.ID, Name: name, CreatedAt: just}
		r.steps[name] = step
	case step.Status == model.WorkflowSuccess:
		w.ok(err)
		w.must(!begun, "it had succeeded")
		w.sameStep(step, got, s)
		return
	case step.Status == model.WorkflowError || step.Failures >= most:
		w.failed(fault.RetriesExhausted, err)
		return
	case step.RetryAt.After(s.from):
		w.failed(fault.StepNotReady, err)
		var f *fault.Error
		require.ErrorAs(w.t, err, &f)
		w.must(f.RetryAfter <= step.RetryAt.Sub(s.from) && f.RetryAfter >= step.RetryAt.Sub(s.to)-time.Microsecond,
			"retry after", f.RetryAfter, step.RetryAt)
		return
	default:
		w.ok(err)
	}
	w.must(begun, "it had to begin")
	step.Status, step.Attempt, step.RetryAt, step.StartedAt, step.UpdatedAt = model.WorkflowRunning, step.Attempt+1, time.Time{}, just, just
	w.sameStep(step, got, s)
}

func (w *world) finishStep() {
	t, name := w.execution(), w.stepName()
	if r := w.runs[t.RunID]; r != nil && w.chance(80) { // one that was begun
		for _, step := range w.stepsOf(r) {
			if step.Status == model.WorkflowRunning {
				name = step.Name
			}
		}
	}
	var f engine.StepFinish
	f.Output, f.Error = w.outcome()
	if f.Error != "" && w.chance(80) {
		f.Retry, f.Delay = true, []time.Duration{0, w.brief, w.brief, hour}[w.rand.IntN(4)]
	}
	w.say("finish %s of %+v %+v", name, t, f)
	from := time.Now()
	got, err := w.eng.FinishStep(w.t.Context(), t, name, f)
	s := span{from, time.Now()}
	r := w.runs[t.RunID]
	kind := closed(r)
	if kind == fault.Paused { // takes the outcome of what was under way
		kind = 0
	}
	switch {
	case kind != 0:
		w.failed(kind, err)
		return
	case r.Attempt != t.Attempt:
		w.failed(fault.StateTransition, err)
		return
	case r.steps[name] == nil:
		w.failed(fault.WorkflowNotFound, err)
		return
	case r.steps[name].Status != model.WorkflowRunning:
		w.failed(fault.StateTransition, err)
		return
	}
	w.ok(err)
	step := r.steps[name]
	step.Output, step.Error, step.UpdatedAt, step.CompletedAt = f.Output, f.Error, just, just
	switch {
	case f.Error == "":
		step.Status = model.WorkflowSuccess
	case f.Retry:
		step.Status, step.RetryAt, step.CompletedAt = model.WorkflowQueued, just.Add(f.Delay), time.Time{}
		step.Failures++
	default:
		step.Status = model.WorkflowError
		step.Failures++
	}
	w.sameStep(step, got, s)
	if f.Delay == w.brief {
		time.Sleep(time.Until(s.to.Add(w.brief)))
	}
}

// stepsOf are the steps of a run in an order that the seed decides.
func (w *world) stepsOf(r *runRecord) []*model.WorkflowStep {
	byID := map[int64]*model.WorkflowStep{}
	for _, step := range r.steps {
		byID[step.ID] = step
	}
	list := make([]*model.WorkflowStep, 0, len(byID))
	for _, id := range sortedKeys(byID) {
		list = append(list, byID[id])
	}
	return list
}

// lookAtRuns counts, and finds one by its id, or not.
func (w *world) lookAtRuns() {
	f := engine.RunFilter{WorkflowID: pick(w, w.workflows)}
	if w.chance(50) {
		f.WorkflowID = 0
	}
	if w.chance(50) {
		f.Status = runStates[w.rand.IntN(len(runStates))]
	}
	want := int64(0)
	for _, r := range w.runs {
		if (f.WorkflowID == 0 || f.WorkflowID == r.WorkflowID) && (f.Status == "" || f.Status == r.Status) {
			want++
		}
	}
	n, err := w.eng.CountRuns(w.t.Context(), f)
	w.ok(err)
	w.same(want, n, f)

	id := pick(w, w.runs)
	got, err := w.eng.GetRun(w.t.Context(), id)
	steps, failed := w.eng.CountSteps(w.t.Context(), id)
	w.ok(failed)
	if r := w.runs[id]; r != nil {
		w.ok(err)
		w.sameRun(r, got, span{})
		w.same(int64(len(r.steps)), steps)
		return
	}
	w.failed(fault.WorkflowNotFound, err)
	w.same(int64(0), steps)
}

var runStates = []model.WorkflowStatus{
	model.WorkflowQueued, model.WorkflowRunning, model.WorkflowPaused, model.WorkflowSuccess, model.WorkflowError, model.WorkflowCancelled,
}

// states counts the runs, and their steps, by state.
func (w *world) states() (runs, steps map[model.WorkflowStatus]int) {
	runs, steps = map[model.WorkflowStatus]int{}, map[model.WorkflowStatus]int{}
	for _, r := range w.runs {
		runs[r.Status]++
		for _, step := range r.steps {
			steps[step.Status]++
		}
	}
	return runs, steps
}

// compareWorkflows compares every row.
func (w *world) compareWorkflows() {
	w.t.Helper()
	ctx, all := w.t.Context(), model.Page{Limit: 1 << 20}
	workflows, err := w.eng.ListWorkflows(ctx, all)
	w.ok(err)
	w.same(len(w.workflows), len(workflows))
	for _, got := range workflows {
		w.same(w.workflows[got.ID], got)
	}
	runs, err := w.eng.ListRuns(ctx, engine.RunFilter{}, all)
	w.ok(err)
	w.same(len(w.runs), len(runs))
	steps := 0
	for _, got := range runs {
		w.sameRun(w.runs[got.ID], got, span{})
		steps += len(w.runs[got.ID].steps)
	}
	list, err := w.eng.ListSteps(ctx, 0, all)
	w.ok(err)
	w.same(steps, len(list))
	for _, got := range list {
		w.must(w.runs[got.RunID] != nil, "step", got.ID, "of run", got.RunID)
		w.sameStep(w.runs[got.RunID].steps[got.Name], got, span{})
	}
}
