/*
 * shim.c - the public functions of the library itself, of results and of the
 * completion queue. Each checks the fork and poison flags and its pointers, and
 * enters Go. What only reads or frees what is already there works on a poisoned
 * library too, so that the failure itself can be read.
 */
#include "_cgo_export.h"
#include "shim_forms.h"

/* ---- Library ------------------------------------------------------------------ */

int32_t pgqrs_runtime_wait(void) {
    int32_t st = guard_check();
    THEN(st, goRuntimeWait()); /* cgo holds it until the runtime is up and every Go init has run */
    return st;
}

int32_t pgqrs_shutdown_wait(int64_t timeout_ms) {
    int32_t st = guard_check();
    THEN(st, goShutdownWait(timeout_ms));
    return st;
}

int32_t pgqrs_close(pgqrs_handle handle) {
    int32_t st = guard_process();
    if (handle != 0) THEN(st, goClose(handle));
    return st;
}

/* ---- Errors and results ------------------------------------------------------- */

int32_t pgqrs_error_info(pgqrs_handle error, pgqrs_error_detail *detail) {
    pgqrs_error_detail ours;
    uint32_t given = 0;
    int32_t st = guard_process();
    if (st == PGQRS_OK && detail) given = detail->struct_size;
    if (st == PGQRS_OK && given < sizeof given) st = PGQRS_E_INVALID_ARGUMENT;
    THEN(st, goErrorInfo(error, &ours));
    if (st == PGQRS_OK) {
        memset(detail, 0, given); /* a newer caller reads "absent" where we know nothing */
        memcpy(detail, &ours, given < sizeof ours ? given : sizeof ours);
        detail->struct_size = given;
    }
    return st;
}

SHIM_READ(pgqrs_result_ids, goResultIds, pgqrs_list, ids, guard_process)

int32_t pgqrs_result_failure(pgqrs_handle result, uint32_t index, pgqrs_handle *error) {
    int32_t st = guard_process();
    THEN(st, shim_out(error, sizeof *error, "error", NULL));
    THEN(st, goResultFailure(result, index, error));
    return st;
}

SHIM_READ(pgqrs_result_messages, goResultMessages, pgqrs_list, messages, guard_process)
SHIM_READ(pgqrs_result_outcomes, goResultOutcomes, pgqrs_list, outcomes, guard_process)
SHIM_READ(pgqrs_result_tokens, goResultTokens, pgqrs_list, tokens, guard_process)
SHIM_READ(pgqrs_result_json, goResultJson, pgqrs_str, document, guard_process)

int32_t pgqrs_result_discard(pgqrs_handle result) {
    int32_t st = guard_process();
    if (result != 0) THEN(st, goResultDiscard(result));
    return st;
}

/* ---- Completion queue ---------------------------------------------------------- */

int32_t pgqrs_cq_open(const pgqrs_cq_options *options, pgqrs_handle *cq) {
    pgqrs_cq_options o;
    int32_t st = guard_check();
    THEN(st, shim_out(cq, sizeof *cq, "cq", NULL));
    THEN(st, SHIM_OPTIONS(&o, options, NULL));
    THEN(st, goCqOpen(&o, cq));
    return st;
}

SHIM_READ(pgqrs_cq_fd, goCqFd, int32_t, fd, guard_process)

int32_t pgqrs_cq_poll(pgqrs_handle cq, pgqrs_completion *out, uint32_t cap) {
    int32_t st = guard_process();
    THEN(st, shim_array(out, cap, "out", NULL));
    THEN(st, goCqPoll(cq, out, cap));
    return st;
}

int32_t pgqrs_cq_wait(pgqrs_handle cq, int64_t timeout_ms) {
    int32_t st = guard_process();
    THEN(st, goCqWait(cq, timeout_ms));
    return st;
}

int32_t pgqrs_op_cancel(pgqrs_handle op) {
    int32_t st = guard_check();
    THEN(st, goOpCancel(op));
    return st;
}

int32_t pgqrs_cq_nop(SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goCqNop(&s));
    return st;
}

/* ---- Log ------------------------------------------------------------------------ */

int32_t pgqrs_log_subscribe(int32_t level, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goLogSubscribe(level, &s));
    return st;
}
