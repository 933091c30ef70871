/* workflows.c DSN - workflows, runs and steps: every function once, and its JSON. */
#include "check.h"

static pgqrs_handle cq;

/* The number after `"key":` in a document. */
static int64_t number(const pgqrs_str *document, const char *key) {
    const char *at = strstr(document->data, key);
    CHECK(at != NULL);
    return strtoll(at + strlen(key), NULL, 10);
}

/* The JSON document of a submitted call must hold a text; its number `key` is returned. */
static int64_t json(int32_t submitted, const char *want, const char *key) {
    pgqrs_handle result = take_ok(cq, submitted);
    pgqrs_str document;
    int64_t found = 0;
    OK(pgqrs_result_json(result, &document));
    if (!strstr(document.data, want)) {
        fprintf(stderr, "%s\n  does not hold %s\n", document.data, want);
        exit(1);
    }
    if (key) found = number(&document, key);
    OK(pgqrs_close(result));
    return found;
}

/* A submitted call must fail; how long to wait is returned. */
static int64_t fails(int32_t submitted, int32_t status) {
    pgqrs_completion done = take(cq, submitted);
    pgqrs_error_detail detail;
    int64_t wait;
    EXPECT(status, done.status);
    PGQRS_INIT(&detail);
    OK(pgqrs_error_info(done.error, &detail));
    wait = detail.retry_after_ms;
    OK(pgqrs_close(done.error));
    return wait;
}

int main(int argc, char **argv) {
    pgqrs_handle store, error = 0;
    pgqrs_str orders = pgqrs_cstr("orders"), missing = pgqrs_cstr("missing"), input = pgqrs_cstr("{\"n\":1}");
    pgqrs_str charge = pgqrs_cstr("charge"), ship = pgqrs_cstr("ship"), output = pgqrs_cstr("[7]");
    pgqrs_str broken = pgqrs_cstr("["), reason = pgqrs_cstr("busy");
    pgqrs_queue_options queue_options;
    pgqrs_table_options options;
    int64_t id, run, message, step, wait;

    CHECK(argc == 2);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);

    PGQRS_INIT(&queue_options);
    queue_options.max_read_ct = 9;
    id = json(pgqrs_workflow_create(store, &orders, &queue_options, cq, 1, NULL, NULL), "\"queue_id\":", "\"id\":");
    json(pgqrs_queue_get(store, &orders, cq, 1, NULL, NULL), "\"max_read_ct\":9", NULL);
    fails(pgqrs_workflow_create(store, &orders, NULL, cq, 1, NULL, NULL), PGQRS_E_WORKFLOW_EXISTS);
    json(pgqrs_workflow_get(store, &orders, cq, 1, NULL, NULL), "\"name\":\"orders\"", NULL);
    json(pgqrs_workflow_by_id(store, id, cq, 1, NULL, NULL), "\"name\":\"orders\"", NULL);
    fails(pgqrs_workflow_get(store, &missing, cq, 1, NULL, NULL), PGQRS_E_WORKFLOW_NOT_FOUND);
    json(pgqrs_workflow_list(store, NULL, cq, 1, NULL, NULL), "[{\"id\":", NULL);
    json(pgqrs_workflow_count(store, NULL, cq, 1, NULL, NULL), "{\"count\":1}", NULL);

    run = json(pgqrs_run_trigger(store, &orders, &input, cq, 2, NULL, NULL), "\"status\":\"queued\"", "\"id\":");
    message = json(pgqrs_run_get(store, run, cq, 2, NULL, NULL), "\"attempt\":0,\"input\":{", "\"message_id\":");
    fails(pgqrs_run_trigger(store, &missing, &input, cq, 2, NULL, NULL), PGQRS_E_WORKFLOW_NOT_FOUND);
    fails(pgqrs_run_trigger(store, &orders, &broken, cq, 2, NULL, NULL), PGQRS_E_SERIALIZATION);
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_run_trigger(store, &orders, NULL, cq, 2, NULL, &error));
    fails(pgqrs_run_start(store, run, message + 1000, cq, 2, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    json(pgqrs_run_start(store, run, message, cq, 2, NULL, NULL), "\"attempt\":1", NULL);
    json(pgqrs_run_start(store, run, 0, cq, 2, NULL, NULL), "\"attempt\":2", NULL);

    fails(pgqrs_step_acquire(store, run, 1, &charge, 0, cq, 3, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    step = json(pgqrs_step_acquire(store, run, 2, &charge, 2, cq, 3, NULL, NULL), "{\"result\":\"execute\"", "\"id\":");
    json(pgqrs_step_fail(store, run, 2, &charge, &reason, 60000, cq, 3, NULL, NULL), "\"error\":\"busy\"", NULL);
    wait = fails(pgqrs_step_acquire(store, run, 2, &charge, 2, cq, 3, NULL, NULL), PGQRS_E_STEP_NOT_READY);
    CHECK(wait > 0 && wait <= 60000);
    fails(pgqrs_step_acquire(store, run, 2, &charge, 1, cq, 3, NULL, NULL), PGQRS_E_RETRIES_EXHAUSTED);
    json(pgqrs_step_acquire(store, run, 2, &ship, 0, cq, 3, NULL, NULL), "\"status\":\"running\"", NULL);
    json(pgqrs_run_pause(store, run, cq, 3, NULL, NULL), "\"status\":\"paused\"", NULL);
    fails(pgqrs_run_start(store, run, 0, cq, 3, NULL, NULL), PGQRS_E_PAUSED);
    json(pgqrs_step_complete(store, run, 2, &ship, &output, cq, 3, NULL, NULL), "\"output\":[7]", NULL);
    CHECK(json(pgqrs_run_resume(store, run, cq, 3, NULL, NULL), "\"status\":\"queued\"", "\"message_id\":") > message);
    json(pgqrs_run_start(store, run, 0, cq, 3, NULL, NULL), "\"attempt\":3", NULL);
    json(pgqrs_step_acquire(store, run, 3, &ship, 0, cq, 3, NULL, NULL), "{\"result\":\"skipped\"", NULL);
    json(pgqrs_step_get(store, step, cq, 3, NULL, NULL), "\"failures\":1", NULL);
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error,
             pgqrs_step_fail(store, run, 3, &ship, &reason, -2, cq, 3, NULL, &error));

    PGQRS_INIT(&options);
    options.run_id = run;
    json(pgqrs_step_list(store, &options, cq, 4, NULL, NULL), "\"step_name\":\"ship\"", NULL);
    json(pgqrs_step_count(store, &options, cq, 4, NULL, NULL), "{\"count\":2}", NULL);
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_run_list(store, &options, cq, 4, NULL, &error));
    json(pgqrs_run_complete(store, run, 3, &output, cq, 4, NULL, NULL), "\"status\":\"success\"", NULL);
    fails(pgqrs_run_fail(store, run, 3, &reason, cq, 4, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    run = json(pgqrs_run_trigger(store, &orders, &input, cq, 4, NULL, NULL), "queued", "\"id\":");
    json(pgqrs_run_start(store, run, 0, cq, 4, NULL, NULL), "\"attempt\":1", NULL);
    json(pgqrs_run_fail(store, run, 1, &reason, cq, 4, NULL, NULL), "\"error\":\"busy\"", NULL);
    run = json(pgqrs_run_trigger(store, &orders, &input, cq, 4, NULL, NULL), "queued", "\"id\":");
    json(pgqrs_run_cancel(store, run, cq, 4, NULL, NULL), "\"status\":\"cancelled\"", NULL);
    fails(pgqrs_run_start(store, run, 0, cq, 4, NULL, NULL), PGQRS_E_RUN_CANCELLED);
    PGQRS_INIT(&options);
    options.queue = orders;
    json(pgqrs_run_count(store, &options, cq, 4, NULL, NULL), "{\"count\":3}", NULL);
    options.status = pgqrs_cstr("error");
    json(pgqrs_run_count(store, &options, cq, 4, NULL, NULL), "{\"count\":1}", NULL);
    json(pgqrs_run_list(store, &options, cq, 4, NULL, NULL), "\"error\":\"busy\"", NULL);

    OK(pgqrs_close(store));
    OK(pgqrs_shutdown_wait(5000));
    return 0;
}
