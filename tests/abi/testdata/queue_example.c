/* A program around a completion queue: what one with an event loop does, without the loop. */
#include <stdio.h>
#include "pgqrs.h"

static int32_t take(pgqrs_handle cq, int32_t submitted, pgqrs_completion *done) {
    int32_t n;
    if (submitted < 0) return submitted;
    while ((n = pgqrs_cq_poll(cq, done, 1)) == 0)
        if ((n = pgqrs_cq_wait(cq, -1)) < 0) return n;
    return n < 0 ? n : done->status;
}

int main(void) {
    pgqrs_handle cq = 0, store, producer;
    pgqrs_completion done;
    pgqrs_store_options options;
    pgqrs_list ids;
    pgqrs_str queue = pgqrs_cstr("tasks"), payload = pgqrs_cstr("{\"n\":1}");
    int32_t st;

    if (pgqrs_abi_version() != PGQRS_ABI_VERSION) return 2;
    if ((st = pgqrs_runtime_wait()) < 0 || (st = pgqrs_cq_open(NULL, &cq)) < 0) goto end;
    PGQRS_INIT(&options);
    options.dsn = pgqrs_cstr("sqlite:///jobs.db");
    if ((st = take(cq, pgqrs_store_open(&options, cq, 1, NULL, NULL), &done)) < 0) goto end;
    store = done.result;
    if ((st = take(cq, pgqrs_store_install(store, cq, 4, NULL, NULL), &done)) < 0) goto end;
    st = take(cq, pgqrs_queue_create(store, &queue, NULL, cq, 5, NULL, NULL), &done);
    pgqrs_close(done.result);
    if (st < 0) goto end;
    if ((st = take(cq, pgqrs_producer_open(store, &queue, NULL, cq, 2, NULL, NULL), &done)) < 0) goto end;
    producer = done.result;
    st = take(cq, pgqrs_enqueue(producer, &payload, 1, NULL, cq, 3, NULL, NULL), &done);
    if (st < 0) goto end;
    if ((st = pgqrs_result_ids(done.result, &ids)) == PGQRS_OK)
        printf("stored as %lld\n", (long long)*(const int64_t *)ids.items);
    pgqrs_close(done.result);
end:
    if (st < 0) fprintf(stderr, "%s\n", pgqrs_status_text(st));
    pgqrs_shutdown_wait(1000);
    return st < 0;
}
