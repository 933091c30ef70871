/* exhausted.c DSN - every allocation of C memory that the library makes fails once,
 * each in its turn. Calls answer an error or their result, nothing that was
 * answered is lost, no lease is stranded, and the library lives. */
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>

#include "check.h"

#define STORED 2     /* messages of one enqueue */
#define MOST 16      /* failing allocations of one call; none makes so many */
#define PATIENCE 500 /* looks, of 20 ms each */

static uintptr_t begin, end; /* of the library in memory */
static int fuse = -1;        /* allocations until the one that fails; negative: none fails */
static int fired;

extern void *__libc_malloc(size_t);

/* The program's own malloc is everybody's. Only calls from the library's code can
 * fail, and not those by which Go's runtime starts a thread, of three words: it
 * ends the process without them, as it does when it has no memory of its own. */
void *malloc(size_t size) {
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    if (caller >= begin && caller < end && size != 3 * sizeof(void *) && __atomic_load_n(&fuse, __ATOMIC_SEQ_CST) >= 0 &&
        __atomic_fetch_sub(&fuse, 1, __ATOMIC_SEQ_CST) == 0) {
        __atomic_store_n(&fired, 1, __ATOMIC_SEQ_CST);
        return NULL;
    }
    return __libc_malloc(size);
}

/* Finds the object that an address of the library's constants lies in. */
static int locate(struct dl_phdr_info *object, size_t size, void *constant) {
    uintptr_t from = UINTPTR_MAX, to = 0;
    int i;
    (void)size;
    for (i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD) continue;
        if (object->dlpi_addr + part->p_vaddr < from) from = object->dlpi_addr + part->p_vaddr;
        if (object->dlpi_addr + part->p_vaddr + part->p_memsz > to) to = object->dlpi_addr + part->p_vaddr + part->p_memsz;
    }
    if ((uintptr_t)constant < from || (uintptr_t)constant >= to) return 0;
    begin = from;
    end = to;
    return 1;
}

static pgqrs_handle cq, store, producer, consumer;
static int stored, archived, failures, unexplained;

/* How a call went that may have had no memory. */
static int went(int32_t want, int32_t status, pgqrs_handle error) {
    pgqrs_error_detail detail;
    PGQRS_INIT(&detail);
    if (status == want && want == PGQRS_OK) return 1;
    CHECK(status == want || status == PGQRS_E_INTERNAL);
    if (error == 0) {
        unexplained++; /* there was no memory for its texts */
    } else {
        OK(pgqrs_error_info(error, &detail));
        CHECK(detail.code == status);
        CHECK(status == want || strstr(detail.message.data, "out of memory") != NULL);
        OK(pgqrs_close(error));
    }
    return 0;
}

static int finish(int32_t want, int32_t submitted, pgqrs_handle *result) {
    pgqrs_completion done = take(cq, submitted);
    *result = done.result;
    CHECK(done.status == PGQRS_OK || done.result == 0);
    return went(want, done.status, done.error);
}

static void enqueue(void) {
    pgqrs_str payloads[STORED];
    pgqrs_handle result;
    int i;
    for (i = 0; i < STORED; i++) payloads[i] = pgqrs_cstr("{\"text\":\"abc\"}");
    if (finish(PGQRS_OK, pgqrs_enqueue(producer, payloads, STORED, NULL, cq, 1, NULL, NULL), &result)) OK(pgqrs_close(result));
    stored += STORED; /* also when there was no room to say so, which the error says */
}

/* Whoever looks again finds what could not be handed out, as if nobody had leased it. */
static void dequeue(void) {
    pgqrs_dequeue_options options;
    pgqrs_handle result;
    pgqrs_list list;
    PGQRS_INIT(&options);
    options.batch = 1000;
    if (!finish(PGQRS_OK, pgqrs_dequeue(consumer, &options, cq, 2, NULL, NULL), &result)) return;
    OK(pgqrs_result_messages(result, &list));
    OK(pgqrs_result_discard(result));
}

static void dequeue_wait(void) {
    pgqrs_handle result = 0, error = 0;
    int32_t status = pgqrs_dequeue_wait(consumer, 1, 0, 0, 30000, &result, &error);
    if (went(PGQRS_OK, status, error)) OK(pgqrs_result_discard(result));
}

static void archive(void) {
    pgqrs_token tokens[STORED];
    pgqrs_dequeue_options options;
    pgqrs_handle result;
    pgqrs_list list;
    uint32_t i;
    int saved = __atomic_exchange_n(&fuse, -1, __ATOMIC_SEQ_CST); /* it is the archive that shall fail */
    PGQRS_INIT(&options);
    options.batch = STORED;
    options.wait_ms = 10000;
    result = take_ok(cq, pgqrs_dequeue(consumer, &options, cq, 3, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    memset(tokens, 0, sizeof tokens);
    CHECK(list.count > 0 && list.count <= STORED);
    for (i = 0; i < list.count; i++) {
        tokens[i].id = message_at(&list, i)->id;
        tokens[i].read_ct = message_at(&list, i)->read_ct;
        CHECK(tokens[i].read_ct == 1); /* no lease counts that nobody was told of */
    }
    i = list.count;
    OK(pgqrs_close(result));
    __atomic_store_n(&fuse, saved, __ATOMIC_SEQ_CST);
    if (finish(PGQRS_OK, pgqrs_archive(consumer, tokens, i, cq, 4, NULL, NULL), &result)) OK(pgqrs_close(result));
    archived += (int)i;
}

static void refusal(void) {
    pgqrs_str missing = pgqrs_cstr("missing");
    pgqrs_handle result;
    finish(PGQRS_E_QUEUE_NOT_FOUND, pgqrs_queue_get(store, &missing, cq, 5, NULL, NULL), &result);
}

static void refused_argument(void) {
    pgqrs_handle error = 0;
    int32_t status = pgqrs_enqueue_wait(producer, NULL, 0, 1000, NULL, &error);
    went(PGQRS_E_INVALID_ARGUMENT, status, error);
}

static void document(void) {
    pgqrs_handle result;
    if (finish(PGQRS_OK, pgqrs_store_stats(store, cq, 6, NULL, NULL), &result)) OK(pgqrs_close(result));
}

static void messages(void) {
    pgqrs_handle result;
    if (finish(PGQRS_OK, pgqrs_message_list(store, NULL, cq, 7, NULL, NULL), &result)) OK(pgqrs_close(result));
}

static void exhaust(const char *name, void (*call)(void)) {
    int n, hits = 0;
    for (n = 0; n < MOST; n++) {
        __atomic_store_n(&fired, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&fuse, n, __ATOMIC_SEQ_CST);
        call();
        __atomic_store_n(&fuse, -1, __ATOMIC_SEQ_CST);
        OK(pgqrs_runtime_wait()); /* not poisoned */
        if (!__atomic_load_n(&fired, __ATOMIC_SEQ_CST)) break;
        hits++;
        failures++;
    }
    CHECK(hits > 0 && n < MOST);
    printf("%s: %d allocations failed\n", name, hits);
}

/* Takes what is left, all of it leased for the first time. */
static int drain(void) {
    pgqrs_dequeue_options options;
    pgqrs_handle result;
    pgqrs_list list;
    uint32_t i;
    int taken = 0, looks;
    PGQRS_INIT(&options);
    options.batch = 1000;
    options.wait_ms = 20;
    for (looks = 0; looks < PATIENCE && taken < stored - archived; looks++) {
        result = take_ok(cq, pgqrs_dequeue(consumer, &options, cq, 8, NULL, NULL));
        OK(pgqrs_result_messages(result, &list));
        for (i = 0; i < list.count; i++) CHECK(message_at(&list, i)->read_ct == 1);
        taken += (int)list.count;
        OK(pgqrs_close(result));
    }
    return taken;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(dl_iterate_phdr(locate, (void *)(uintptr_t)pgqrs_version()) == 1);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    producer = open_producer(store, "tasks");
    consumer = open_consumer(store, "tasks");
    exhaust("enqueue", enqueue);
    exhaust("dequeue", dequeue);
    exhaust("dequeue_wait", dequeue_wait);
    exhaust("archive", archive);
    exhaust("an error", refusal);
    exhaust("a refused argument", refused_argument);
    exhaust("stats", document);
    exhaust("messages", messages);
    CHECK(drain() == stored - archived);
    printf("%d failures, %d errors without a text; %d stored, %d archived\n", failures, unexplained, stored, archived);
    OK(pgqrs_close(producer));
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
    OK(pgqrs_shutdown_wait(30000));
    return 0;
}
