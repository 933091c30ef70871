/* tables.c DSN - administration: every table function once, and its JSON. */
#include <stddef.h>

#include "check.h"

static pgqrs_handle cq;

/* The JSON document of a submitted call must hold a text. */
static void json(int32_t submitted, const char *want) {
    pgqrs_handle result = take_ok(cq, submitted);
    pgqrs_str document;
    OK(pgqrs_result_json(result, &document));
    CHECK(document.data[document.len] == 0);
    if (!strstr(document.data, want)) {
        fprintf(stderr, "%s\n  does not hold %s\n", document.data, want);
        exit(1);
    }
    OK(pgqrs_close(result));
}

static void fails(int32_t submitted, int32_t status) {
    pgqrs_completion done = take(cq, submitted);
    EXPECT(status, done.status);
    OK(pgqrs_close(done.error));
}

/* A submitted call must find count messages; the first one's id is returned. */
static int64_t messages(int32_t submitted, uint32_t count) {
    pgqrs_handle result = take_ok(cq, submitted);
    pgqrs_list list;
    int64_t id;
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == count);
    id = count ? message_at(&list, 0)->id : 0;
    OK(pgqrs_close(result));
    return id;
}

int main(int argc, char **argv) {
    pgqrs_handle store, producer, consumer, result, error = 0;
    pgqrs_str tasks = pgqrs_cstr("tasks"), missing = pgqrs_cstr("missing"), payload = pgqrs_cstr("[1]");
    pgqrs_queue_options queue_options;
    pgqrs_table_options options;
    int64_t id, worker, first, rows[3];
    int i;

    CHECK(argc == 2);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    CHECK(take_ok(cq, pgqrs_store_verify(store, cq, 0, NULL, NULL)) == 0);

    PGQRS_INIT(&queue_options);
    queue_options.max_read_ct = 1;
    json(pgqrs_queue_create(store, &tasks, &queue_options, cq, 1, NULL, NULL), "\"max_read_ct\":1");
    json(pgqrs_queue_get(store, &tasks, cq, 2, NULL, NULL), "\"queue_name\":\"tasks\"");
    fails(pgqrs_queue_get(store, &missing, cq, 3, NULL, NULL), PGQRS_E_QUEUE_NOT_FOUND);
    {
        pgqrs_handle found = take_ok(cq, pgqrs_queue_get(store, &tasks, cq, 40, NULL, NULL));
        pgqrs_str document;
        OK(pgqrs_result_json(found, &document));
        id = strtoll(strstr(document.data, "\"id\":") + 5, NULL, 10);
        json(pgqrs_queue_by_id(store, id, cq, 41, NULL, NULL), document.data);
        OK(pgqrs_close(found));
        fails(pgqrs_queue_by_id(store, id + 1000, cq, 42, NULL, NULL), PGQRS_E_QUEUE_NOT_FOUND);
    }
    json(pgqrs_queue_list(store, NULL, cq, 4, NULL, NULL), "[{\"id\":");
    json(pgqrs_queue_count(store, NULL, cq, 5, NULL, NULL), "{\"count\":1}");

    producer = open_producer(store, "tasks");
    consumer = open_consumer(store, "tasks");
    OK(pgqrs_worker_id(consumer, &worker));
    json(pgqrs_worker_get(store, worker, cq, 6, NULL, NULL), "\"shutdown_at\":null");
    PGQRS_INIT(&options);
    options.queue = tasks;
    json(pgqrs_worker_list(store, &options, cq, 7, NULL, NULL), "\"name\":\"consumer\"");
    json(pgqrs_worker_count(store, &options, cq, 8, NULL, NULL), "{\"count\":2}");
    json(pgqrs_worker_status(consumer, cq, 9, NULL, NULL), "{\"status\":\"ready\"}");
    CHECK(take_ok(cq, pgqrs_worker_suspend(consumer, cq, 10, NULL, NULL)) == 0);
    fails(pgqrs_dequeue(consumer, NULL, cq, 11, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    CHECK(take_ok(cq, pgqrs_worker_resume(consumer, cq, 12, NULL, NULL)) == 0);
    CHECK(take_ok(cq, pgqrs_worker_heartbeat(producer, cq, 13, NULL, NULL)) == 0);

    json(pgqrs_worker_stats(store, &options, cq, 43, NULL, NULL),
         "\"total\":2,\"ready\":2,\"polling\":0,\"suspended\":0,\"interrupted\":0,\"stopped\":0,\"producers\":1,"
         "\"consumers\":1,\"oldest_heartbeat\":");
    json(pgqrs_worker_stats(store, NULL, cq, 44, NULL, NULL), "[{\"queue_id\":");
    json(pgqrs_worker_health(store, NULL, cq, 45, NULL, NULL),
         "\"queue_name\":\"tasks\",\"total\":2,\"healthy\":2,\"stale\":0,\"stopped\":0}]");
    options.older_than_ms = 3600000;
    json(pgqrs_worker_health(store, &options, cq, 46, NULL, NULL), "\"healthy\":2");
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_worker_stats(store, &options, cq, 47, NULL, &error));
    PGQRS_INIT(&options);
    options.queue = missing;
    fails(pgqrs_worker_health(store, &options, cq, 48, NULL, NULL), PGQRS_E_QUEUE_NOT_FOUND);
    options.queue = tasks;

    for (i = 0; i < 3; i++)
        EXPECT_E(PGQRS_OK, &error, pgqrs_enqueue_wait(producer, &payload, 0, -1, &rows[i], &error));
    first = rows[0];
    json(pgqrs_queue_metrics(store, &options, cq, 14, NULL, NULL), "\"pending\":3");
    json(pgqrs_store_stats(store, cq, 15, NULL, NULL), "\"pending\":3");
    json(pgqrs_store_activity(store, cq, 16, NULL, NULL), "\"enqueue\":{\"flushes\":");
    json(pgqrs_store_inspect(store, cq, 15, NULL, NULL), "[[\"engine\",\"");
    json(pgqrs_message_count(store, &options, cq, 16, NULL, NULL), "{\"count\":3}");
    CHECK(messages(pgqrs_message_get(store, first, cq, 17, NULL, NULL), 1) == first);
    options.limit = 2;
    options.offset = 1;
    CHECK(messages(pgqrs_message_list(store, &options, cq, 18, NULL, NULL), 2) == rows[1]);

    /* One is archived by its consumer, one becomes a dead letter at its limit. */
    EXPECT_E(PGQRS_OK, &error, pgqrs_dequeue_wait(consumer, 2, 60000, 0, -1, &result, &error));
    OK(pgqrs_close(result));
    EXPECT_E(PGQRS_OK, &error, pgqrs_archive_wait(consumer, rows[0], 1, -1, &error));
    EXPECT_E(PGQRS_OK, &error, pgqrs_release_wait(consumer, rows[1], 1, -1, &error));
    PGQRS_INIT(&options);
    options.queue = tasks;
    json(pgqrs_archive_count(store, &options, cq, 19, NULL, NULL), "{\"count\":2}");
    options.flags = PGQRS_FILTER_DEAD_ONLY;
    id = messages(pgqrs_archive_list(store, &options, cq, 20, NULL, NULL), 1);
    CHECK(id == rows[1]);
    CHECK(messages(pgqrs_archive_get(store, rows[0], cq, 21, NULL, NULL), 1) == rows[0]);
    fails(pgqrs_archive_replay(store, rows[0], cq, 22, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    json(pgqrs_archive_replay(store, rows[1], cq, 23, NULL, NULL), "{\"count\":1}");
    json(pgqrs_archive_delete(store, rows[0], cq, 24, NULL, NULL), "{\"count\":1}");
    fails(pgqrs_archive_get(store, rows[0], cq, 25, NULL, NULL), PGQRS_E_MESSAGE_NOT_FOUND);

    /* Payloads are searched by what they contain. */
    PGQRS_INIT(&options);
    options.payload = payload;
    json(pgqrs_message_count(store, &options, cq, 50, NULL, NULL), "{\"count\":2}");
    CHECK(messages(pgqrs_message_list(store, &options, cq, 51, NULL, NULL), 2) == rows[1]);
    options.payload = pgqrs_cstr("1");
    json(pgqrs_message_count(store, &options, cq, 52, NULL, NULL), "{\"count\":2}");
    options.payload = pgqrs_cstr("[2]");
    json(pgqrs_message_count(store, &options, cq, 53, NULL, NULL), "{\"count\":0}");
    json(pgqrs_archive_count(store, &options, cq, 54, NULL, NULL), "{\"count\":0}");
    options.payload = pgqrs_cstr("[2");
    fails(pgqrs_archive_list(store, &options, cq, 55, NULL, NULL), PGQRS_E_INVALID_ARGUMENT);
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_queue_list(store, &options, cq, 56, NULL, &error));
    options.payload.data = NULL;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_message_list(store, &options, cq, 57, NULL, &error));

    /* A caller of an older header knows nothing of the payload. */
    PGQRS_INIT(&options);
    options.struct_size = (uint32_t)offsetof(pgqrs_table_options, payload);
    options.queue = tasks;
    options.payload = pgqrs_cstr("[2]");
    json(pgqrs_message_count(store, &options, cq, 58, NULL, NULL), "{\"count\":2}");

    /* By hand: to the archive, and out of it. */
    json(pgqrs_message_dead_letter(store, rows[2], cq, 60, NULL, NULL), "{\"count\":1}");
    fails(pgqrs_message_dead_letter(store, rows[2], cq, 61, NULL, NULL), PGQRS_E_MESSAGE_NOT_FOUND);
    EXPECT_E(PGQRS_OK, &error, pgqrs_dequeue_wait(consumer, 1, 60000, 0, -1, &result, &error));
    OK(pgqrs_close(result));
    fails(pgqrs_message_dead_letter(store, rows[1], cq, 62, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    fails(pgqrs_archive_purge(store, NULL, cq, 63, NULL, NULL), PGQRS_E_INVALID_ARGUMENT);
    PGQRS_INIT(&options);
    options.queue = tasks;
    options.older_than_ms = 3600000;
    json(pgqrs_archive_purge(store, &options, cq, 64, NULL, NULL), "{\"count\":0}");
    options.older_than_ms = 0;
    options.flags = PGQRS_FILTER_DEAD_ONLY;
    options.min_read_ct = 1;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_archive_purge(store, &options, cq, 65, NULL, &error));
    options.min_read_ct = 0;
    json(pgqrs_archive_purge(store, &options, cq, 66, NULL, NULL), "{\"count\":1}");
    fails(pgqrs_archive_get(store, rows[2], cq, 67, NULL, NULL), PGQRS_E_MESSAGE_NOT_FOUND);

    /* Fields that do not apply are refused, not ignored. */
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_message_count(store, &options, cq, 26, NULL, &error));
    PGQRS_INIT(&options);
    options.limit = -1;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_queue_list(store, &options, cq, 27, NULL, &error));

    json(pgqrs_message_reclaim(store, NULL, cq, 28, NULL, NULL), "{\"count\":");
    json(pgqrs_queue_purge(store, &tasks, cq, 29, NULL, NULL), "{\"count\":1}");
    fails(pgqrs_queue_delete(store, &tasks, cq, 30, NULL, NULL), PGQRS_E_STATE_TRANSITION);
    json(pgqrs_worker_release(store, worker, cq, 31, NULL, NULL), "{\"count\":0}");
    CHECK(take_ok(cq, pgqrs_worker_shutdown(producer, cq, 32, NULL, NULL)) == 0);
    json(pgqrs_worker_delete(store, worker, cq, 33, NULL, NULL), "{\"count\":1}");
    fails(pgqrs_worker_get(store, worker, cq, 34, NULL, NULL), PGQRS_E_WORKER_NOT_FOUND);
    json(pgqrs_worker_purge(store, NULL, cq, 35, NULL, NULL), "{\"count\":1}");
    json(pgqrs_queue_delete(store, &tasks, cq, 36, NULL, NULL), "{\"count\":1}");
    CHECK(take_ok(cq, pgqrs_store_uninstall(store, cq, 37, NULL, NULL)) == 0);
    fails(pgqrs_store_verify(store, cq, 38, NULL, NULL), PGQRS_E_SCHEMA);

    OK(pgqrs_close(cq));
    OK(pgqrs_close(store));
    OK(pgqrs_shutdown_wait(10000));
    return 0;
}
