/* blocking.c DSN - every blocking form, its outputs and its expected failures. */
#include "check.h"

static void everyday(pgqrs_handle store) {
    pgqrs_handle error = 0, result = 0, other_result = 0;
    pgqrs_handle producer = open_producer(store, "tasks");
    pgqrs_handle consumer = open_consumer(store, "tasks"), other = open_consumer(store, "tasks");
    pgqrs_str payload = pgqrs_cstr("{\"text\":\"gr\xc3\xbc\xc3\x9f\",\"big\":9007199254740993}");
    pgqrs_list list;
    const pgqrs_message *m;
    int64_t id = 0, late = 0, consumer_id = 0, producer_id = 0;

    OK(pgqrs_worker_id(consumer, &consumer_id));
    OK(pgqrs_worker_id(producer, &producer_id));
    CHECK(consumer_id > 0 && producer_id > 0 && consumer_id != producer_id);

    EXPECT_E(PGQRS_OK, &error, pgqrs_enqueue_wait(producer, &payload, 0, 30000, &id, &error));
    EXPECT_E(PGQRS_OK, &error, pgqrs_enqueue_wait(producer, &payload, 3600000, -1, &late, &error));
    CHECK(id > 0 && late > id && error == 0);

    EXPECT_E(PGQRS_OK, &error, pgqrs_dequeue_wait(consumer, 10, 60000, 0, 30000, &result, &error));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1 && list.item_size >= sizeof *m);
    m = message_at(&list, 0);
    CHECK(m->id == id && m->read_ct == 1 && m->consumer_worker_id == consumer_id);
    CHECK(m->producer_worker_id == producer_id && m->dequeued_at > 0 && m->vt > m->dequeued_at);
    CHECK(m->present == (PGQRS_HAS_DEQUEUED_AT | PGQRS_HAS_PRODUCER_WORKER_ID | PGQRS_HAS_CONSUMER_WORKER_ID));
    CHECK(m->archived_at == 0 && m->dead_reason.len == 0);
    CHECK(m->payload.data[m->payload.len] == 0 && strstr(m->payload.data, "9007199254740993") != NULL);

    /* The delayed one is not there, and the leased one is nobody else's. */
    EXPECT_E(PGQRS_OK, &error, pgqrs_dequeue_wait(other, 10, 0, 0, -1, &other_result, &error));
    OK(pgqrs_result_messages(other_result, &list));
    CHECK(list.count == 0);
    OK(pgqrs_close(other_result));
    EXPECT_E(PGQRS_E_LEASE_LOST, &error, pgqrs_archive_wait(other, id, 0, -1, &error));
    EXPECT_E(PGQRS_E_LEASE_LOST, &error, pgqrs_archive_wait(consumer, id, 2, -1, &error));
    EXPECT(PGQRS_E_LEASE_LOST, pgqrs_delete_wait(consumer, id + 1000, 0, -1, NULL));

    EXPECT_E(PGQRS_OK, &error, pgqrs_extend_vt_wait(consumer, id, 1, 120000, -1, &error));
    EXPECT_E(PGQRS_OK, &error, pgqrs_release_wait(consumer, id, 1, -1, &error));
    OK(pgqrs_close(result));
    EXPECT_E(PGQRS_OK, &error, pgqrs_dequeue_wait(other, 1, 0, 5000, -1, &result, &error));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1 && message_at(&list, 0)->id == id && message_at(&list, 0)->read_ct == 2);
    OK(pgqrs_close(result));
    EXPECT_E(PGQRS_OK, &error, pgqrs_archive_wait(other, id, 2, -1, &error));
    EXPECT_E(PGQRS_E_LEASE_LOST, &error, pgqrs_archive_wait(other, id, 2, -1, &error));

    OK(pgqrs_close(producer));
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(other));
}

static void refusals(pgqrs_handle store) {
    pgqrs_handle error = 0, producer = open_producer(store, "tasks"), consumer = open_consumer(store, "tasks");
    pgqrs_handle none = 77, result = 77;
    pgqrs_str missing = pgqrs_cstr("missing"), tasks = pgqrs_cstr("tasks"), broken = pgqrs_cstr("{\"n\":");
    pgqrs_str fine = pgqrs_cstr("1"), bad_dsn = pgqrs_cstr("mysql://user:s3cret@host/db");
    pgqrs_error_detail detail;
    int64_t id = 77;

    EXPECT_E(PGQRS_E_QUEUE_EXISTS, &error, pgqrs_queue_create_wait(store, &tasks, -1, &error));
    EXPECT_E(PGQRS_E_QUEUE_NOT_FOUND, &error, pgqrs_producer_open_wait(store, &missing, -1, &none, &error));
    CHECK(none == 0);
    EXPECT_E(PGQRS_E_SERIALIZATION, &error, pgqrs_enqueue_wait(producer, &broken, 0, -1, &id, &error));
    CHECK(id == 0);
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue_wait(producer, &fine, -1, -1, &id, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue_wait(producer, &fine, 0, -2, &id, &error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_dequeue_wait(consumer, 1, -5, 0, -1, &result, &error));
    CHECK(result == 0);
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_extend_vt_wait(consumer, 1, 0, -1, -1, &error));

    /* A deadline that passes while nothing is there: nothing was leased. */
    EXPECT_E(PGQRS_E_TIMEOUT, &error, pgqrs_dequeue_wait(consumer, 1, 0, -1, 50, &result, &error));
    CHECK(result == 0);

    /* The error names the argument, and keeps secrets. */
    PGQRS_INIT(&detail);
    EXPECT(PGQRS_E_CONFIG, pgqrs_store_open_wait(&bad_dsn, -1, &none, &error));
    OK(pgqrs_error_info(error, &detail));
    CHECK(detail.message.len > 0 && strstr(detail.message.data, "s3cret") == NULL);
    CHECK(strcmp(detail.operation.data, "open") == 0);
    OK(pgqrs_close(error));
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_enqueue_wait(producer, &fine, -1, -1, &id, &error));
    OK(pgqrs_error_info(error, &detail));
    CHECK(strcmp(detail.field.data, "delay_ms") == 0 && strcmp(detail.operation.data, "enqueue") == 0);
    CHECK(detail.flags & PGQRS_ERROR_SAFE_TO_RETRY);
    OK(pgqrs_close(error));

    OK(pgqrs_close(producer));
    OK(pgqrs_close(consumer));
}

int main(int argc, char **argv) {
    pgqrs_handle store;
    CHECK(argc == 2);
    CHECK(pgqrs_abi_version() == PGQRS_ABI_VERSION);
    OK(pgqrs_runtime_wait());
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    everyday(store);
    refusals(store);
    OK(pgqrs_close(store));
    OK(pgqrs_shutdown_wait(10000));
    return 0;
}
