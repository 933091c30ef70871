/* queue.c DSN - the completion queue: all verbs, its descriptor, cancel, limits. */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <pthread.h>

#include "check.h"

#define N 100

static int readable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&p, 1, 0) == 1;
}

/* Batches of every verb, and one outcome per token in input order. */
static void verbs(pgqrs_handle cq, pgqrs_handle producer, pgqrs_handle consumer) {
    pgqrs_str payloads[N];
    pgqrs_token tokens[N + 1];
    pgqrs_dequeue_options options;
    pgqrs_release_options release;
    pgqrs_handle result;
    pgqrs_list list;
    uint32_t i;

    for (i = 0; i < N; i++) payloads[i] = pgqrs_cstr("{\"n\":1}");
    result = take_ok(cq, pgqrs_enqueue(producer, payloads, N, NULL, cq, 1, NULL, NULL));
    OK(pgqrs_result_ids(result, &list));
    CHECK(list.count == N && list.item_size == 8);
    for (i = 1; i < N; i++) CHECK(id_at(&list, i) > id_at(&list, i - 1));
    EXPECT(PGQRS_E_STATE, pgqrs_result_messages(result, &list));
    OK(pgqrs_close(result));

    PGQRS_INIT(&options);
    options.batch = N;
    options.lease_ms = 60000;
    result = take_ok(cq, pgqrs_dequeue(consumer, &options, cq, 2, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == N);
    memset(tokens, 0, sizeof tokens);
    for (i = 0; i < N; i++) {
        tokens[i].id = message_at(&list, i)->id;
        tokens[i].read_ct = message_at(&list, i)->read_ct;
    }
    OK(pgqrs_close(result));

    result = take_ok(cq, pgqrs_extend_vt(consumer, tokens, N, 90000, cq, 3, NULL, NULL));
    OK(pgqrs_result_outcomes(result, &list));
    for (i = 0; i < N; i++) CHECK(outcome_at(&list, i) == PGQRS_OK);
    OK(pgqrs_close(result));

    tokens[N] = tokens[0]; /* a duplicate, and a stale one in the middle */
    tokens[50].read_ct = 9;
    result = take_ok(cq, pgqrs_archive(consumer, tokens, N + 1, cq, 4, NULL, NULL));
    OK(pgqrs_result_outcomes(result, &list));
    CHECK(list.count == N + 1);
    for (i = 0; i <= N; i++)
        CHECK(outcome_at(&list, i) == (i == 50 || i == N ? PGQRS_E_LEASE_LOST : PGQRS_OK));
    OK(pgqrs_close(result));

    PGQRS_INIT(&release);
    release.flags = PGQRS_RELEASE_UNREAD;
    tokens[50].read_ct = 1;
    result = take_ok(cq, pgqrs_release(consumer, &tokens[50], 1, &release, cq, 5, NULL, NULL));
    OK(pgqrs_result_outcomes(result, &list));
    CHECK(list.count == 1 && outcome_at(&list, 0) == PGQRS_OK);
    OK(pgqrs_close(result));

    result = take_ok(cq, pgqrs_dequeue(consumer, NULL, cq, 6, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1 && message_at(&list, 0)->read_ct == 1); /* never seen */
    OK(pgqrs_close(result));
    result = take_ok(cq, pgqrs_delete(consumer, &tokens[50], 1, cq, 7, NULL, NULL));
    OK(pgqrs_result_outcomes(result, &list));
    CHECK(outcome_at(&list, 0) == PGQRS_OK);
    OK(pgqrs_close(result));
}

/* Cancelling a dequeue that waits; closing a consumer whose dequeue waits. */
static void cancelling(pgqrs_handle cq, pgqrs_handle store) {
    pgqrs_handle consumer = open_consumer(store, "tasks"), op = 0;
    pgqrs_dequeue_options options;
    pgqrs_completion done;

    PGQRS_INIT(&options);
    options.wait_ms = -1;
    OK(pgqrs_dequeue(consumer, &options, cq, 11, &op, NULL));
    EXPECT(PGQRS_E_TIMEOUT, pgqrs_cq_wait(cq, 20));
    OK(pgqrs_op_cancel(op));
    done = take(cq, PGQRS_OK);
    CHECK(done.user_data == 11 && done.status == PGQRS_E_CANCELLED && done.result == 0 && done.error != 0);
    OK(pgqrs_close(done.error));
    EXPECT(PGQRS_E_HANDLE, pgqrs_op_cancel(op));

    OK(pgqrs_dequeue(consumer, &options, cq, 12, NULL, NULL));
    OK(pgqrs_close(consumer));
    done = take(cq, PGQRS_OK);
    CHECK(done.user_data == 12 && done.status == PGQRS_E_CLOSED);
    OK(pgqrs_close(done.error));
}

/* Leases that were kept alive and lost all the same, until op or consumer ends. */
static void losing(pgqrs_handle cq, pgqrs_handle store) {
    pgqrs_handle producer = open_producer(store, "tasks"), consumer = open_consumer(store, "tasks"), op = 0, error = 0;
    pgqrs_handle result, others;
    pgqrs_str payload = pgqrs_cstr("1"), tasks = pgqrs_cstr("tasks");
    pgqrs_dequeue_options options;
    const pgqrs_token *lost;
    pgqrs_completion done;
    pgqrs_list list;
    int64_t id;

    OK(pgqrs_cq_open(NULL, &others));
    EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_consumer_losses(producer, cq, 1, NULL, &error));
    OK(pgqrs_consumer_losses(consumer, cq, 2, &op, NULL));
    OK(pgqrs_consumer_losses(consumer, others, 3, NULL, NULL));
    EXPECT_E(PGQRS_OK, &error, pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, &error));
    PGQRS_INIT(&options);
    options.flags = PGQRS_DEQUEUE_AUTO_EXTEND;
    options.lease_ms = 300;
    {
        pgqrs_handle once;
        OK(pgqrs_cq_open(NULL, &once));
        result = take_ok(once, pgqrs_dequeue(consumer, &options, once, 4, NULL, NULL));
        OK(pgqrs_result_messages(result, &list));
        CHECK(list.count == 1 && message_at(&list, 0)->id == id);
        OK(pgqrs_close(result));
        EXPECT(PGQRS_E_TIMEOUT, pgqrs_cq_wait(cq, 500)); /* more than a lock time: it is kept */
        {
            pgqrs_token kept = {0};
            kept.id = id;
            CHECK(pgqrs_consumer_keep(consumer, &kept, 1, 60000, NULL) == 1);
            kept.id = id + 1;
            CHECK(pgqrs_consumer_keep(consumer, &kept, 1, 60000, NULL) == 0);
            EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_consumer_keep(consumer, &kept, 1, -1, &error));
            EXPECT_E(PGQRS_E_HANDLE, &error, pgqrs_consumer_keep(producer, &kept, 1, 1, &error));
        }
        result = take_ok(once, pgqrs_queue_purge(store, &tasks, once, 5, NULL, NULL));
        OK(pgqrs_close(result));
        OK(pgqrs_close(once));
    }
    done = take(cq, PGQRS_OK);
    CHECK(done.user_data == 2 && done.status == PGQRS_OK && done.flags == PGQRS_CQE_MORE && done.error == 0);
    OK(pgqrs_result_tokens(done.result, &list));
    lost = list.items;
    CHECK(list.count == 1 && list.item_size == sizeof *lost && lost->id == id && lost->read_ct == 1);
    EXPECT(PGQRS_E_STATE, pgqrs_result_outcomes(done.result, &list));
    OK(pgqrs_close(done.result));
    OK(pgqrs_op_cancel(op));
    done = take(cq, PGQRS_OK);
    CHECK(done.user_data == 2 && done.status == PGQRS_E_CANCELLED && done.flags == 0 && done.result == 0);
    OK(pgqrs_close(done.error));
    EXPECT(PGQRS_E_HANDLE, pgqrs_op_cancel(op));

    done = take(others, PGQRS_OK);
    CHECK(done.user_data == 3 && done.flags == PGQRS_CQE_MORE);
    OK(pgqrs_close(done.result));
    OK(pgqrs_close(consumer));
    done = take(others, PGQRS_OK);
    CHECK(done.user_data == 3 && done.status == PGQRS_E_CLOSED && done.flags == 0);
    OK(pgqrs_close(done.error));
    OK(pgqrs_close(producer));
    OK(pgqrs_close(others));
}

/* Interrupting a consumer whose dequeue waits ends it with no messages. */
static void interrupting(pgqrs_handle cq, pgqrs_handle store) {
    pgqrs_handle consumer = open_consumer(store, "tasks"), interrupts;
    pgqrs_dequeue_options options;
    pgqrs_completion done;
    pgqrs_list list;

    OK(pgqrs_cq_open(NULL, &interrupts));
    PGQRS_INIT(&options);
    options.wait_ms = -1;
    CHECK(take_ok(cq, pgqrs_worker_poll(consumer, 1, cq, 40, NULL, NULL)) == 0);
    OK(pgqrs_dequeue(consumer, &options, cq, 41, NULL, NULL));
    EXPECT(PGQRS_E_TIMEOUT, pgqrs_cq_wait(cq, 50));
    CHECK(take_ok(interrupts, pgqrs_worker_interrupt(consumer, interrupts, 42, NULL, NULL)) == 0);
    done = take(cq, PGQRS_OK);
    CHECK(done.user_data == 41 && done.status == PGQRS_OK);
    OK(pgqrs_result_messages(done.result, &list));
    CHECK(list.count == 0);
    OK(pgqrs_close(done.result));
    done = take(cq, pgqrs_dequeue(consumer, &options, cq, 43, NULL, NULL));
    CHECK(done.status == PGQRS_E_STATE_TRANSITION);
    OK(pgqrs_close(done.error));
    done = take(cq, pgqrs_worker_interrupt(consumer, cq, 44, NULL, NULL));
    CHECK(done.status == PGQRS_E_STATE_TRANSITION);
    OK(pgqrs_close(done.error));
    CHECK(take_ok(cq, pgqrs_worker_poll(consumer, 0, cq, 47, NULL, NULL)) == 0);
    done = take(cq, pgqrs_worker_poll(consumer, 1, cq, 48, NULL, NULL));
    CHECK(done.status == PGQRS_E_STATE_TRANSITION);
    OK(pgqrs_close(done.error));
    CHECK(take_ok(cq, pgqrs_worker_resume(consumer, cq, 45, NULL, NULL)) == 0);
    OK(pgqrs_close(take_ok(cq, pgqrs_dequeue(consumer, NULL, cq, 46, NULL, NULL))));
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(interrupts));
}

/* An accepted enqueue is stored although its producer is closed right away. */
static void accepted_runs_to_its_end(pgqrs_handle cq, pgqrs_handle store) {
    pgqrs_handle producer = open_producer(store, "other"), result;
    pgqrs_str payload = pgqrs_cstr("{}");
    pgqrs_list ids;

    OK(pgqrs_enqueue(producer, &payload, 1, NULL, cq, 21, NULL, NULL));
    OK(pgqrs_close(producer));
    EXPECT(PGQRS_E_HANDLE, pgqrs_enqueue(producer, &payload, 1, NULL, cq, 22, NULL, NULL));
    result = take_ok(cq, PGQRS_OK);
    OK(pgqrs_result_ids(result, &ids));
    CHECK(ids.count == 1);
    OK(pgqrs_close(result));
}

/* Discarding a result gives its leases back, unread; so does closing the queue. */
static void discarding(pgqrs_handle cq, pgqrs_handle store) {
    pgqrs_handle first = open_consumer(store, "other"), second = open_consumer(store, "other"), late, result;
    pgqrs_dequeue_options options;
    pgqrs_list list;

    result = take_ok(cq, pgqrs_dequeue(first, NULL, cq, 31, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1);
    OK(pgqrs_result_discard(result));
    EXPECT(PGQRS_E_HANDLE, pgqrs_result_discard(result));

    PGQRS_INIT(&options);
    options.wait_ms = 20000;
    OK(pgqrs_cq_open(NULL, &late));
    OK(pgqrs_dequeue(second, &options, late, 32, NULL, NULL));
    OK(pgqrs_cq_wait(late, 20000));
    OK(pgqrs_close(late)); /* the completion was there, and nobody took it */

    result = take_ok(cq, pgqrs_dequeue(first, &options, cq, 33, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1 && message_at(&list, 0)->read_ct == 1);
    OK(pgqrs_close(result));
    OK(pgqrs_close(first));
    OK(pgqrs_close(second));
}

static void limits(void) {
    pgqrs_cq_options options;
    pgqrs_completion done[8];
    pgqrs_handle cq, error = 0, op = 77;
    int32_t fd, i, kind;

    for (kind = 0; kind < 2; kind++) {
        PGQRS_INIT(&options);
        options.max_pending = 3;
        options.flags = kind ? PGQRS_CQ_PIPE : 0;
        OK(pgqrs_cq_open(&options, &cq));
        OK(pgqrs_cq_fd(cq, &fd));
        CHECK(!readable(fd) && pgqrs_cq_poll(cq, done, 8) == 0);
        for (i = 0; i < 3; i++) OK(pgqrs_cq_nop(cq, (uint64_t)i, NULL, NULL));
        EXPECT_E(PGQRS_E_BUSY, &error, pgqrs_cq_nop(cq, 9, &op, &error));
        CHECK(op == 0);
        for (i = 0; i < 3; i++) {
            OK(pgqrs_cq_wait(cq, 10000));
            CHECK(readable(fd) && pgqrs_cq_poll(cq, done, 1) == 1 && done[0].result == 0);
        }
        OK(pgqrs_cq_nop(cq, 4, NULL, NULL));
        OK(pgqrs_cq_wait(cq, -1));
        CHECK(pgqrs_cq_poll(cq, done, 0) == 0 && pgqrs_cq_poll(cq, NULL, 0) == 0);
        CHECK(pgqrs_cq_poll(cq, done, 8) == 1 && done[0].user_data == 4 && !readable(fd));
        OK(pgqrs_close(cq));
        EXPECT(PGQRS_E_HANDLE, pgqrs_cq_poll(cq, done, 8));
        EXPECT(PGQRS_E_HANDLE, pgqrs_cq_nop(cq, 5, NULL, NULL));
    }
}

static void *wait_for_ever(void *cq) { return (void *)(intptr_t)pgqrs_cq_wait(*(pgqrs_handle *)cq, -1); }

/* A thread in wait keeps others out, and hears when the queue is closed. */
static void one_thread(void) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 1000000};
    pgqrs_handle cq;
    pgqrs_completion done;
    pthread_t thread;
    void *answer;

    OK(pgqrs_cq_open(NULL, &cq));
    CHECK(pthread_create(&thread, NULL, wait_for_ever, &cq) == 0);
    while (pgqrs_cq_poll(cq, &done, 1) != PGQRS_E_STATE) nanosleep(&pause, NULL);
    OK(pgqrs_close(cq));
    CHECK(pthread_join(thread, &answer) == 0 && (intptr_t)answer == PGQRS_E_CLOSED);
}

int main(int argc, char **argv) {
    pgqrs_store_options options;
    pgqrs_handle cq, store, producer, consumer;
    CHECK(argc == 2);
    OK(pgqrs_cq_open(NULL, &cq));
    PGQRS_INIT(&options);
    options.dsn = pgqrs_cstr(argv[1]);
    options.config = pgqrs_cstr("{\"max_connections\": 4}");
    options.flags = PGQRS_STORE_BOOTSTRAP;
    store = take_ok(cq, pgqrs_store_open(&options, cq, 0, NULL, NULL));
    create_queue(store, "tasks");
    create_queue(store, "other");
    producer = open_producer(store, "tasks");
    consumer = open_consumer(store, "tasks");
    verbs(cq, producer, consumer);
    cancelling(cq, store);
    losing(cq, store);
    interrupting(cq, store);
    accepted_runs_to_its_end(cq, store);
    discarding(cq, store);
    limits();
    one_thread();
    /* Everything that was closed has ended: after the stop children say so. */
    CHECK(take_ok(cq, pgqrs_store_stop(store, cq, 99, NULL, NULL)) == 0);
    {
        pgqrs_completion done = take(cq, pgqrs_dequeue(consumer, NULL, cq, 100, NULL, NULL));
        CHECK(done.status == PGQRS_E_CLOSED);
        OK(pgqrs_close(done.error));
    }
    OK(pgqrs_close(store));
    OK(pgqrs_shutdown_wait(10000));
    return 0;
}
