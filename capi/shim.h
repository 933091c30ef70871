/*
 * shim.h - what the C half of the library (shim*.c, guard.c) and the Go half
 * (exports_*.go) tell each other. Nothing in here is public.
 *
 * pgqrs.h is a link to ../include/pgqrs.h: the go command rebuilds when a header
 * in this directory changes, and would not notice one elsewhere.
 */
#ifndef PGQRS_SHIM_H
#define PGQRS_SHIM_H

#include <stddef.h>

#include "pgqrs.h"

/* Inputs as Go sees them: cgo keeps a typedef's name in _cgo_export.h, and so the
 * const in it, which it would drop from `const pgqrs_str *`. */
typedef const pgqrs_str in_str;
typedef const pgqrs_token in_token;
typedef const char in_char;

/* How an asynchronous call wants its answer: the last four parameters of every
 * one of them. */
typedef struct shim_submit {
    pgqrs_handle cq;
    uint64_t user_data;
    pgqrs_handle *op;    /* or NULL */
    pgqrs_handle *error; /* or NULL */
} shim_submit;
typedef const shim_submit in_submit;

/* Options as Go sees them: complete, zero where the caller's struct was shorter. */
typedef const pgqrs_cq_options in_cq_options;
typedef const pgqrs_store_options in_store_options;
typedef const pgqrs_worker_options in_worker_options;
typedef const pgqrs_enqueue_options in_enqueue_options;
typedef const pgqrs_dequeue_options in_dequeue_options;
typedef const pgqrs_release_options in_release_options;
typedef const pgqrs_queue_options in_queue_options;
typedef const pgqrs_table_options in_table_options;

/* ---- guard.c ---------------------------------------------------------------- */

/* FORKED in a child of the process that loaded the library, else OK. */
int32_t guard_process(void);
/* FORKED, POISONED or OK. */
int32_t guard_check(void);
/* Makes guard_check answer POISONED from now on. */
void guard_poison(void);
/* Puts the host's SIGURG handler back where the Go runtime has replaced it. */
void guard_restore_sigurg(void);
/* Has a forked child close fd at once. Returns the registration, or -1 when the
 * descriptor is not open or the table is full. */
int32_t guard_descriptor_add(int32_t fd);
void guard_descriptor_remove(int32_t registration);

/* ---- shim_check.c ------------------------------------------------------------
 * Each check answers a status. With `error` not NULL a refusal also leaves an
 * error handle there that names the argument. */

/* Runs a step of a shim unless an earlier one was refused: one exit a shim. */
#define THEN(st, step)                        \
    do {                                      \
        if ((st) == PGQRS_OK) (st) = (step); \
    } while (0)

/* Begins an asynchronous call: clears *op and *error and fills in s. */
int32_t shim_accept(shim_submit *s, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Begins a blocking call: clears *error. */
int32_t shim_begin(pgqrs_handle *error);
/* An output pointer must not be NULL; clears size bytes there. */
int32_t shim_out(void *out, size_t size, const char *name, pgqrs_handle *error);
/* A text that may be "not given", but whose bytes must exist. */
int32_t shim_text(const pgqrs_str *text, const char *name, pgqrs_handle *error);
/* A pointer to a text that must not be NULL. */
int32_t shim_need_text(const pgqrs_str *text, const char *name, pgqrs_handle *error);
/* An array of texts that must exist when count is not 0. */
int32_t shim_texts(const pgqrs_str *texts, uint32_t count, const char *name, pgqrs_handle *error);
/* An array of records that must exist when count is not 0. */
int32_t shim_array(const void *items, uint32_t count, const char *name, pgqrs_handle *error);
/* Copies a caller's size-first struct, which may be older (shorter) or newer
 * (longer) than ours, to `into` of `size` bytes. NULL means all zero. */
int32_t shim_options(void *into, size_t size, const void *from, const char *name, pgqrs_handle *error);
#define SHIM_OPTIONS(into, from, error) shim_options((into), sizeof *(into), (from), "options", (error))
/* shim_options for table options, and a look at the texts in them. */
int32_t shim_table_options(pgqrs_table_options *into, const pgqrs_table_options *from, pgqrs_handle *error);

#endif /* PGQRS_SHIM_H */
