/*
 * shim_workflows.c - the public functions of workflows, their runs and steps.
 */
#include "_cgo_export.h"
#include "shim.h"

/* ---- Workflows ----------------------------------------------------------- */

int32_t pgqrs_workflow_create(pgqrs_handle store, const pgqrs_str *workflow, const pgqrs_queue_options *options,
                              pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_queue_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(workflow, "workflow", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goWorkflowCreate(store, workflow, &o, &s));
    return st;
}

int32_t pgqrs_workflow_get(pgqrs_handle store, const pgqrs_str *workflow, pgqrs_handle cq, uint64_t user_data,
                           pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(workflow, "workflow", error));
    THEN(st, goWorkflowGet(store, workflow, &s));
    return st;
}

int32_t pgqrs_workflow_by_id(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                             pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkflowById(store, id, &s));
    return st;
}

int32_t pgqrs_workflow_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                            pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkflowList(store, &o, &s));
    return st;
}

int32_t pgqrs_workflow_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                             uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkflowCount(store, &o, &s));
    return st;
}

/* ---- Runs ---------------------------------------------------------------- */

int32_t pgqrs_run_trigger(pgqrs_handle store, const pgqrs_str *workflow, const pgqrs_str *input, pgqrs_handle cq,
                          uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(workflow, "workflow", error));
    THEN(st, shim_need_text(input, "input", error));
    THEN(st, goRunTrigger(store, workflow, input, &s));
    return st;
}

int32_t pgqrs_run_start(pgqrs_handle store, int64_t run_id, int64_t message_id, pgqrs_handle cq, uint64_t user_data,
                        pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goRunStart(store, run_id, message_id, &s));
    return st;
}

int32_t pgqrs_run_complete(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *output,
                           pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(output, "output", error));
    THEN(st, goRunComplete(store, run_id, attempt, output, &s));
    return st;
}

int32_t pgqrs_run_fail(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *reason, pgqrs_handle cq,
                       uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(reason, "reason", error));
    THEN(st, goRunFail(store, run_id, attempt, reason, &s));
    return st;
}

int32_t pgqrs_run_pause(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                        pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goRunPause(store, run_id, &s));
    return st;
}

int32_t pgqrs_run_resume(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                         pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goRunResume(store, run_id, &s));
    return st;
}

int32_t pgqrs_run_cancel(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                         pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goRunCancel(store, run_id, &s));
    return st;
}

int32_t pgqrs_run_get(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                      pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goRunGet(store, run_id, &s));
    return st;
}

int32_t pgqrs_run_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                       pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goRunList(store, &o, &s));
    return st;
}

int32_t pgqrs_run_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                        pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goRunCount(store, &o, &s));
    return st;
}

/* ---- Steps --------------------------------------------------------------- */

int32_t pgqrs_step_acquire(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                           int32_t max_attempts, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                           pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(step, "step", error));
    THEN(st, goStepAcquire(store, run_id, attempt, step, max_attempts, &s));
    return st;
}

int32_t pgqrs_step_complete(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                            const pgqrs_str *output, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                            pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(step, "step", error));
    THEN(st, shim_need_text(output, "output", error));
    THEN(st, goStepComplete(store, run_id, attempt, step, output, &s));
    return st;
}

int32_t pgqrs_step_fail(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                        const pgqrs_str *reason, int64_t retry_ms, pgqrs_handle cq, uint64_t user_data,
                        pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(step, "step", error));
    THEN(st, shim_need_text(reason, "reason", error));
    THEN(st, goStepFail(store, run_id, attempt, step, reason, retry_ms, &s));
    return st;
}

int32_t pgqrs_step_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                       pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStepGet(store, id, &s));
    return st;
}

int32_t pgqrs_step_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                        pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goStepList(store, &o, &s));
    return st;
}

int32_t pgqrs_step_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                         pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goStepCount(store, &o, &s));
    return st;
}
