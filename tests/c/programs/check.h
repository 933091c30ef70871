/*
 * check.h - what the test programs share. A failed check names its line and what
 * the library said, and ends the program with status 1.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "pgqrs.h"

#define CHECK(what)                                                              \
    do {                                                                         \
        if (!(what)) {                                                           \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

/* The call must answer this status. */
#define EXPECT(status, call) expect((call), (status), #call, __FILE__, __LINE__, NULL)
/* As EXPECT, and *error is read for the message and closed. */
#define EXPECT_E(status, error, call) expect((call), (status), #call, __FILE__, __LINE__, (error))
#define OK(call) EXPECT(PGQRS_OK, call)

static inline void expect(int32_t have, int32_t want, const char *call, const char *file, int line,
                          pgqrs_handle *error) {
    pgqrs_error_detail detail;
    PGQRS_INIT(&detail);
    if (have != want) {
        fprintf(stderr, "%s:%d: %s\n  answers %d (%s), not %d (%s)\n", file, line, call, have, pgqrs_status_text(have),
                want, pgqrs_status_text(want));
        if (error && pgqrs_error_info(*error, &detail) == PGQRS_OK)
            fprintf(stderr, "  %s: %s [%s]\n", detail.operation.data, detail.message.data, detail.field.data);
        exit(1);
    }
    if (error && have < 0) {
        if (pgqrs_error_info(*error, &detail) != PGQRS_OK || detail.code != have || detail.message.len == 0) {
            fprintf(stderr, "%s:%d: %s\n  left no error that says %d\n", file, line, call, have);
            exit(1);
        }
        pgqrs_close(*error);
        *error = 0;
    }
}

static inline pgqrs_handle open_store(const char *dsn) {
    pgqrs_handle store = 0, error = 0;
    pgqrs_str text = pgqrs_cstr(dsn);
    EXPECT_E(PGQRS_OK, &error, pgqrs_store_open_wait(&text, 30000, &store, &error));
    EXPECT_E(PGQRS_OK, &error, pgqrs_install_wait(store, 30000, &error));
    return store;
}

static inline void create_queue(pgqrs_handle store, const char *name) {
    pgqrs_handle error = 0;
    pgqrs_str text = pgqrs_cstr(name);
    EXPECT_E(PGQRS_OK, &error, pgqrs_queue_create_wait(store, &text, 30000, &error));
}

static inline pgqrs_handle open_producer(pgqrs_handle store, const char *queue) {
    pgqrs_handle producer = 0, error = 0;
    pgqrs_str text = pgqrs_cstr(queue);
    EXPECT_E(PGQRS_OK, &error, pgqrs_producer_open_wait(store, &text, 30000, &producer, &error));
    return producer;
}

static inline pgqrs_handle open_consumer(pgqrs_handle store, const char *queue) {
    pgqrs_handle consumer = 0, error = 0;
    pgqrs_str text = pgqrs_cstr(queue);
    EXPECT_E(PGQRS_OK, &error, pgqrs_consumer_open_wait(store, &text, 30000, &consumer, &error));
    return consumer;
}

/* Takes the completion of a submitted call from a queue nobody else uses. */
static inline pgqrs_completion take(pgqrs_handle cq, int32_t submitted) {
    pgqrs_completion done;
    int32_t n;
    OK(submitted);
    while ((n = pgqrs_cq_poll(cq, &done, 1)) == 0) OK(pgqrs_cq_wait(cq, 30000));
    CHECK(n == 1);
    return done;
}

/* As take, for a call that must succeed; prints why when it did not. */
static inline pgqrs_handle take_ok(pgqrs_handle cq, int32_t submitted) {
    pgqrs_completion done = take(cq, submitted);
    pgqrs_handle error = done.error;
    EXPECT_E(PGQRS_OK, &error, done.status);
    return done.result;
}

static inline const pgqrs_message *message_at(const pgqrs_list *list, uint32_t i) {
    return (const pgqrs_message *)((const char *)list->items + (size_t)i * list->item_size);
}

static inline int64_t id_at(const pgqrs_list *list, uint32_t i) {
    return *(const int64_t *)((const char *)list->items + (size_t)i * list->item_size);
}

static inline int32_t outcome_at(const pgqrs_list *list, uint32_t i) {
    return *(const int32_t *)((const char *)list->items + (size_t)i * list->item_size);
}

#endif /* CHECK_H */
