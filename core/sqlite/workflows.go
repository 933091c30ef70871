package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// The one writer makes a look and the write after it one: nobody comes between
// them, so the state of a run or step is checked before it is changed.

// CreateWorkflow implements engine.Workflows.
func (e *store) CreateWorkflow(ctx context.Context, name string, maxReadCt int32) (w model.WorkflowInfo, err error) {
	err = e.write(ctx, 2, func(t *tx) error {
		_, taken, err := selectOne(t.conn, "workflow_by_name", scanWorkflow, name)
		if err != nil {
			return err
		}
		if taken {
			return engine.WorkflowTaken(name, true)
		}
		q, created, err := selectOne(t.conn, "queue_create", scanQueue, name, t.now, int64(maxReadCt))
		switch {
		case err != nil:
			return err
		case !created:
			return engine.WorkflowTaken(name, false)
		}
		w, _, err = selectOne(t.conn, "workflow_create", scanWorkflow, name, q.ID, t.now)
		return err
	})
	return w, err
}

// GetWorkflow implements engine.Workflows.
func (e *store) GetWorkflow(ctx context.Context, name string) (model.WorkflowInfo, error) {
	return find(ctx, e, "workflow_by_name", scanWorkflow, engine.WorkflowNotFound(name), name)
}

// GetWorkflowByID implements engine.Workflows.
func (e *store) GetWorkflowByID(ctx context.Context, id int64) (model.WorkflowInfo, error) {
	return find(ctx, e, "workflow_by_id", scanWorkflow, engine.WorkflowIDNotFound(id), id)
}

// ListWorkflows implements engine.Workflows.
func (e *store) ListWorkflows(ctx context.Context, page model.Page) ([]model.WorkflowInfo, error) {
	limit, offset := pageArgs(page)
	return collect(ctx, e, "workflow_list", scanWorkflow, limit, offset)
}

// CountWorkflows implements engine.Workflows.
func (e *store) CountWorkflows(ctx context.Context) (int64, error) {
	return e.count(ctx, "workflow_count")
}

// TriggerRun implements engine.Workflows.
func (e *store) TriggerRun(ctx context.Context, workflow string, input []byte) (run model.WorkflowRun, err error) {
	err = e.write(ctx, 2, func(t *tx) error {
		w, found, err := selectOne(t.conn, "workflow_by_name", scanWorkflow, workflow)
		if err == nil && !found {
			err = engine.WorkflowNotFound(workflow)
		}
		if err != nil {
			return err
		}
		id, _, err := selectOne(t.conn, "run_create", scanID, w.ID, string(input), t.now)
		if err != nil {
			return err
		}
		run, err = t.carry(w.QueueID, id)
		return err
	})
	return run, err
}

// ResumeRun implements engine.Workflows.
func (e *store) ResumeRun(ctx context.Context, id int64) (run model.WorkflowRun, err error) {
	err = e.write(ctx, 2, func(t *tx) error {
		paused, err := runByID(t.conn, id)
		switch {
		case err != nil:
			return err
		case paused.Status != model.WorkflowPaused:
			return engine.RefuseMove(paused, "resumed")
		}
		if _, err := t.exec("run_resume", id, t.now); err != nil {
			return err
		}
		if _, err := t.exec("run_drop_carrier", paused.MessageID, t.now); err != nil {
			return err
		}
		run, err = t.carry(paused.QueueID, id)
		return err
	})
	return run, err
}

// carry enqueues the message that carries a queued run and returns the run.
func (t *tx) carry(queueID, id int64) (model.WorkflowRun, error) {
	if err := mustQueue(t.conn, queueID); err != nil {
		return model.WorkflowRun{}, err
	}
	ids, err := t.insert(queueID, []model.NewMessage{{Payload: fmt.Appendf(nil, `{"run_id":%d}`, id)}}, nil)
	if err != nil {
		return model.WorkflowRun{}, err
	}
	if _, err := t.exec("run_carry", id, ids[0]); err != nil {
		return model.WorkflowRun{}, err
	}
	return runByID(t.conn, id)
}

// StartRun implements engine.Workflows.
func (e *store) StartRun(ctx context.Context, id, messageID int64) (model.WorkflowRun, error) {
	return e.moveRun(ctx, id, func(r model.WorkflowRun) error { return engine.RefuseStart(r, messageID) }, "run_start")
}

// FinishRun implements engine.Workflows.
func (e *store) FinishRun(ctx context.Context, t model.RunToken, f engine.RunFinish) (model.WorkflowRun, error) {
	return e.moveRun(ctx, t.RunID, func(r model.WorkflowRun) error { return engine.RefuseWrite(r, t) },
		"run_finish", string(f.Status()), jsonArg(f.Output), f.Error)
}

// PauseRun implements engine.Workflows.
func (e *store) PauseRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return e.moveRun(ctx, id, func(r model.WorkflowRun) error {
		if r.Status == model.WorkflowPaused || r.Status.Finished() {
			return engine.RefuseMove(r, "paused")
		}
		return nil
	}, "run_pause")
}

// CancelRun implements engine.Workflows.
func (e *store) CancelRun(ctx context.Context, id int64) (run model.WorkflowRun, err error) {
	err = e.write(ctx, 2, func(t *tx) error {
		before, err := runByID(t.conn, id)
		switch {
		case err != nil:
			return err
		case before.Status.Finished():
			return engine.RefuseMove(before, "cancelled")
		}
		if _, err := t.exec("run_cancel", id, t.now); err != nil {
			return err
		}
		if _, err := t.exec("run_drop_carrier", before.MessageID, t.now); err != nil {
			return err
		}
		run, err = runByID(t.conn, id)
		return err
	})
	return run, err
}

// moveRun changes a run unless refuse says why not. The statement's first
// parameters are the run and the present instant.
func (e *store) moveRun(ctx context.Context, id int64, refuse func(model.WorkflowRun) error, statement string, args ...any) (run model.WorkflowRun, err error) {
	err = e.write(ctx, 1, func(t *tx) error {
		before, err := runByID(t.conn, id)
		if err != nil {
			return err
		}
		if err := refuse(before); err != nil {
			return err
		}
		if _, err := t.exec(statement, append([]any{id, t.now}, args...)...); err != nil {
			return err
		}
		run, err = runByID(t.conn, id)
		return err
	})
	return run, err
}

// AcquireStep implements engine.Workflows.
func (e *store) AcquireStep(ctx context.Context, token model.RunToken, name string, maxFailures int32) (step model.WorkflowStep, begun bool, err error) {
	err = e.write(ctx, 1, func(t *tx) error {
		begun = false
		if err := t.mustRun(token, engine.RefuseWrite); err != nil {
			return err
		}
		var found bool
		var err error
		step, found, err = selectOne(t.conn, "step_by_name", scanStep, token.RunID, name)
		if err != nil || step.Status == model.WorkflowSuccess {
			return err
		}
		if found {
			wait := max(0, step.RetryAt.Sub(instant(t.now)))
			if err := engine.RefuseStep(step, maxFailures, wait); err != nil {
				return err
			}
		}
		step, begun, err = selectOne(t.conn, "step_begin", scanStep, token.RunID, name, t.now)
		return err
	})
	if err != nil {
		return model.WorkflowStep{}, false, err
	}
	return step, begun, nil
}

// FinishStep implements engine.Workflows.
func (e *store) FinishStep(ctx context.Context, token model.RunToken, name string, f engine.StepFinish) (step model.WorkflowStep, err error) {
	err = e.write(ctx, 1, func(t *tx) error {
		if err := t.mustRun(token, engine.RefuseOutcome); err != nil {
			return err
		}
		before, _, err := selectOne(t.conn, "step_by_name", scanStep, token.RunID, name)
		if err != nil {
			return err
		}
		if before.Status != model.WorkflowRunning {
			before.RunID = token.RunID
			return engine.RefuseStepFinish(before, name)
		}
		var retryAt any // NULL
		if f.Status() == model.WorkflowQueued {
			retryAt = t.now + micros(f.Delay)
		}
		step, _, err = selectOne(t.conn, "step_finish", scanStep,
			before.ID, t.now, string(f.Status()), jsonArg(f.Output), f.Error, retryAt)
		return err
	})
	return step, err
}

// mustRun fails unless an execution may write.
func (t *tx) mustRun(token model.RunToken, refuse func(model.WorkflowRun, model.RunToken) error) error {
	run, err := runByID(t.conn, token.RunID)
	if err != nil {
		return err
	}
	return refuse(run, token)
}

// GetRun implements engine.Workflows.
func (e *store) GetRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return find(ctx, e, "run_by_id", scanRun, engine.RunNotFound(id), id)
}

// ListRuns implements engine.Workflows.
func (e *store) ListRuns(ctx context.Context, f engine.RunFilter, page model.Page) ([]model.WorkflowRun, error) {
	limit, offset := pageArgs(page)
	return collect(ctx, e, "run_list", scanRun, f.WorkflowID, string(f.Status), limit, offset)
}

// CountRuns implements engine.Workflows.
func (e *store) CountRuns(ctx context.Context, f engine.RunFilter) (int64, error) {
	return e.count(ctx, "run_count", f.WorkflowID, string(f.Status))
}

// GetStep implements engine.Workflows.
func (e *store) GetStep(ctx context.Context, id int64) (model.WorkflowStep, error) {
	return find(ctx, e, "step_by_id", scanStep, engine.StepNotFound(id), id)
}

// ListSteps implements engine.Workflows.
func (e *store) ListSteps(ctx context.Context, runID int64, page model.Page) ([]model.WorkflowStep, error) {
	limit, offset := pageArgs(page)
	return collect(ctx, e, "step_list", scanStep, runID, limit, offset)
}

// CountSteps implements engine.Workflows.
func (e *store) CountSteps(ctx context.Context, runID int64) (int64, error) {
	return e.count(ctx, "step_count", runID)
}

// runByID finds a run or fails.
func runByID(c *conn, id int64) (model.WorkflowRun, error) {
	r, found, err := selectOne(c, "run_by_id", scanRun, id)
	if err == nil && !found {
		err = engine.RunNotFound(id)
	}
	return r, err
}

// find reads the one row of a look-up, or fails with missing.
func find[T any](ctx context.Context, e *store, name string, scan func(*sqlite3.Stmt) T, missing error, key any) (row T, err error) {
	err = e.read(ctx, func(c *conn) error {
		var found bool
		var err error
		row, found, err = selectOne(c, name, scan, key)
		if err == nil && !found {
			err = missing
		}
		return err
	})
	return row, err
}

// collect reads the rows of a listing.
func collect[T any](ctx context.Context, e *store, name string, scan func(*sqlite3.Stmt) T, args ...any) (list []T, err error) {
	err = e.read(ctx, func(c *conn) (err error) {
		list, err = selectAll(c, name, scan, args...)
		return err
	})
	return list, err
}

// jsonArg is an optional JSON document as a parameter.
func jsonArg(d []byte) any {
	if d == nil {
		return nil
	}
	return string(d)
}

func scanWorkflow(row *sqlite3.Stmt) model.WorkflowInfo {
	return model.WorkflowInfo{
		ID: row.ColumnInt64(0), Name: row.ColumnText(1), QueueID: row.ColumnInt64(2), CreatedAt: instant(row.ColumnInt64(3)),
	}
}

func scanRun(row *sqlite3.Stmt) model.WorkflowRun {
	return model.WorkflowRun{
		ID: row.ColumnInt64(0), WorkflowID: row.ColumnInt64(1), WorkflowName: row.ColumnText(2), QueueID: row.ColumnInt64(3),
		MessageID: row.ColumnInt64(4), Status: model.WorkflowStatus(row.ColumnText(5)), Attempt: int32(row.ColumnInt64(6)),
		Input: row.ColumnBlob(7, nil), Output: row.ColumnBlob(8, nil), Error: row.ColumnText(9),
		CreatedAt: instant(row.ColumnInt64(10)), StartedAt: instant(row.ColumnInt64(11)), UpdatedAt: instant(row.ColumnInt64(12)),
		PausedAt: instant(row.ColumnInt64(13)), CompletedAt: instant(row.ColumnInt64(14)),
	}
}

func scanStep(row *sqlite3.Stmt) model.WorkflowStep {
	return model.WorkflowStep{
		ID: row.ColumnInt64(0), RunID: row.ColumnInt64(1), Name: row.ColumnText(2), Status: model.WorkflowStatus(row.ColumnText(3)),
		Attempt: int32(row.ColumnInt64(4)), Failures: int32(row.ColumnInt64(5)),
		Output: row.ColumnBlob(6, nil), Error: row.ColumnText(7), RetryAt: instant(row.ColumnInt64(8)),
		CreatedAt: instant(row.ColumnInt64(9)), StartedAt: instant(row.ColumnInt64(10)), UpdatedAt: instant(row.ColumnInt64(11)),
		CompletedAt: instant(row.ColumnInt64(12)),
	}
}
