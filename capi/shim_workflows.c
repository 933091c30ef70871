/*
 * shim_workflows.c - the public functions of workflows, their runs and steps.
 */
#include "_cgo_export.h"
#include "shim_forms.h"

/* ---- Workflows ----------------------------------------------------------- */

SHIM_NEW(pgqrs_workflow_create, goWorkflowCreate, "workflow", pgqrs_queue_options, PGQRS_OK)
SHIM_BY_NAME(pgqrs_workflow_get, goWorkflowGet, "workflow")
SHIM_BY_ID(pgqrs_workflow_by_id, goWorkflowById)
SHIM_ROWS(pgqrs_workflow_list, goWorkflowList)
SHIM_ROWS(pgqrs_workflow_count, goWorkflowCount)

/* ---- Runs ---------------------------------------------------------------- */

int32_t pgqrs_run_trigger(pgqrs_handle store, const pgqrs_str *workflow, const pgqrs_str *input, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(workflow, "workflow", error));
    THEN(st, shim_need_text(input, "input", error));
    THEN(st, goRunTrigger(store, workflow, input, &s));
    return st;
}

int32_t pgqrs_run_start(pgqrs_handle store, int64_t run_id, int64_t message_id, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goRunStart(store, run_id, message_id, &s));
    return st;
}

int32_t pgqrs_run_complete(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *output,
                           SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(output, "output", error));
    THEN(st, goRunComplete(store, run_id, attempt, output, &s));
    return st;
}

int32_t pgqrs_run_fail(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *reason, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(reason, "reason", error));
    THEN(st, goRunFail(store, run_id, attempt, reason, &s));
    return st;
}

SHIM_BY_ID(pgqrs_run_pause, goRunPause)
SHIM_BY_ID(pgqrs_run_resume, goRunResume)
SHIM_BY_ID(pgqrs_run_cancel, goRunCancel)
SHIM_BY_ID(pgqrs_run_get, goRunGet)
SHIM_ROWS(pgqrs_run_list, goRunList)
SHIM_ROWS(pgqrs_run_count, goRunCount)

/* ---- Steps --------------------------------------------------------------- */

int32_t pgqrs_step_acquire(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                           int32_t max_attempts, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(step, "step", error));
    THEN(st, goStepAcquire(store, run_id, attempt, step, max_attempts, &s));
    return st;
}

int32_t pgqrs_step_complete(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                            const pgqrs_str *output, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(step, "step", error));
    THEN(st, shim_need_text(output, "output", error));
    THEN(st, goStepComplete(store, run_id, attempt, step, output, &s));
    return st;
}

int32_t pgqrs_step_fail(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                        const pgqrs_str *reason, int64_t retry_ms, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(step, "step", error));
    THEN(st, shim_need_text(reason, "reason", error));
    THEN(st, goStepFail(store, run_id, attempt, step, reason, retry_ms, &s));
    return st;
}

SHIM_BY_ID(pgqrs_step_get, goStepGet)
SHIM_ROWS(pgqrs_step_list, goStepList)
SHIM_ROWS(pgqrs_step_count, goStepCount)
