/* each.c DSN - messages that do not depend on each other, and completions that carry their result. */
#include <stddef.h>

#include "check.h"

#define N 100

static pgqrs_token token_of(int64_t id) {
    pgqrs_token t;
    memset(&t, 0, sizeof t);
    t.id = id;
    return t;
}

/* One call, one answer for each: a refused one is 0 and explains itself. */
static void refused_ones_fail_alone(pgqrs_handle cq, pgqrs_handle producer) {
    pgqrs_str payloads[N];
    pgqrs_handle result, error = 0;
    pgqrs_list list;
    uint32_t i;
    int64_t last = 0;

    for (i = 0; i < N; i++) payloads[i] = pgqrs_cstr(i % 10 == 3 ? "{\"n\":" : "{\"n\":1}");
    result = take_ok(cq, pgqrs_enqueue_each(producer, payloads, N, NULL, cq, 1, NULL, NULL));
    OK(pgqrs_result_ids(result, &list));
    CHECK(list.count == N && list.item_size == 8);
    for (i = 0; i < N; i++) {
        OK(pgqrs_result_failure(result, i, &error));
        if (i % 10 == 3) {
            CHECK(id_at(&list, i) == 0 && error != 0);
            EXPECT_E(PGQRS_E_SERIALIZATION, &error, PGQRS_E_SERIALIZATION);
        } else {
            CHECK(id_at(&list, i) > last && error == 0);
            last = id_at(&list, i);
        }
    }
    OK(pgqrs_result_failure(result, N + 7, &error));
    CHECK(error == 0);
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_result_failure(result, 0, NULL));
    OK(pgqrs_close(result));
    EXPECT(PGQRS_E_HANDLE, pgqrs_result_failure(result, 0, &error));
}

/* A queue that asked for values gets them; the same calls on another one do not. */
static void values(pgqrs_handle store, pgqrs_handle plain, pgqrs_handle producer) {
    pgqrs_cq_options options;
    pgqrs_handle cq = 0, result, error, consumer = open_consumer(store, "values"), mine = open_producer(store, "values");
    pgqrs_str good = pgqrs_cstr("1"), bad = pgqrs_cstr("{");
    pgqrs_str both[2];
    pgqrs_completion done;
    pgqrs_list list;
    pgqrs_token token;
    int64_t id;

    PGQRS_INIT(&options);
    options.flags = PGQRS_CQ_VALUES;
    OK(pgqrs_cq_open(&options, &cq));

    done = take(cq, pgqrs_enqueue_each(mine, &good, 1, NULL, cq, 1, NULL, NULL));
    CHECK(done.status == PGQRS_OK && done.flags == PGQRS_CQE_VALUE && done.error == 0);
    id = (int64_t)done.result;
    CHECK(id > 0);
    EXPECT(PGQRS_E_HANDLE, pgqrs_close(done.result)); /* it is no handle */

    result = take_ok(cq, pgqrs_dequeue(consumer, NULL, cq, 2, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1 && message_at(&list, 0)->id == id);
    OK(pgqrs_close(result));
    token = token_of(id);
    done = take(cq, pgqrs_archive(consumer, &token, 1, cq, 3, NULL, NULL));
    CHECK(done.status == PGQRS_OK && done.flags == PGQRS_CQE_VALUE && (int64_t)done.result == PGQRS_OK);
    done = take(cq, pgqrs_archive(consumer, &token, 1, cq, 4, NULL, NULL));
    CHECK(done.status == PGQRS_OK && done.flags == PGQRS_CQE_VALUE && (int64_t)done.result == PGQRS_E_LEASE_LOST);

    done = take(cq, pgqrs_enqueue_each(producer, &bad, 1, NULL, cq, 5, NULL, NULL));
    error = done.error;
    CHECK(done.flags == 0 && done.result == 0);
    EXPECT_E(PGQRS_E_SERIALIZATION, &error, done.status);

    both[0] = both[1] = good; /* two do not fit into a completion */
    done = take(cq, pgqrs_enqueue_each(producer, both, 2, NULL, cq, 6, NULL, NULL));
    CHECK(done.status == PGQRS_OK && done.flags == 0);
    OK(pgqrs_result_ids(done.result, &list));
    CHECK(list.count == 2);
    OK(pgqrs_close(done.result));

    result = take_ok(plain, pgqrs_enqueue_each(producer, &good, 1, NULL, plain, 7, NULL, NULL));
    OK(pgqrs_result_ids(result, &list));
    CHECK(list.count == 1);
    OK(pgqrs_close(result));

    /* What nobody polled is no handle either. */
    OK(pgqrs_enqueue_each(producer, &good, 1, NULL, cq, 8, NULL, NULL));
    OK(pgqrs_cq_wait(cq, 30000));
    OK(pgqrs_close(cq));
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(mine));
}

/* A dedup key stores once; who compiled before there were keys has none. */
static void dedup_keys(pgqrs_handle cq, pgqrs_handle producer) {
    pgqrs_enqueue_options options;
    pgqrs_str payloads[3], keys[3], wrong;
    pgqrs_handle result, error = 0;
    pgqrs_list list;
    int64_t first;

    PGQRS_INIT(&options);
    payloads[0] = payloads[1] = payloads[2] = pgqrs_cstr("1");
    keys[0] = keys[2] = pgqrs_cstr("once");
    keys[1] = pgqrs_cstr(NULL);
    options.dedup_keys = keys;
    result = take_ok(cq, pgqrs_enqueue(producer, payloads, 3, &options, cq, 1, NULL, NULL));
    OK(pgqrs_result_ids(result, &list));
    first = id_at(&list, 0);
    CHECK(list.count == 3 && first > 0 && id_at(&list, 1) > first && id_at(&list, 2) == first);
    OK(pgqrs_close(result));
    result = take_ok(cq, pgqrs_enqueue_each(producer, payloads, 2, &options, cq, 2, NULL, NULL));
    OK(pgqrs_result_ids(result, &list));
    CHECK(list.count == 2 && id_at(&list, 0) == first && id_at(&list, 1) > first);
    OK(pgqrs_close(result));

    wrong = keys[0];
    wrong.data = NULL;
    options.dedup_keys = &wrong;
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_enqueue(producer, payloads, 1, &options, cq, 3, NULL, &error));

    options.struct_size = (uint32_t)offsetof(pgqrs_enqueue_options, dedup_keys);
    result = take_ok(cq, pgqrs_enqueue(producer, payloads, 1, &options, cq, 4, NULL, NULL));
    OK(pgqrs_result_ids(result, &list));
    CHECK(list.count == 1 && id_at(&list, 0) > first);
    OK(pgqrs_close(result));
}

int main(int argc, char **argv) {
    pgqrs_handle store, producer, cq = 0;
    CHECK(argc == 2);
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    create_queue(store, "values");
    producer = open_producer(store, "tasks");
    OK(pgqrs_cq_open(NULL, &cq));
    refused_ones_fail_alone(cq, producer);
    values(store, cq, producer);
    dedup_keys(cq, producer);
    OK(pgqrs_close(producer));
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
    OK(pgqrs_shutdown_wait(30000));
    return 0;
}
