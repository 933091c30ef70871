/* threads.c DSN - threads share everything: nothing lost, nothing taken twice. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

#define THREADS 8
#define PER_THREAD 50

static pgqrs_handle store, producer, consumer;
static int64_t taken[THREADS][PER_THREAD];

static void *put(void *unused) {
    pgqrs_str payload = pgqrs_cstr("{\"k\":[1,2,3]}");
    int64_t id;
    int i;
    for (i = 0; i < PER_THREAD; i++) OK(pgqrs_enqueue_wait(producer, &payload, 0, 60000, &id, NULL));
    return unused;
}

static void *get(void *mine) {
    int64_t *ids = (int64_t *)mine;
    pgqrs_handle result;
    pgqrs_list list;
    int i;
    for (i = 0; i < PER_THREAD; i++) {
        OK(pgqrs_dequeue_wait(consumer, 1, 600000, 60000, -1, &result, NULL));
        OK(pgqrs_result_messages(result, &list));
        CHECK(list.count == 1);
        ids[i] = message_at(&list, 0)->id;
        OK(pgqrs_close(result));
        OK(pgqrs_archive_wait(consumer, ids[i], 1, 60000, NULL));
    }
    return NULL;
}

/* Opens and closes objects while other threads use the same store. */
static void *come_and_go(void *unused) {
    pgqrs_handle cq, h;
    int i;
    for (i = 0; i < 10; i++) {
        OK(pgqrs_cq_open(NULL, &cq));
        h = open_consumer(store, "tasks");
        OK(pgqrs_cq_nop(cq, 1, NULL, NULL));
        OK(pgqrs_close(h));
        OK(pgqrs_close(cq));
    }
    return unused;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    pthread_t putters[THREADS], getters[THREADS], guest;
    int i;

    CHECK(argc == 2);
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    producer = open_producer(store, "tasks");
    consumer = open_consumer(store, "tasks");
    CHECK(pthread_create(&guest, NULL, come_and_go, NULL) == 0);
    for (i = 0; i < THREADS; i++) CHECK(pthread_create(&getters[i], NULL, get, taken[i]) == 0);
    for (i = 0; i < THREADS; i++) CHECK(pthread_create(&putters[i], NULL, put, NULL) == 0);
    for (i = 0; i < THREADS; i++) CHECK(pthread_join(putters[i], NULL) == 0);
    for (i = 0; i < THREADS; i++) CHECK(pthread_join(getters[i], NULL) == 0);
    CHECK(pthread_join(guest, NULL) == 0);

    qsort(taken, THREADS * PER_THREAD, sizeof(int64_t), by_value);
    for (i = 1; i < THREADS * PER_THREAD; i++) CHECK((&taken[0][0])[i] > (&taken[0][0])[i - 1]);
    OK(pgqrs_shutdown_wait(20000));
    return 0;
}
