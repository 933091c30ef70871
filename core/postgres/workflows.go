package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// CreateWorkflow implements engine.Workflows.
func (s *store) CreateWorkflow(ctx context.Context, name string, maxReadCt int32) (model.WorkflowInfo, error) {
	var made, there []model.WorkflowInfo
	err := s.write(ctx,
		s.step("CreateWorkflow", each(&made, scanWorkflow), name, maxReadCt),
		s.step("GetWorkflow", each(&there, scanWorkflow), name))
	if err != nil {
		return model.WorkflowInfo{}, err
	}
	if len(made) == 0 {
		return model.WorkflowInfo{}, engine.WorkflowTaken(name, len(there) > 0)
	}
	return made[0], nil
}

// GetWorkflow implements engine.Workflows.
func (s *store) GetWorkflow(ctx context.Context, name string) (model.WorkflowInfo, error) {
	return find(ctx, s, "GetWorkflow", scanWorkflow, engine.WorkflowNotFound(name), name)
}

// GetWorkflowByID implements engine.Workflows.
func (s *store) GetWorkflowByID(ctx context.Context, id int64) (model.WorkflowInfo, error) {
	return find(ctx, s, "GetWorkflowByID", scanWorkflow, engine.WorkflowIDNotFound(id), id)
}

// ListWorkflows implements engine.Workflows.
func (s *store) ListWorkflows(ctx context.Context, page model.Page) (list []model.WorkflowInfo, err error) {
	err = s.read(ctx, s.step("ListWorkflows", each(&list, scanWorkflow), pageLimit(page), page.Offset))
	return list, err
}

// CountWorkflows implements engine.Workflows.
func (s *store) CountWorkflows(ctx context.Context) (n int64, err error) {
	err = s.read(ctx, s.step("CountWorkflows", one(&n)))
	return n, err
}

// TriggerRun implements engine.Workflows.
func (s *store) TriggerRun(ctx context.Context, workflow string, input []byte) (run model.WorkflowRun, err error) {
	err = s.transaction(ctx, func(tx pgx.Tx) error {
		var id int64
		switch err := tx.QueryRow(ctx, s.queries.get("InsertRun"), workflow, string(input)).Scan(&id); err {
		case nil:
		case pgx.ErrNoRows:
			return engine.WorkflowNotFound(workflow)
		default:
			return err
		}
		run, err = s.carry(ctx, tx, id)
		return err
	})
	return run, err
}

// ResumeRun implements engine.Workflows.
func (s *store) ResumeRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return s.leaveCarrier(ctx, id, "ResumeRun", "resumed", s.carry)
}

// leaveCarrier moves a run away from the message that carries it, and then does
// what is next. The message of a run that does not move is nobody's to remove.
func (s *store) leaveCarrier(ctx context.Context, id int64, query, verb string,
	next func(context.Context, pgx.Tx, int64) (model.WorkflowRun, error),
) (run model.WorkflowRun, err error) {
	err = s.transaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, s.queries.get(query), id)
		if err != nil {
			return err
		}
		if tag.RowsAffected() > 0 {
			if _, err := tx.Exec(ctx, s.queries.get("DropCarrier"), id); err != nil {
				return err
			}
			run, err = next(ctx, tx, id)
			return err
		}
		if run, err = s.runIn(ctx, tx, id); err != nil {
			return err
		}
		return engine.RefuseMove(run, verb)
	})
	return run, err
}

// carry enqueues the message that carries a queued run and returns the run.
func (s *store) carry(ctx context.Context, tx pgx.Tx, id int64) (model.WorkflowRun, error) {
	tag, err := tx.Exec(ctx, s.queries.get("CarryRun"), id)
	if err != nil {
		return model.WorkflowRun{}, err
	}
	run, err := s.runIn(ctx, tx, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = queueNameNotFound(run.WorkflowName)
	}
	return run, err
}

func (s *store) runIn(ctx context.Context, tx pgx.Tx, id int64) (model.WorkflowRun, error) {
	rows, err := tx.Query(ctx, s.queries.get("GetRun"), id)
	if err != nil {
		return model.WorkflowRun{}, err
	}
	var found []model.WorkflowRun
	err = each(&found, scanRun)(rows)
	rows.Close()
	switch {
	case err != nil:
		return model.WorkflowRun{}, err
	case rows.Err() != nil:
		return model.WorkflowRun{}, rows.Err()
	case len(found) == 0:
		return model.WorkflowRun{}, engine.RunNotFound(id)
	}
	return found[0], nil
}

// StartRun implements engine.Workflows.
func (s *store) StartRun(ctx context.Context, id, messageID int64) (model.WorkflowRun, error) {
	return s.moveRun(ctx, id, func(r model.WorkflowRun) error { return engine.RefuseStart(r, messageID) },
		"StartRun", id, messageID)
}

// FinishRun implements engine.Workflows.
func (s *store) FinishRun(ctx context.Context, t model.RunToken, f engine.RunFinish) (model.WorkflowRun, error) {
	return s.moveRun(ctx, t.RunID, func(r model.WorkflowRun) error { return engine.RefuseWrite(r, t) },
		"FinishRun", t.RunID, t.Attempt, document(f.Output), f.Error)
}

// PauseRun implements engine.Workflows.
func (s *store) PauseRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return s.moveRun(ctx, id, func(r model.WorkflowRun) error { return engine.RefuseMove(r, "paused") }, "PauseRun", id)
}

// CancelRun implements engine.Workflows.
func (s *store) CancelRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return s.leaveCarrier(ctx, id, "CancelRun", "cancelled", s.runIn)
}

// moveRun runs a guarded update and returns the run, or why it did not move.
func (s *store) moveRun(ctx context.Context, id int64, why func(model.WorkflowRun) error, query string, args ...any) (model.WorkflowRun, error) {
	var moved int64
	var found []model.WorkflowRun
	err := s.write(ctx, s.step(query, affected(&moved), args...), s.step("GetRun", each(&found, scanRun), id))
	switch {
	case err != nil:
		return model.WorkflowRun{}, err
	case len(found) == 0:
		return model.WorkflowRun{}, engine.RunNotFound(id)
	case moved == 0:
		return model.WorkflowRun{}, refusal(why(found[0]), found[0])
	}
	return found[0], nil
}

// refusal is why, or what is left to say when the state that refused a guarded
// update was gone at the look at it.
func refusal(why error, r model.WorkflowRun) error {
	if why == nil {
		return stateTransition("Workflow run %d changed meanwhile: try again", r.ID)
	}
	return why
}

// AcquireStep implements engine.Workflows.
func (s *store) AcquireStep(ctx context.Context, t model.RunToken, name string, maxFailures int32) (model.WorkflowStep, bool, error) {
	var begun int64
	var wait float64
	// The wait is read first: of a step that is too early a moment later it is more than 0.
	step, run, err := s.writeStep(ctx, t, name,
		s.step("StepWait", one(&wait), t.RunID, name),
		s.step("AcquireStep", affected(&begun), t.RunID, t.Attempt, name, maxFailures))
	switch {
	case err != nil:
		return model.WorkflowStep{}, false, err
	case begun > 0:
		return step, true, nil
	}
	if err := engine.RefuseWrite(run, t); err != nil {
		return model.WorkflowStep{}, false, err
	}
	if step.Status == model.WorkflowSuccess {
		return step, false, nil
	}
	return model.WorkflowStep{}, false, refusal(engine.RefuseStep(step, maxFailures, time.Duration(wait*float64(time.Second))), run)
}

// FinishStep implements engine.Workflows.
func (s *store) FinishStep(ctx context.Context, t model.RunToken, name string, f engine.StepFinish) (model.WorkflowStep, error) {
	var done int64
	step, run, err := s.writeStep(ctx, t, name,
		s.step("FinishStep", affected(&done), t.RunID, t.Attempt, name, string(f.Status()), document(f.Output), f.Error, seconds(f.Delay)))
	switch {
	case err != nil:
		return model.WorkflowStep{}, err
	case done > 0:
		return step, nil
	}
	if err := engine.RefuseOutcome(run, t); err != nil {
		return model.WorkflowStep{}, err
	}
	step.RunID = t.RunID
	return model.WorkflowStep{}, engine.RefuseStepFinish(step, name)
}

// writeStep runs a guarded write and reads the step, if there is one, and its run
// after it.
func (s *store) writeStep(ctx context.Context, t model.RunToken, name string, writing ...step) (model.WorkflowStep, model.WorkflowRun, error) {
	var steps []model.WorkflowStep
	var runs []model.WorkflowRun
	err := s.write(ctx, append(writing,
		s.step("GetStepByName", each(&steps, scanStep), t.RunID, name),
		s.step("GetRun", each(&runs, scanRun), t.RunID))...)
	if err == nil && len(runs) == 0 {
		err = engine.RunNotFound(t.RunID)
	}
	if err != nil {
		return model.WorkflowStep{}, model.WorkflowRun{}, err
	}
	if len(steps) == 0 {
		return model.WorkflowStep{}, runs[0], nil
	}
	return steps[0], runs[0], nil
}

// GetRun implements engine.Workflows.
func (s *store) GetRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return find(ctx, s, "GetRun", scanRun, engine.RunNotFound(id), id)
}

// ListRuns implements engine.Workflows.
func (s *store) ListRuns(ctx context.Context, f engine.RunFilter, page model.Page) (list []model.WorkflowRun, err error) {
	err = s.read(ctx, s.step("ListRuns", each(&list, scanRun), f.WorkflowID, string(f.Status), pageLimit(page), page.Offset))
	return list, err
}

// CountRuns implements engine.Workflows.
func (s *store) CountRuns(ctx context.Context, f engine.RunFilter) (n int64, err error) {
	err = s.read(ctx, s.step("CountRuns", one(&n), f.WorkflowID, string(f.Status)))
	return n, err
}

// GetStep implements engine.Workflows.
func (s *store) GetStep(ctx context.Context, id int64) (model.WorkflowStep, error) {
	return find(ctx, s, "GetStep", scanStep, engine.StepNotFound(id), id)
}

// ListSteps implements engine.Workflows.
func (s *store) ListSteps(ctx context.Context, runID int64, page model.Page) (list []model.WorkflowStep, err error) {
	err = s.read(ctx, s.step("ListSteps", each(&list, scanStep), runID, pageLimit(page), page.Offset))
	return list, err
}

// CountSteps implements engine.Workflows.
func (s *store) CountSteps(ctx context.Context, runID int64) (n int64, err error) {
	err = s.read(ctx, s.step("CountSteps", one(&n), runID))
	return n, err
}

// find reads the one row of a look-up, or fails with missing.
func find[T any](ctx context.Context, s *store, query string, scan func(pgx.Rows) (T, error), missing error, key any) (T, error) {
	var found []T
	var none T
	if err := s.read(ctx, s.step(query, each(&found, scan), key)); err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, missing
	}
	return found[0], nil
}

// document is an optional JSON document as an argument.
func document(d []byte) *string {
	if d == nil {
		return nil
	}
	text := string(d)
	return &text
}

func scanWorkflow(rows pgx.Rows) (model.WorkflowInfo, error) {
	var w model.WorkflowInfo
	var created pgtype.Timestamptz
	err := rows.Scan(&w.ID, &w.Name, &w.QueueID, &created)
	w.CreatedAt = utc(created)
	return w, err
}

func scanRun(rows pgx.Rows) (model.WorkflowRun, error) {
	var r model.WorkflowRun
	var message pgtype.Int8
	var problem pgtype.Text
	var created, started, updated, paused, completed pgtype.Timestamptz
	err := rows.Scan(&r.ID, &r.WorkflowID, &r.WorkflowName, &r.QueueID, &message, (*string)(&r.Status), &r.Attempt,
		&r.Input, &r.Output, &problem, &created, &started, &updated, &paused, &completed)
	r.MessageID, r.Error = message.Int64, problem.String
	r.CreatedAt, r.StartedAt, r.UpdatedAt, r.PausedAt, r.CompletedAt = utc(created), utc(started), utc(updated), utc(paused), utc(completed)
	return r, err
}

func scanStep(rows pgx.Rows) (model.WorkflowStep, error) {
	var s model.WorkflowStep
	var problem pgtype.Text
	var retry, created, started, updated, completed pgtype.Timestamptz
	err := rows.Scan(&s.ID, &s.RunID, &s.Name, (*string)(&s.Status), &s.Attempt, &s.Failures, &s.Output, &problem, &retry,
		&created, &started, &updated, &completed)
	s.Error = problem.String
	s.RetryAt, s.CreatedAt, s.StartedAt, s.UpdatedAt, s.CompletedAt = utc(retry), utc(created), utc(started), utc(updated), utc(completed)
	return s, err
}
