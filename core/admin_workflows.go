package core

import (
	"context"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

// RunFilter selects workflow runs; zero fields do not restrict.
type RunFilter struct {
	Workflow string
	Status   model.WorkflowStatus
}

// CreateWorkflow adds a workflow and the queue of the same name that carries its
// runs, together. maxReadCt is the queue's, as in CreateQueue. Errors:
// fault.WorkflowExists; fault.QueueExists when only the queue's name is taken.
func (a *Admin) CreateWorkflow(ctx context.Context, name string, maxReadCt int32) (model.WorkflowInfo, error) {
	return ask(a, "create_workflow", "", func(e engine.Engine) (model.WorkflowInfo, error) {
		if err := validate.Workflow(name); err != nil {
			return model.WorkflowInfo{}, err
		}
		if err := validate.MaxReadCt(int(maxReadCt)); err != nil {
			return model.WorkflowInfo{}, err
		}
		if maxReadCt == 0 {
			maxReadCt = int32(a.s.b.cfg.MaxReadCt)
		}
		return e.CreateWorkflow(ctx, name, maxReadCt)
	})
}

// GetWorkflow finds a workflow. Errors: fault.WorkflowNotFound.
func (a *Admin) GetWorkflow(ctx context.Context, name string) (model.WorkflowInfo, error) {
	return ask(a, "get_workflow", "", func(e engine.Engine) (model.WorkflowInfo, error) {
		if err := validate.Workflow(name); err != nil {
			return model.WorkflowInfo{}, err
		}
		return e.GetWorkflow(ctx, name)
	})
}

// GetWorkflowByID finds a workflow by its id. Errors: fault.WorkflowNotFound.
func (a *Admin) GetWorkflowByID(ctx context.Context, id int64) (model.WorkflowInfo, error) {
	return ask(a, "get_workflow", "", func(e engine.Engine) (model.WorkflowInfo, error) { return e.GetWorkflowByID(ctx, id) })
}

// ListWorkflows lists workflows by id.
func (a *Admin) ListWorkflows(ctx context.Context, page model.Page) ([]model.WorkflowInfo, error) {
	return ask(a, "list_workflows", "", func(e engine.Engine) ([]model.WorkflowInfo, error) {
		if err := checkPage(page); err != nil {
			return nil, err
		}
		return e.ListWorkflows(ctx, page)
	})
}

// CountWorkflows counts the workflows.
func (a *Admin) CountWorkflows(ctx context.Context) (int64, error) {
	return ask(a, "count_workflows", "", func(e engine.Engine) (int64, error) { return e.CountWorkflows(ctx) })
}

// GetRun finds a workflow run. Errors: fault.WorkflowNotFound.
func (a *Admin) GetRun(ctx context.Context, id int64) (model.WorkflowRun, error) {
	return ask(a, "get_run", "", func(e engine.Engine) (model.WorkflowRun, error) { return e.GetRun(ctx, id) })
}

// ListRuns lists workflow runs by id. Errors: fault.WorkflowNotFound.
func (a *Admin) ListRuns(ctx context.Context, f RunFilter, page model.Page) ([]model.WorkflowRun, error) {
	return ask(a, "list_runs", "", func(e engine.Engine) ([]model.WorkflowRun, error) {
		if err := checkPage(page); err != nil {
			return nil, err
		}
		filter, err := f.resolve(ctx, e)
		if err != nil {
			return nil, err
		}
		return e.ListRuns(ctx, filter, page)
	})
}

// CountRuns counts workflow runs. Errors: fault.WorkflowNotFound.
func (a *Admin) CountRuns(ctx context.Context, f RunFilter) (int64, error) {
	return ask(a, "count_runs", "", func(e engine.Engine) (int64, error) {
		filter, err := f.resolve(ctx, e)
		if err != nil {
			return 0, err
		}
		return e.CountRuns(ctx, filter)
	})
}

// resolve checks a filter and turns its name into an id.
func (f RunFilter) resolve(ctx context.Context, e engine.Engine) (engine.RunFilter, error) {
	switch f.Status {
	case "", model.WorkflowQueued, model.WorkflowRunning, model.WorkflowPaused,
		model.WorkflowSuccess, model.WorkflowError, model.WorkflowCancelled:
	default:
		return engine.RunFilter{}, fault.Argument("status",
			"is none of queued, running, paused, success, error and cancelled")
	}
	filter := engine.RunFilter{Status: f.Status}
	if f.Workflow == "" {
		return filter, nil
	}
	info, err := e.GetWorkflow(ctx, f.Workflow)
	filter.WorkflowID = info.ID
	return filter, err
}

// GetStep finds a step of a run by its id. Errors: fault.WorkflowNotFound.
func (a *Admin) GetStep(ctx context.Context, id int64) (model.WorkflowStep, error) {
	return ask(a, "get_step", "", func(e engine.Engine) (model.WorkflowStep, error) { return e.GetStep(ctx, id) })
}

// ListSteps lists the steps of a run in the order in which they were first begun,
// or, for 0, of all runs.
func (a *Admin) ListSteps(ctx context.Context, runID int64, page model.Page) ([]model.WorkflowStep, error) {
	return ask(a, "list_steps", "", func(e engine.Engine) ([]model.WorkflowStep, error) {
		if err := checkPage(page); err != nil {
			return nil, err
		}
		return e.ListSteps(ctx, runID, page)
	})
}

// CountSteps counts the steps of a run, or, for 0, of all runs.
func (a *Admin) CountSteps(ctx context.Context, runID int64) (int64, error) {
	return ask(a, "count_steps", "", func(e engine.Engine) (int64, error) { return e.CountSteps(ctx, runID) })
}
