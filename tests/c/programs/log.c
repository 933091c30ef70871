/* log.c DSN - the log of the stores, as ops of completion queues. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "check.h"

/* Takes one line and copies its document. */
static void line(pgqrs_handle cq, uint64_t user_data, char *into, size_t size) {
    pgqrs_completion done = take(cq, PGQRS_OK);
    pgqrs_str document;
    CHECK(done.user_data == user_data && done.status == PGQRS_OK && done.flags == PGQRS_CQE_MORE && done.error == 0);
    OK(pgqrs_result_json(done.result, &document));
    CHECK(document.len < size && document.data[document.len] == 0);
    memcpy(into, document.data, document.len + 1);
    OK(pgqrs_close(done.result));
}

/* The op's last completion says why it ended. */
static void last(pgqrs_handle cq, uint64_t user_data, int32_t status) {
    pgqrs_completion done = take(cq, PGQRS_OK);
    CHECK(done.user_data == user_data && done.status == status && done.flags == 0 && done.result == 0);
    OK(pgqrs_close(done.error));
}

/* Makes a store log a warning: it cannot stop a worker whose table is gone. */
static void provoke(const char *dsn) {
    pgqrs_handle cq, store = open_store(dsn), consumer;
    OK(pgqrs_cq_open(NULL, &cq));
    create_queue(store, "tasks");
    consumer = open_consumer(store, "tasks");
    CHECK(take_ok(cq, pgqrs_store_uninstall(store, cq, 1, NULL, NULL)) == 0);
    CHECK(take_ok(cq, pgqrs_store_stop(store, cq, 1, NULL, NULL)) == 0);
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
}

int main(int argc, char **argv) {
    pgqrs_handle all, some, errors, op = 0, error = 0;
    char document[4096], same[4096];
    int64_t at;
    int i;

    CHECK(argc == 2);
    OK(pgqrs_cq_open(NULL, &all));
    OK(pgqrs_cq_open(NULL, &some));
    OK(pgqrs_cq_open(NULL, &errors));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_log_subscribe(0, all, 1, &op, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_log_subscribe(PGQRS_LOG_ERROR + 1, all, 1, &op, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_log_subscribe(PGQRS_LOG_INFO, 42, 1, &op, &error));
    CHECK(op == 0);
    provoke(argv[1]); /* nobody hears it */

    OK(pgqrs_log_subscribe(PGQRS_LOG_DEBUG, all, 1, NULL, NULL));
    OK(pgqrs_log_subscribe(PGQRS_LOG_WARN, some, 2, &op, NULL));
    OK(pgqrs_log_subscribe(PGQRS_LOG_ERROR, errors, 3, NULL, NULL));
    provoke(argv[1]);
    line(some, 2, document, sizeof document);
    puts(document);
    CHECK(sscanf(document, "{\"time\":%lld,\"level\":\"warn\",", (long long *)&at) == 1);
    CHECK(at / 1000000 >= time(NULL) - 60 && at / 1000000 <= time(NULL) + 1);
    CHECK(strstr(document, "\"message\":\"stopping workers failed, their leases will expire by themselves\""));
    CHECK(strstr(document, "\"attributes\":{\"store\":\"") && strstr(document, "\"error\":\""));
    CHECK(strstr(document, "},\"dropped\":0}"));
    for (i = 0; i < 100; i++) { /* debug lines may come before it */
        line(all, 1, same, sizeof same);
        if (strcmp(same, document) == 0) break;
    }
    CHECK(i < 100);

    OK(pgqrs_op_cancel(op));
    last(some, 2, PGQRS_E_CANCELLED);
    EXPECT(PGQRS_E_HANDLE, pgqrs_op_cancel(op));
    provoke(argv[1]);
    EXPECT(PGQRS_E_TIMEOUT, pgqrs_cq_wait(some, 0));
    EXPECT(PGQRS_E_TIMEOUT, pgqrs_cq_wait(errors, 0));
    OK(pgqrs_close(all)); /* with lines nobody polled */
    provoke(argv[1]);
    OK(pgqrs_shutdown_wait(20000));
    last(errors, 3, PGQRS_E_CLOSED);
    OK(pgqrs_close(errors));
    OK(pgqrs_close(some));
    return 0;
}
