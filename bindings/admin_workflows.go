package bindings

import "context"

// RunFilter selects runs; zero fields do not restrict.
type RunFilter struct {
	Workflow string
	Status   WorkflowStatus
}

func (f RunFilter) rows(page Page) rows {
	return rows{Filter: Filter{Queue: f.Workflow}, status: f.Status, page: page}
}

// CreateWorkflow creates a workflow and its queue, together. maxReadCt as for
// CreateQueue. Errors: WorkflowExists, QueueExists.
func (a *Admin) CreateWorkflow(ctx context.Context, name string, maxReadCt int32) (WorkflowInfo, error) {
	return ask(ctx, a.object, readRecord[WorkflowInfo], a.created(a.lib.workflowCreate, name, maxReadCt))
}

// GetWorkflow finds a workflow. Errors: WorkflowNotFound.
func (a *Admin) GetWorkflow(ctx context.Context, name string) (WorkflowInfo, error) {
	return ask(ctx, a.object, readRecord[WorkflowInfo], a.name(a.lib.workflowGet, name))
}

// GetWorkflowByID finds a workflow by its id. Errors: WorkflowNotFound.
func (a *Admin) GetWorkflowByID(ctx context.Context, id int64) (WorkflowInfo, error) {
	return ask(ctx, a.object, readRecord[WorkflowInfo], a.id(a.lib.workflowByID, id))
}

// ListWorkflows lists workflows by id.
func (a *Admin) ListWorkflows(ctx context.Context, page Page) ([]WorkflowInfo, error) {
	return ask(ctx, a.object, readRecord[[]WorkflowInfo], a.rows(a.lib.workflowList, rows{page: page}))
}

// CountWorkflows counts workflows.
func (a *Admin) CountWorkflows(ctx context.Context) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.workflowCount, rows{}))
}

// GetRun finds a run. Errors: WorkflowNotFound.
func (a *Admin) GetRun(ctx context.Context, id int64) (WorkflowRun, error) {
	return ask(ctx, a.object, readRecord[WorkflowRun], a.id(a.lib.runGet, id))
}

// ListRuns lists runs by id. Errors: WorkflowNotFound.
func (a *Admin) ListRuns(ctx context.Context, f RunFilter, page Page) ([]WorkflowRun, error) {
	return ask(ctx, a.object, readRecord[[]WorkflowRun], a.rows(a.lib.runList, f.rows(page)))
}

// CountRuns counts runs. Errors: WorkflowNotFound.
func (a *Admin) CountRuns(ctx context.Context, f RunFilter) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.runCount, f.rows(Page{})))
}

// GetStep finds a step. Errors: WorkflowNotFound.
func (a *Admin) GetStep(ctx context.Context, id int64) (WorkflowStep, error) {
	return ask(ctx, a.object, readRecord[WorkflowStep], a.id(a.lib.stepGet, id))
}

// ListSteps lists the steps of a run, or with 0 of every run, in the order in which
// they were first begun.
func (a *Admin) ListSteps(ctx context.Context, runID int64, page Page) ([]WorkflowStep, error) {
	return ask(ctx, a.object, readRecord[[]WorkflowStep], a.rows(a.lib.stepList, rows{run: runID, page: page}))
}

// CountSteps counts the steps of a run, or with 0 of every run.
func (a *Admin) CountSteps(ctx context.Context, runID int64) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.stepCount, rows{run: runID}))
}
