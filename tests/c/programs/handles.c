/* handles.c DSN [COUNT] - so many handles come and go, and neither their table nor the
 * process grows. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "check.h"

#define SLOTS 256u        /* of the table, for the few that are open at once */
#define GROWTH (8l << 20)  /* bytes the heap of a collector may be larger by chance */
#define RARELY 1000       /* one turn in so many opens what takes a transaction */
#define POOL 16            /* connections a store may open at any time: the default of its pool */

static pgqrs_handle cq, store;
static long closed;
static uint32_t highest;

/* A handle's low half is its slot in the table. */
static void note(pgqrs_handle handle) {
    if ((uint32_t)handle > highest) highest = (uint32_t)handle;
}

static void close_it(pgqrs_handle handle) {
    note(handle);
    OK(pgqrs_close(handle));
    EXPECT(PGQRS_E_HANDLE, pgqrs_close(handle));
    closed++;
}

/* One of each kind: queue, op, result, error; and rarely a store and its workers. */
static void turn(const char *dsn, long n) {
    pgqrs_handle queue, op, error, another;
    OK(pgqrs_cq_open(NULL, &queue));
    OK(pgqrs_cq_nop(queue, 1, &op, NULL));
    note(op);
    take_ok(queue, PGQRS_OK);
    EXPECT(PGQRS_E_HANDLE, pgqrs_op_cancel(op));
    closed++;
    close_it(queue);
    EXPECT(PGQRS_E_HANDLE, pgqrs_cq_nop(queue, 1, NULL, &error));
    close_it(error);
    close_it(take_ok(cq, pgqrs_store_activity(store, cq, 1, NULL, NULL)));
    if (n % RARELY != 0) return;
    another = open_store(dsn);
    close_it(open_producer(another, "tasks"));
    close_it(open_consumer(another, "tasks"));
    close_it(another);
}

static void turns(const char *dsn, long handles) {
    long n, end = closed + handles;
    for (n = 0; closed < end; n++) turn(dsn, n);
}

/* Bytes of this process that are in memory. */
static long resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%*s %ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* The lowest descriptor that is free: it rises where one is left open. */
static int lowest(void) {
    int fd = dup(1);
    CHECK(fd >= 0);
    close(fd);
    return fd;
}

int main(int argc, char **argv) {
    long count, before;
    int fd;

    CHECK(argc == 2 || argc == 3);
    count = argc == 3 ? atol(argv[2]) : 20000;
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    turns(argv[1], count / 4); /* until the collector has its size */
    before = resident();
    fd = lowest();
    turns(argv[1], count);
    printf("%ld handles closed, slots up to %u, %+ld KB\n", closed, highest, (resident() - before) / 1024);
    CHECK(highest < SLOTS);
    CHECK(resident() - before < GROWTH);
    CHECK(lowest() <= fd + POOL);
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
    OK(pgqrs_shutdown_wait(20000));
    return 0;
}
