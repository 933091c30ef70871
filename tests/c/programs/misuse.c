/* misuse.c DSN - what a caller can get wrong: each answers a status, nothing crashes. */
#include "check.h"

/* A struct of a newer header, and one of an older. */
struct newer {
    pgqrs_dequeue_options known;
    uint64_t more[3];
};
struct older {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t batch;
};

static void pointers(pgqrs_handle cq, pgqrs_handle store, pgqrs_handle producer, pgqrs_handle consumer) {
    pgqrs_handle error = 0;
    pgqrs_str lying = {NULL, 5}, huge = {"x", UINT64_MAX}, tasks = pgqrs_cstr("tasks");
    pgqrs_token token = {1, 0, 7};
    int64_t id;

    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_cq_open(NULL, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_cq_fd(cq, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_cq_poll(cq, NULL, 1));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_cq_wait(cq, -2));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_worker_id(producer, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_error_info(1, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_result_ids(1, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_result_json(1, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_result_tokens(1, NULL));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_shutdown_wait(-2));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_store_open_wait(NULL, -1, &store, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_store_open_wait(&tasks, -1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue(producer, NULL, 1, NULL, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue(producer, NULL, 0, NULL, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue(producer, &lying, 1, NULL, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue(producer, &huge, 1, NULL, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue_wait(producer, NULL, 0, -1, &id, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue_wait(producer, &tasks, 0, -1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_archive(consumer, NULL, 1, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_ABI_MISMATCH, &error, pgqrs_archive(consumer, &token, 1, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_archive(consumer, &token, 100001, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_consumer_open(store, NULL, NULL, cq, 1, NULL, &error));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_enqueue(producer, NULL, 1, NULL, cq, 1, NULL, NULL));
}

static void structs(pgqrs_handle cq, pgqrs_handle consumer) {
    struct newer newer;
    struct older older;
    pgqrs_dequeue_options options;
    pgqrs_error_detail detail;
    struct {
        pgqrs_error_detail known;
        uint64_t more;
    } bigger;
    pgqrs_handle error = 0;

    PGQRS_INIT(&options);
    options.struct_size = 0;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));
    options.struct_size = 3;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));
    options.struct_size = UINT32_MAX;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));
    PGQRS_INIT(&options);
    options.flags = 0x80;
    EXPECT_E(PGQRS_E_ABI_MISMATCH, &error, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));
    PGQRS_INIT(&options);
    options.reserved = 1;
    EXPECT_E(PGQRS_E_ABI_MISMATCH, &error, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));
    PGQRS_INIT(&options);
    options.lease_ms = INT64_MAX;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));

    memset(&newer, 0, sizeof newer);
    newer.known.struct_size = sizeof newer;
    pgqrs_close(take_ok(cq, pgqrs_dequeue(consumer, (pgqrs_dequeue_options *)&newer, cq, 1, NULL, NULL)));
    newer.more[2] = 1;
    EXPECT_E(PGQRS_E_ABI_MISMATCH, &error,
             pgqrs_dequeue(consumer, (pgqrs_dequeue_options *)&newer, cq, 1, NULL, &error));
    memset(&older, 0, sizeof older);
    older.struct_size = sizeof older;
    older.batch = 5;
    pgqrs_close(take_ok(cq, pgqrs_dequeue(consumer, (const pgqrs_dequeue_options *)(const void *)&older, cq, 1, NULL, NULL)));

    /* Errors are read into shorter and longer structs alike. */
    options.struct_size = 0;
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_dequeue(consumer, &options, cq, 1, NULL, &error));
    memset(&detail, 0xff, sizeof detail);
    detail.struct_size = 8;
    OK(pgqrs_error_info(error, &detail));
    CHECK(detail.struct_size == 8 && detail.code == PGQRS_E_INVALID_ARGUMENT && detail.message.len == UINT64_MAX);
    memset(&bigger, 0xff, sizeof bigger);
    bigger.known.struct_size = sizeof bigger;
    OK(pgqrs_error_info(error, &bigger.known));
    CHECK(bigger.more == 0 && strcmp(bigger.known.field.data, "options") == 0);
    detail.struct_size = 0;
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_error_info(error, &detail));
    OK(pgqrs_close(error));
}

static void handles(pgqrs_handle cq, pgqrs_handle store, pgqrs_handle producer, pgqrs_handle consumer) {
    pgqrs_handle error = 0, second, result, forged[] = {1, 0xff00000000000000u, UINT64_MAX, store ^ 1, store + 0x10};
    pgqrs_str payload = pgqrs_cstr("1");
    pgqrs_list list;
    pgqrs_str document;
    size_t i;

    OK(pgqrs_close(0));
    OK(pgqrs_result_discard(0));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_store_verify(0, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_store_verify(store, 0, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_store_verify(producer, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_enqueue(consumer, &payload, 1, NULL, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_dequeue(producer, NULL, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_worker_suspend(store, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_worker_interrupt(store, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_consumer_losses(store, cq, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_consumer_losses(consumer, store, 1, NULL, &error));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_archive_purge(consumer, NULL, cq, 1, NULL, &error));
    EXPECT(PGQRS_E_HANDLE, pgqrs_op_cancel(store));
    EXPECT(PGQRS_E_HANDLE, pgqrs_result_discard(cq));
    for (i = 0; i < sizeof forged / sizeof *forged; i++) {
        EXPECT(PGQRS_E_HANDLE, pgqrs_close(forged[i]));
        EXPECT(PGQRS_E_HANDLE, pgqrs_result_ids(forged[i], &list));
        EXPECT(PGQRS_E_HANDLE, pgqrs_cq_wait(forged[i], 0));
    }

    second = open_producer(store, "tasks");
    OK(pgqrs_close(second));
    EXPECT(PGQRS_E_HANDLE, pgqrs_close(second));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_enqueue(second, &payload, 1, NULL, cq, 1, NULL, &error));

    result = take_ok(cq, pgqrs_enqueue(producer, &payload, 1, NULL, cq, 1, NULL, NULL));
    EXPECT(PGQRS_E_STATE, pgqrs_result_json(result, &document));
    CHECK(document.data == NULL && document.len == 0);
    OK(pgqrs_close(result));
    EXPECT(PGQRS_E_HANDLE, pgqrs_result_ids(result, &list));
    CHECK(list.items == NULL && list.count == 0);
}

/* A store ends with the last of its children, whatever the order of closing. */
static void children_outlive_their_parents_name(const char *dsn) {
    pgqrs_handle store = open_store(dsn), producer = open_producer(store, "tasks"), error = 0;
    pgqrs_str payload = pgqrs_cstr("1");
    int64_t id;
    OK(pgqrs_close(store));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_producer_open_wait(store, &payload, -1, &store, &error));
    EXPECT_E(PGQRS_OK, &error, pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, &error));
    OK(pgqrs_close(producer));
}

int main(int argc, char **argv) {
    pgqrs_handle cq, store, producer, consumer, error = 0, none = 1;
    pgqrs_str payload = pgqrs_cstr("1"), dsn;
    pgqrs_completion done;
    int64_t id;

    CHECK(argc == 2);
    CHECK(strcmp(pgqrs_status_text(-4711), "unknown status") == 0);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    producer = open_producer(store, "tasks");
    consumer = open_consumer(store, "tasks");
    pointers(cq, store, producer, consumer);
    structs(cq, consumer);
    handles(cq, store, producer, consumer);
    children_outlive_their_parents_name(argv[1]);

    /* After the shutdown: nothing new, but what is there is drained and freed. */
    OK(pgqrs_cq_nop(cq, 5, NULL, NULL));
    OK(pgqrs_shutdown_wait(10000));
    OK(pgqrs_shutdown_wait(0));
    CHECK(pgqrs_cq_poll(cq, &done, 1) == 1 && done.user_data == 5);
    EXPECT(PGQRS_E_CLOSED, pgqrs_cq_poll(cq, &done, 1));
    EXPECT(PGQRS_E_CLOSED, pgqrs_cq_wait(cq, -1));
    EXPECT_E(PGQRS_E_CLOSED, &error, pgqrs_cq_nop(cq, 6, NULL, &error));
    EXPECT_E(PGQRS_E_CLOSED, &error, pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, &error));
    dsn = pgqrs_cstr(argv[1]);
    EXPECT_E(PGQRS_E_CLOSED, &error, pgqrs_store_open_wait(&dsn, -1, &none, &error));
    EXPECT(PGQRS_E_CLOSED, pgqrs_cq_open(NULL, &none));
    OK(pgqrs_close(producer));
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
    return 0;
}
