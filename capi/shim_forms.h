/*
 * shim_forms.h - the asynchronous functions that differ in nothing but their
 * names: each line of shim_*.c defines one. What they are for says pgqrs.h, and
 * the compiler compares each with its declaration there.
 */
#ifndef PGQRS_SHIM_FORMS_H
#define PGQRS_SHIM_FORMS_H

#include "shim.h"

/* The last four parameters of every asynchronous function. */
#define SHIM_TAIL pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error

/* Of an object: (handle). */
#define SHIM_PLAIN(function, go)                                \
    int32_t function(pgqrs_handle object, SHIM_TAIL) {          \
        shim_submit s;                                          \
        int32_t st = shim_accept(&s, cq, user_data, op, error); \
        THEN(st, go(object, &s));                               \
        return st;                                              \
    }

/* Of a row: (store, id). */
#define SHIM_BY_ID(function, go)                                  \
    int32_t function(pgqrs_handle store, int64_t id, SHIM_TAIL) { \
        shim_submit s;                                            \
        int32_t st = shim_accept(&s, cq, user_data, op, error);   \
        THEN(st, go(store, id, &s));                              \
        return st;                                                \
    }

/* Of something with a name: (store, name); refusals call the argument `what`. */
#define SHIM_BY_NAME(function, go, what)                                     \
    int32_t function(pgqrs_handle store, const pgqrs_str *name, SHIM_TAIL) { \
        shim_submit s;                                                       \
        int32_t st = shim_accept(&s, cq, user_data, op, error);              \
        THEN(st, shim_need_text(name, what, error));                         \
        THEN(st, go(store, name, &s));                                       \
        return st;                                                           \
    }

/* Of the rows of a table: (store, table options). */
#define SHIM_ROWS(function, go)                                                           \
    int32_t function(pgqrs_handle store, const pgqrs_table_options *options, SHIM_TAIL) { \
        shim_submit s;                                                                    \
        pgqrs_table_options o;                                                            \
        int32_t st = shim_accept(&s, cq, user_data, op, error);                           \
        THEN(st, shim_table_options(&o, options, error));                                 \
        THEN(st, go(store, &o, &s));                                                      \
        return st;                                                                        \
    }

/* Of something new with a name and options: (store, name, options of that type). */
#define SHIM_NEW(function, go, what, type, check)                                                 \
    int32_t function(pgqrs_handle store, const pgqrs_str *name, const type *options, SHIM_TAIL) { \
        shim_submit s;                                                                            \
        type o;                                                                                   \
        int32_t st = shim_accept(&s, cq, user_data, op, error);                                   \
        THEN(st, shim_need_text(name, what, error));                                              \
        THEN(st, SHIM_OPTIONS(&o, options, error));                                               \
        THEN(st, check);                                                                          \
        THEN(st, go(store, name, &o, &s));                                                        \
        return st;                                                                                \
    }

/* Of messages held: (consumer, tokens, count). */
#define SHIM_TOKENS(function, go)                                                                   \
    int32_t function(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, SHIM_TAIL) { \
        shim_submit s;                                                                              \
        int32_t st = shim_accept(&s, cq, user_data, op, error);                                     \
        THEN(st, shim_array(tokens, count, "tokens", error));                                       \
        THEN(st, go(consumer, tokens, count, &s));                                                  \
        return st;                                                                                  \
    }

/* Of a result or a worker, at once: (object, where to). */
#define SHIM_READ(function, go, type, what, guard)           \
    int32_t function(pgqrs_handle object, type *what) {      \
        int32_t st = guard();                                \
        THEN(st, shim_out(what, sizeof *what, #what, NULL)); \
        THEN(st, go(object, what));                          \
        return st;                                           \
    }

#endif /* PGQRS_SHIM_FORMS_H */
