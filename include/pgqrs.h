/*
 * pgqrs.h - a durable job queue on PostgreSQL or one SQLite file.
 *
 * This file is the contract: every runtime reaches the queue through it.
 *
 *     #include <stdio.h>
 *     #include "pgqrs.h"
 *
 *     int main(void) {
 *         pgqrs_handle store, producer, consumer, batch = 0, error = 0;
 *         pgqrs_str dsn = pgqrs_cstr("sqlite:///jobs.db"), tasks = pgqrs_cstr("tasks");
 *         pgqrs_str payload = pgqrs_cstr("{\"n\":1}");
 *         pgqrs_list list;
 *         int64_t id;
 *         int32_t st;
 *
 *         if ((st = pgqrs_store_open_wait(&dsn, -1, &store, &error)) < 0) goto end;
 *         st = pgqrs_queue_create_wait(store, &tasks, -1, &error);
 *         if (st < 0 && st != PGQRS_E_QUEUE_EXISTS) goto end;
 *         if ((st = pgqrs_producer_open_wait(store, &tasks, -1, &producer, &error)) < 0) goto end;
 *         if ((st = pgqrs_consumer_open_wait(store, &tasks, -1, &consumer, &error)) < 0) goto end;
 *         if ((st = pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, &error)) < 0) goto end;
 *         if ((st = pgqrs_dequeue_wait(consumer, 1, 30000, 1000, -1, &batch, &error)) < 0) goto end;
 *         if ((st = pgqrs_result_messages(batch, &list)) < 0 || list.count == 0) goto end;
 *         id = ((const pgqrs_message *)list.items)->id;
 *         if ((st = pgqrs_extend_vt_wait(consumer, id, 0, 60000, -1, &error)) < 0) goto end;
 *         st = pgqrs_archive_wait(consumer, id, 0, -1, &error);
 *     end:
 *         if (st < 0) fprintf(stderr, "%s\n", pgqrs_status_text(st));
 *         return pgqrs_shutdown_wait(1000) < 0 || st < 0;
 *     }
 *
 * Conventions
 *
 *   - A function returns a status: PGQRS_OK (0) or a negative PGQRS_E_ code; a
 *     positive value only where a count is documented. Statuses that any call may
 *     answer and that are not repeated below: HANDLE, CLOSED, FORKED, POISONED,
 *     INTERNAL, INVALID_ARGUMENT.
 *   - A call is quick (it never waits for network or database) unless its name
 *     ends in _wait. Asynchronous calls end in (cq, user_data, op, error): they
 *     validate, copy and accept, and the outcome arrives as one completion.
 *     `op` and `error` may be NULL.
 *   - Inputs are copied before a call returns; the library never keeps a caller's
 *     pointer. Outputs belong to the handle they were read from. Times are int64_t
 *     microseconds since 1970-01-01 UTC, spans are milliseconds.
 *   - Any function, any thread, any time, except pgqrs_cq_poll and pgqrs_cq_wait:
 *     one thread at a time per queue.
 *   - After fork() every function that enters the library answers FORKED in the
 *     child; load the library after the fork, or start children by exec.
 *   - After a panic of its own the library answers POISONED and nothing else runs;
 *     its first panic is printed to standard error. What was delivered can still
 *     be polled, read and closed.
 *   - Option structs start with struct_size and are filled by PGQRS_INIT; all
 *     zero means the documented default. They only ever grow at the end.
 */
#ifndef PGQRS_H
#define PGQRS_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PGQRS_API __attribute__((visibility("default")))
#else
#define PGQRS_API
#endif

/* The ABI this header describes; compare with pgqrs_abi_version(). */
#define PGQRS_ABI_VERSION 1

/* ---- Status codes: generated from capi/status.tsv by `make generate` ------ */
/* status:begin */
#define PGQRS_OK                   0      /* ok */
#define PGQRS_E_INVALID_ARGUMENT   (-101) /* invalid argument */
#define PGQRS_E_HANDLE             (-102) /* stale or wrong handle */
#define PGQRS_E_STATE              (-103) /* call not allowed now */
#define PGQRS_E_ABI_MISMATCH       (-104) /* the caller and the library disagree on the ABI */
#define PGQRS_E_UNSUPPORTED        (-105) /* not supported by this engine or build */
#define PGQRS_E_BUSY               (-106) /* completion queue is full: drain it and submit again */
#define PGQRS_E_CLOSED             (-201) /* closed */
#define PGQRS_E_CANCELLED          (-202) /* cancelled, nothing was committed */
#define PGQRS_E_TIMEOUT            (-203) /* deadline passed, nothing was committed */
#define PGQRS_E_FORKED             (-204) /* the library was loaded before fork() */
#define PGQRS_E_POISONED           (-205) /* an earlier panic stopped the library: restart the process */
#define PGQRS_E_CONFIG             (-301) /* bad configuration */
#define PGQRS_E_CONNECT            (-302) /* cannot connect */
#define PGQRS_E_DATABASE           (-303) /* database error */
#define PGQRS_E_SCHEMA             (-304) /* schema missing, altered or of another version */
#define PGQRS_E_POOL_EXHAUSTED     (-305) /* no free connection */
#define PGQRS_E_OUTCOME_UNKNOWN    (-306) /* connection lost at commit, outcome unknown */
#define PGQRS_E_QUEUE_NOT_FOUND    (-401) /* queue not found */
#define PGQRS_E_QUEUE_EXISTS       (-402) /* queue already exists */
#define PGQRS_E_WORKER_NOT_FOUND   (-403) /* worker not found */
#define PGQRS_E_MESSAGE_NOT_FOUND  (-404) /* message not found */
#define PGQRS_E_LEASE_LOST         (-405) /* lease lost */
#define PGQRS_E_VALIDATION         (-406) /* validation failed */
#define PGQRS_E_RATE_LIMITED       (-407) /* rate limited */
#define PGQRS_E_SERIALIZATION      (-408) /* not JSON, or JSON the database refuses */
#define PGQRS_E_STATE_TRANSITION   (-409) /* the present state forbids it */
#define PGQRS_E_TRANSIENT_STEP     (-410) /* step failed for now */
#define PGQRS_E_RETRIES_EXHAUSTED  (-411) /* retries exhausted */
#define PGQRS_E_STEP_NOT_READY     (-412) /* step not ready */
#define PGQRS_E_PAUSED             (-413) /* paused */
#define PGQRS_E_WORKFLOW_EXISTS    (-414) /* workflow already exists */
#define PGQRS_E_WORKFLOW_NOT_FOUND (-415) /* workflow not found */
#define PGQRS_E_RUN_CANCELLED      (-416) /* run cancelled */
#define PGQRS_E_INTERNAL           (-901) /* internal error */
/* status:end */

/* ---- Plain types ---------------------------------------------------------- */

/* Names one object of the library. 0 is never valid. Opaque. */
typedef uint64_t pgqrs_handle;

/* Borrowed bytes. As input: needs no NUL, {NULL, 0} is "not given". As output: a
 * NUL follows the len bytes; valid until the owning handle is closed. */
typedef struct pgqrs_str {
    const char *data;
    uint64_t len;
} pgqrs_str;

/* A borrowed array: record i starts at (const char *)items + i * item_size.
 * Use item_size as the stride, records may grow at their end. */
typedef struct pgqrs_list {
    const void *items;
    uint32_t item_size;
    uint32_t count;
} pgqrs_list;

/* What an asynchronous call came to. 32 bytes, fixed for ABI 1.
 *   user_data  as given at submit, never interpreted
 *   status     PGQRS_OK or a negative code
 *   flags      PGQRS_CQE_MORE: more completions of this op will follow
 *              PGQRS_CQE_VALUE: result is no handle but the only item of a list of
 *              ids or outcomes, read as int64_t; only on a queue opened with
 *              PGQRS_CQ_VALUES, where it saves reading and closing a result
 *   result     a new object (open calls) or a result handle; 0 for nothing
 *   error      an error handle when status is negative, else 0
 * result and error are the receiver's to close, also when nobody waits any more. */
typedef struct pgqrs_completion {
    uint64_t user_data;
    int32_t status;
    uint32_t flags;
    pgqrs_handle result;
    pgqrs_handle error;
} pgqrs_completion;

#define PGQRS_CQE_MORE  0x1u
#define PGQRS_CQE_VALUE 0x2u

/* One message of a result. A field whose PGQRS_HAS_ bit is clear in `present` is
 * NULL in the database and 0 here; id, queue_id, payload, enqueued_at, vt and
 * read_ct are always there. payload is a JSON document exactly as the engine
 * returned it. */
typedef struct pgqrs_message {
    int64_t id;
    int64_t queue_id;
    int64_t enqueued_at;
    int64_t vt;
    int64_t dequeued_at;
    int64_t archived_at;
    int64_t producer_worker_id;
    int64_t consumer_worker_id;
    pgqrs_str payload;
    pgqrs_str dead_reason;
    int32_t read_ct;
    uint32_t present;
} pgqrs_message;

#define PGQRS_HAS_DEQUEUED_AT 0x01u
#define PGQRS_HAS_ARCHIVED_AT 0x02u
#define PGQRS_HAS_PRODUCER_WORKER_ID 0x04u
#define PGQRS_HAS_CONSUMER_WORKER_ID 0x08u
#define PGQRS_HAS_DEAD_REASON 0x10u

/* Names one lease. read_ct 0: the owner alone decides; else the acknowledgement
 * takes effect only if the message was leased exactly so often. */
typedef struct pgqrs_token {
    int64_t id;
    int32_t read_ct;
    uint32_t reserved; /* 0 */
} pgqrs_token;

/* Everything known about a failure. Views are valid until the error is closed. */
typedef struct pgqrs_error_detail {
    uint32_t struct_size;
    int32_t code;
    pgqrs_str message;   /* for people: what is wrong and what mends it; no secrets */
    pgqrs_str operation; /* "enqueue" */
    pgqrs_str field;     /* argument, option or entity at fault, or empty */
    char sqlstate[8];    /* PostgreSQL's code, NUL-terminated; empty otherwise */
    int64_t retry_after_ms;
    uint32_t flags;      /* PGQRS_ERROR_ bits */
    uint32_t reserved;
} pgqrs_error_detail;

#define PGQRS_ERROR_TRANSIENT 0x1u     /* the same call may succeed later */
#define PGQRS_ERROR_SAFE_TO_RETRY 0x2u /* a repetition stores nothing twice */

#define PGQRS_INIT(p) (memset((p), 0, sizeof *(p)), (p)->struct_size = (uint32_t)sizeof *(p))

/* A view of a NUL-terminated string. NULL becomes "not given". since 1 */
static inline pgqrs_str pgqrs_cstr(const char *text) {
    pgqrs_str s;
    s.data = text;
    s.len = text ? (uint64_t)strlen(text) : 0;
    return s;
}

/* ---- Options: all zero is the default, they grow only at the end ---------- */

#define PGQRS_CQ_PIPE   0x1u /* a pipe instead of an eventfd (Linux) */
#define PGQRS_CQ_VALUES 0x2u /* results of one number come in the completion: see PGQRS_CQE_VALUE */

typedef struct pgqrs_cq_options {
    uint32_t struct_size;
    uint32_t flags;       /* PGQRS_CQ_PIPE | PGQRS_CQ_VALUES */
    uint32_t max_pending; /* ops in flight before submit answers BUSY; 0: 65536 */
    uint32_t reserved;
} pgqrs_cq_options;

#define PGQRS_STORE_BOOTSTRAP 0x1u /* install the schema while opening */

typedef struct pgqrs_store_options {
    uint32_t struct_size;
    uint32_t flags; /* PGQRS_STORE_BOOTSTRAP */
    pgqrs_str dsn;  /* required unless PGQRS_DSN or a configuration file gives it */
    pgqrs_str config; /* a flat JSON object of explicitly given properties, or empty */
} pgqrs_store_options;

#define PGQRS_WORKER_EPHEMERAL 0x1u /* leaves no row behind when it is closed */

typedef struct pgqrs_worker_options {
    uint32_t struct_size;
    uint32_t flags;     /* PGQRS_WORKER_EPHEMERAL */
    pgqrs_str hostname; /* a label; not given: this host's name, made unique */
    int32_t port;       /* a label, 0 to 65535 */
    uint32_t reserved;
} pgqrs_worker_options;

typedef struct pgqrs_enqueue_options {
    uint32_t struct_size;
    uint32_t flags;    /* 0 */
    int64_t delay_ms;  /* >= 0: visible so long after the commit; ignored with at */
    int64_t at;        /* not 0: visible from this instant (microseconds, UTC) */
    const pgqrs_str *dedup_keys; /* NULL, or as many as payloads: see pgqrs_enqueue */
} pgqrs_enqueue_options;

#define PGQRS_DEQUEUE_AUTO_EXTEND 0x1u /* keep the leases alive until acknowledged */
#define PGQRS_BATCH_DEFAULT 0xFFFFFFFFu /* as many as the store's default_max_batch_size */

typedef struct pgqrs_dequeue_options {
    uint32_t struct_size;
    uint32_t flags;      /* PGQRS_DEQUEUE_AUTO_EXTEND */
    uint32_t batch;      /* messages at most; 0: 1; or PGQRS_BATCH_DEFAULT */
    uint32_t reserved;
    int64_t lease_ms;    /* > 0; 0: the store's default lock time */
    int64_t wait_ms;     /* > 0: wait so long for a first message; -1: for ever */
    int64_t at;          /* not 0: eligible means vt <= this instant (microseconds) */
    int64_t keep_max_ms; /* auto extend at most so long; 0: the store's max_lease */
} pgqrs_dequeue_options;

typedef struct pgqrs_release_options {
    uint32_t struct_size;
    uint32_t flags; /* PGQRS_RELEASE_UNREAD */
    int64_t at;     /* not 0: eligible again from this instant; 0: now */
} pgqrs_release_options;

/* Undo the lease: read_ct goes back by one and, without `at`, a lease that was kept
 * alive (PGQRS_DEQUEUE_AUTO_EXTEND) gets its old place in the queue back. */
#define PGQRS_RELEASE_UNREAD 0x1u

typedef struct pgqrs_queue_options {
    uint32_t struct_size;
    int32_t max_read_ct; /* leases before a message is dead-lettered; 0: the store's */
} pgqrs_queue_options;

#define PGQRS_FILTER_DEAD_ONLY 0x1u /* archive: dead letters only */

/* Which rows a table call means. Fields that do not apply must be 0.
 * A payload contains a document as PostgreSQL's `jsonb @>` has it, on both engines:
 * an object contains another when each of its members is there and contained, an
 * array when each of its elements is contained in some element, at any place and
 * however often; scalars when they are equal, numbers by value; and an array
 * contains a scalar document that is one of its elements. */
typedef struct pgqrs_table_options {
    uint32_t struct_size;
    uint32_t flags;     /* PGQRS_FILTER_DEAD_ONLY */
    pgqrs_str queue;    /* only this queue */
    int64_t worker_id;  /* only this consumer */
    int64_t limit;      /* 0: 100 */
    int64_t offset;     /* rows to skip */
    int64_t older_than_ms; /* purge, health and reclaim: age; 0: their default */
    int32_t min_read_ct;   /* leased at least so often */
    uint32_t reserved;
    pgqrs_str payload;     /* a JSON document: only messages whose payload contains it */
    int64_t run_id;        /* steps: only those of this run */
    pgqrs_str status;      /* runs: only those in this state, for example "paused" */
} pgqrs_table_options;

/* ---- Library --------------------------------------------------------------
 * The first three are plain C: they work before anything else and after fork. */

/* The version of the library, "major.minor.patch". Static. Quick. since 1 */
PGQRS_API const char *pgqrs_version(void);

/* The ABI the library implements. Refuse to go on when it differs from
 * PGQRS_ABI_VERSION. Quick. since 1 */
PGQRS_API int32_t pgqrs_abi_version(void);

/* A short English text for a status; "unknown status" for others. Static.
 * Quick. since 1 */
PGQRS_API const char *pgqrs_status_text(int32_t status);

/* Waits until the library's runtime is up and the host's SIGURG handler is back.
 * Loaders call it once, right after the version check. Milliseconds. since 1 */
PGQRS_API int32_t pgqrs_runtime_wait(void);

/* Ends the library for good: refuses new ops, cancels waiting ones, flushes group
 * commits, releases the leases of loops it runs, closes every store, and answers
 * what is left with CLOSED.
 *   timeout_ms  >= 0 at most so long; -1 as long as it takes
 * Afterwards no call starts anything (CLOSED); completions can still be polled,
 * results read and handles closed. TIMEOUT: something was still running; the
 * process may exit all the same. A second call waits for the first and answers
 * OK. since 1 */
PGQRS_API int32_t pgqrs_shutdown_wait(int64_t timeout_ms);

/* Gives up the name of any object; returns at once. What is behind it ends when
 * nothing needs it any more: accepted ops run to their end, children of a store
 * keep working and the store ends with the last of them. Closing a producer or
 * consumer also ends its worker and releases what it still holds. Closing a cq
 * cancels its ops, discards what was not drained, then closes its fd: deregister
 * it from your loop first. Closing an op has no effect: it goes stale by itself.
 *   handle  0 is a no-op
 * HANDLE: closed before, or never valid. Quick. since 1 */
PGQRS_API int32_t pgqrs_close(pgqrs_handle handle);

/* ---- Errors and results ---------------------------------------------------- */

/* Reads an error.
 *   error   an error handle
 *   detail  filled in; struct_size set by PGQRS_INIT; views live as long as error
 * Quick. since 1 */
PGQRS_API int32_t pgqrs_error_info(pgqrs_handle error, pgqrs_error_detail *detail);

/* The ids an enqueue stored: int64_t, in input order. Views live as long as
 * result. STATE: the result is of another kind. Quick. since 1 */
PGQRS_API int32_t pgqrs_result_ids(pgqrs_handle result, pgqrs_list *ids);

/* Why message `index` of a pgqrs_enqueue_each was not stored.
 *   result  the result, whose id at that place is 0
 *   index   from 0
 *   error   an error handle, the caller's to close; 0 when the message was stored
 * STATE: the result is of another kind. Quick. since 1 */
PGQRS_API int32_t pgqrs_result_failure(pgqrs_handle result, uint32_t index, pgqrs_handle *error);

/* The messages a dequeue leased or a table call found: pgqrs_message, in hand-out
 * order. Views live as long as result. STATE: another kind. Quick. since 1 */
PGQRS_API int32_t pgqrs_result_messages(pgqrs_handle result, pgqrs_list *messages);

/* One int32_t per token of an acknowledgement, in input order: PGQRS_OK iff it
 * took effect, else PGQRS_E_LEASE_LOST. STATE: another kind. Quick. since 1 */
PGQRS_API int32_t pgqrs_result_outcomes(pgqrs_handle result, pgqrs_list *outcomes);

/* The leases that a completion of pgqrs_consumer_losses names: pgqrs_token. Views
 * live as long as result. STATE: another kind. Quick. since 1 */
PGQRS_API int32_t pgqrs_result_tokens(pgqrs_handle result, pgqrs_list *tokens);

/* The JSON document of an administration call. STATE: another kind. Quick.
 * since 1 */
PGQRS_API int32_t pgqrs_result_json(pgqrs_handle result, pgqrs_str *document);

/* Closes the result of a completion nobody will handle: leases in it are given back
 * as if they had never been taken. The store, producer or consumer that an open
 * call came to may be passed too, and is closed. 0 is a no-op. Quick, the release
 * runs in the background. since 1 */
PGQRS_API int32_t pgqrs_result_discard(pgqrs_handle result);

/* ---- Completion queue -------------------------------------------------------
 * Accepted ops end as completions here. Exactly one final completion per accepted
 * op, in no promised order. The fd is a hint: when it is readable, poll until a
 * short read; poll may also find nothing. */

/* Opens a completion queue.
 *   options  NULL: defaults
 *   cq       the new handle
 * Quick. since 1 */
PGQRS_API int32_t pgqrs_cq_open(const pgqrs_cq_options *options, pgqrs_handle *cq);

/* The descriptor to watch for reading: non-blocking, close-on-exec, owned by the
 * library until the cq is closed. Never close or read it; dup it when your loop
 * insists on owning one. Quick. since 1 */
PGQRS_API int32_t pgqrs_cq_fd(pgqrs_handle cq, int32_t *fd);

/* Moves up to cap completions to out and returns how many; never waits.
 *   out  cap records of the caller
 * STATE: another thread is in poll or wait of this cq. CLOSED, POISONED: nothing
 * is left to poll, and what is outstanding may never complete. Quick. since 1 */
PGQRS_API int32_t pgqrs_cq_poll(pgqrs_handle cq, pgqrs_completion *out, uint32_t cap);

/* Waits until a completion can be polled; drains nothing.
 *   timeout_ms  >= 0, or -1: for ever
 * TIMEOUT: none arrived. CLOSED: the cq was closed. STATE as poll. since 1 */
PGQRS_API int32_t pgqrs_cq_wait(pgqrs_handle cq, int64_t timeout_ms);

/* Asks for an end of an op: what has not been sent is removed and completes as
 * CANCELLED, what has been sent completes with its true outcome. Messages leased
 * meanwhile are given back. HANDLE: the op has completed (ignore it). Quick.
 * since 1 */
PGQRS_API int32_t pgqrs_op_cancel(pgqrs_handle op);

/* Completes with OK and result 0 as soon as it can: measures the boundary and
 * tests loops. since 1 */
PGQRS_API int32_t pgqrs_cq_nop(pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* ---- Log (asynchronous) ------------------------------------------------------ */

#define PGQRS_LOG_DEBUG 1 /* what mended itself, for those who look for a cause */
#define PGQRS_LOG_INFO  2 /* how a store works, where that is not as usual */
#define PGQRS_LOG_WARN  3 /* something failed, and the library goes on without it */
#define PGQRS_LOG_ERROR 4 /* something failed that should never fail */

/* Tells what the stores of this process log: what goes wrong where no call fails,
 * such as a lost connection to be told of new messages. Without such an op nothing
 * is logged, and the library writes nowhere else. Any number of ops may be under
 * way, each gets every line.
 *   level  PGQRS_LOG_ value: lines of this level and above
 * Multi-shot: every completion but the last is flagged PGQRS_CQE_MORE and carries a
 * result, read by pgqrs_result_json and the caller's to close. It is an object:
 *   time        microseconds since 1970-01-01 UTC
 *   level       "debug", "info", "warn" or "error"
 *   message     one sentence, the same for every line of its kind
 *   attributes  object: "store" (the DSN without its password) and, by the kind of
 *               line, "schema", "queue", "error", "database", counts; later versions
 *               may add more. No passwords, no payloads
 *   dropped     lines of this op that were not told since the one before, as a rule 0
 * Logging never waits for the caller: while 1024 results of an op are not closed its
 * further lines are dropped. Lines are told from this call on, in the order in which
 * they were logged.
 * Statuses of the call: INVALID_ARGUMENT (level). Of the last completion: CANCELLED
 * (op cancelled), CLOSED (cq or library closed; the lines of a shutdown come before
 * it). since 1 */
PGQRS_API int32_t pgqrs_log_subscribe(int32_t level, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                      pgqrs_handle *error);

/* ---- Stores (asynchronous) -------------------------------------------------- */

/* Opens a store; result: a store handle. Stores of equal configuration share one
 * pool, listener and heartbeat. Unreachable hosts fail within the connection
 * timeout. Statuses: CONFIG, CONNECT, SCHEMA (bootstrap refused). Cancelled:
 * nothing is open. since 1 */
PGQRS_API int32_t pgqrs_store_open(const pgqrs_store_options *options, pgqrs_handle cq, uint64_t user_data,
                                   pgqrs_handle *op, pgqrs_handle *error);

/* Ends a store and every producer and consumer opened through this handle:
 * pending ops are flushed or answer CLOSED, leases held are released. The handle
 * stays to be closed. since 1 */
PGQRS_API int32_t pgqrs_store_stop(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                   pgqrs_handle *error);

/* Creates or upgrades the tables: idempotent, safe from several processes at
 * once. Statuses: DATABASE (no right to), SCHEMA (newer than this library),
 * TIMEOUT (a transaction that uses what must be altered does not end).
 * since 1 */
PGQRS_API int32_t pgqrs_store_install(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                      pgqrs_handle *error);

/* Checks the tables; SCHEMA names what is missing or altered. since 1 */
PGQRS_API int32_t pgqrs_store_verify(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                     pgqrs_handle *error);

/* Drops the tables and every message in them. TIMEOUT while a transaction that
 * uses the tables does not end. since 1 */
PGQRS_API int32_t pgqrs_store_uninstall(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                        pgqrs_handle *error);

/* Counts over the whole store; result: JSON object. since 1 */
PGQRS_API int32_t pgqrs_store_stats(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                    pgqrs_handle *error);

/* How calls that were in flight together have shared transactions since the store
 * was opened; asks no database. Result: JSON, an object with enqueue, claim (of
 * which a row is a question for messages), archive, delete, extend and release,
 * each an object: flushes (transactions), rows (they carried), largest (rows of
 * one), waited_us (summed over the rows, from the call to its transaction), waiting
 * (rows, now), flying (transactions, now). since 1 */
PGQRS_API int32_t pgqrs_store_activity(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                       pgqrs_handle *error);

/* The settings of the database that bear on durability and speed; result: JSON
 * array of [name, value], both text, in a fixed order. The first is "engine",
 * "postgres" or "sqlite". PostgreSQL: "server_version", "fsync",
 * "synchronous_commit", "full_page_writes", "wal_level", "max_connections",
 * "pooler" ("transaction" or "none"), and "oldest_snapshot" where a backend has
 * held back vacuum for over a minute. SQLite: "version", "journal_mode",
 * "synchronous", "path", "mode". since 1 */
PGQRS_API int32_t pgqrs_store_inspect(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                      pgqrs_handle *error);

/* ---- Workers: producers and consumers (asynchronous) ------------------------ */

/* Registers a producer of a queue under a new worker id; result: a producer.
 *   options  NULL: defaults. An ephemeral producer registers no row at all.
 * Statuses: QUEUE_NOT_FOUND, SCHEMA (not installed). since 1 */
PGQRS_API int32_t pgqrs_producer_open(pgqrs_handle store, const pgqrs_str *queue, const pgqrs_worker_options *options,
                                      pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Registers a consumer of a queue under a new worker id; result: a consumer.
 * Statuses and options as pgqrs_producer_open. since 1 */
PGQRS_API int32_t pgqrs_consumer_open(pgqrs_handle store, const pgqrs_str *queue, const pgqrs_worker_options *options,
                                      pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* The worker id of a producer or consumer; 0: ephemeral producer. Quick. since 1 */
PGQRS_API int32_t pgqrs_worker_id(pgqrs_handle worker, int64_t *id);

/* Tells of leases of a consumer that were kept alive by the library
 * (PGQRS_DEQUEUE_AUTO_EXTEND) and lost all the same: somebody else may have the
 * message by now, and acknowledging it will not take effect. Multi-shot: every
 * completion but the last is flagged PGQRS_CQE_MORE and carries a result, read by
 * pgqrs_result_tokens. Losses are told from this call on, to every such op of the
 * consumer; what the caller acknowledged itself is never one, and neither is a
 * lease that reached its keep_max_ms.
 * Statuses of the last completion: CANCELLED (op cancelled), CLOSED (consumer,
 * store, cq or library closed). since 1 */
PGQRS_API int32_t pgqrs_consumer_losses(pgqrs_handle consumer, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                        pgqrs_handle *error);

/* A sign of life: leases that are kept alive (PGQRS_DEQUEUE_AUTO_EXTEND) stop being
 * so at the earliest keep_ms from now, and no later than the store's max_lease after
 * they were taken. Asks the database nothing. Quick.
 *   tokens, count  1 to 100000
 * Returns how many of the leases are kept; the others were acknowledged, lost, or
 * kept for long enough. Statuses: ARGUMENT, CLOSED. since 1 */
PGQRS_API int32_t pgqrs_consumer_keep(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, int64_t keep_ms,
                                      pgqrs_handle *error);

/* Lifecycle of a producer or consumer: ready -> suspended -> ready | stopped. A
 * move the state forbids answers STATE_TRANSITION. Shutdown releases what the
 * worker holds. Status answers JSON {"status": "ready"}. since 1 */
PGQRS_API int32_t pgqrs_worker_heartbeat(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                         pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_suspend(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                       pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_resume(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                      pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_shutdown(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                        pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_status(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                      pgqrs_handle *error);

/* Interrupts a producer or consumer: ready or polling -> interrupted, until resume.
 * Dequeues of it that are waiting end at once with no messages, later ones answer
 * STATE_TRANSITION; what it holds it keeps.
 * Statuses: STATE_TRANSITION (suspended, interrupted before, or stopped). since 1 */
PGQRS_API int32_t pgqrs_worker_interrupt(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                         pgqrs_handle *error);

/* Tells that a loop that takes messages begins (polling not 0) or has ended (0):
 * ready -> polling with the first, polling -> ready with the last. What the worker
 * may do is the same in both. An end whose worker is in another state by now leaves
 * that alone. Statuses: STATE_TRANSITION (a beginning while suspended, interrupted
 * or stopped). since 1 */
PGQRS_API int32_t pgqrs_worker_poll(pgqrs_handle worker, int32_t polling, pgqrs_handle cq, uint64_t user_data,
                                    pgqrs_handle *op, pgqrs_handle *error);

/* ---- Messages (asynchronous) ------------------------------------------------- */

/* Stores messages, all or none; result: ids. The completion comes after the
 * commit: a returned id survives any crash. Concurrent calls share commits.
 *   payloads  count JSON documents, UTF-8
 *   count     1 to 100000
 *   options   NULL: visible at once
 * A dedup key has up to 255 bytes of UTF-8 without NUL; {NULL, 0} is none. A queue
 * remembers it for the store's dedup_retention_seconds at least, whatever becomes of
 * the message: an enqueue with that key stores nothing meanwhile, and answers the id
 * of the first. So a call whose every message has a key may be repeated after any
 * error: also with OUTCOME_UNKNOWN it has PGQRS_ERROR_SAFE_TO_RETRY. A transaction of
 * somebody else's that has enqueued one of the keys is waited for, by this call alone,
 * as long as for a connection and at least 30 s: then TIMEOUT, field dedup_key.
 * Statuses: SERIALIZATION, VALIDATION, TIMEOUT (nothing stored), QUEUE_NOT_FOUND,
 * RATE_LIMITED, OUTCOME_UNKNOWN. since 1 */
PGQRS_API int32_t pgqrs_enqueue(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                                const pgqrs_enqueue_options *options, pgqrs_handle cq, uint64_t user_data,
                                pgqrs_handle *op, pgqrs_handle *error);

/* Stores messages that do not depend on each other: each as if a call of its own
 * had stored it, in the order given, for the price of one call. For hosts that
 * collect the concurrent enqueues of many tasks; a list that must be stored whole
 * or not at all goes to pgqrs_enqueue.
 * Result: ids, with 0 in the place of a message that was not stored, which
 * pgqrs_result_failure explains; an op of one message fails as pgqrs_enqueue does.
 * The op completes when every message is committed or refused; a cancel takes back
 * those that were not sent yet. Of several messages none waits for another one's
 * dedup key that a transaction of somebody else's has: that message is refused at
 * once, TIMEOUT with the field dedup_key and retry_after_ms, and pgqrs_enqueue waits
 * for it.
 *   payloads, count, options  as pgqrs_enqueue
 * Statuses: STATE_TRANSITION (suspended or stopped); of a single message those of
 * pgqrs_enqueue. since 1 */
PGQRS_API int32_t pgqrs_enqueue_each(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                                     const pgqrs_enqueue_options *options, pgqrs_handle cq, uint64_t user_data,
                                     pgqrs_handle *op, pgqrs_handle *error);

/* Leases eligible messages, longest eligible first; result: messages, possibly
 * none.
 *   options  NULL: one message, default lock time, no waiting
 * Statuses: STATE_TRANSITION (suspended or stopped), QUEUE_NOT_FOUND. Cancelled:
 * no lease is left behind. since 1 */
PGQRS_API int32_t pgqrs_dequeue(pgqrs_handle consumer, const pgqrs_dequeue_options *options, pgqrs_handle cq,
                                uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Moves messages to the archive; result: outcomes. Takes effect iff this consumer
 * still owns the message (and read_ct matches, when given); an expired lease that
 * nobody took may still be archived. Of duplicates the first wins.
 *   tokens, count  1 to 100000
 * Statuses: OUTCOME_UNKNOWN. since 1 */
PGQRS_API int32_t pgqrs_archive(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, pgqrs_handle cq,
                                uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Removes messages without a trace; otherwise as pgqrs_archive. since 1 */
PGQRS_API int32_t pgqrs_delete(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, pgqrs_handle cq,
                               uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Makes leases last at least extend_ms from now, never shortening one; result:
 * outcomes.
 *   extend_ms  >= 0
 * since 1 */
PGQRS_API int32_t pgqrs_extend_vt(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, int64_t extend_ms,
                                  pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Gives leases back; result: outcomes. At its receive limit a message is
 * dead-lettered instead, unless UNREAD.
 *   options  NULL: eligible now
 * since 1 */
PGQRS_API int32_t pgqrs_release(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count,
                                const pgqrs_release_options *options, pgqrs_handle cq, uint64_t user_data,
                                pgqrs_handle *op, pgqrs_handle *error);

/* ---- Tables (asynchronous; JSON results unless said otherwise) ----------------
 * Objects carry the column names of the tables; times are microseconds. Counts
 * and removals answer {"count": n}. */

/* Creates a queue; result: JSON object. options NULL: defaults. QUEUE_EXISTS.
 * since 1 */
PGQRS_API int32_t pgqrs_queue_create(pgqrs_handle store, const pgqrs_str *queue, const pgqrs_queue_options *options,
                                     pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Finds a queue; result: JSON object. QUEUE_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_queue_get(pgqrs_handle store, const pgqrs_str *queue, pgqrs_handle cq, uint64_t user_data,
                                  pgqrs_handle *op, pgqrs_handle *error);
/* Finds a queue by its id; result: JSON object as pgqrs_queue_get.
 * QUEUE_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_queue_by_id(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                    pgqrs_handle *op, pgqrs_handle *error);
/* Removes an empty queue. STATE_TRANSITION while messages or live workers exist,
 * TIMEOUT while a transaction that has written messages does not end. since 1 */
PGQRS_API int32_t pgqrs_queue_delete(pgqrs_handle store, const pgqrs_str *queue, pgqrs_handle cq, uint64_t user_data,
                                     pgqrs_handle *op, pgqrs_handle *error);
/* Removes every message that a queue has when this begins, keeps its archive;
 * result: count. An error may leave some of them. since 1 */
PGQRS_API int32_t pgqrs_queue_purge(pgqrs_handle store, const pgqrs_str *queue, pgqrs_handle cq, uint64_t user_data,
                                    pgqrs_handle *op, pgqrs_handle *error);
/* Counts the messages of one queue (options->queue) or of each; result: JSON
 * array. since 1 */
PGQRS_API int32_t pgqrs_queue_metrics(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Lists or counts queues. options NULL: the first 100. since 1 */
PGQRS_API int32_t pgqrs_queue_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                   uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_queue_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                    uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Workers: find, list, count; remove one (STATE_TRANSITION while it holds
 * leases), release all it holds, remove the stopped and the stale. since 1 */
PGQRS_API int32_t pgqrs_worker_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                   pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                    uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_delete(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                      pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_release(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                       pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_worker_purge(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Counts the workers of one queue (options->queue) or of each queue, one object a
 * queue, also where there are none: {"queue_id", "queue_name", "total", "ready",
 * "polling", "suspended", "interrupted", "stopped", "producers", "consumers",
 * "oldest_heartbeat", "newest_heartbeat"}; the heartbeats are those of workers
 * that are not stopped, null where there are none. Result: JSON array.
 *   options  NULL: each queue
 * Statuses: QUEUE_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_worker_stats(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Tells live workers from dead ones by their heartbeat, one object a queue:
 * {"queue_id", "queue_name", "total", "healthy", "stale", "stopped"}, where total
 * is the sum of the other three. Result: JSON array.
 *   options  NULL: each queue; queue: only this one; older_than_ms: the age from
 *            which a heartbeat is stale; 0: three heartbeat intervals
 * Statuses: QUEUE_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_worker_health(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Messages in their queues: get and list answer messages, count a JSON count;
 * reclaim takes leases back from workers whose heartbeat is older than
 * older_than_ms (0: three heartbeat intervals). since 1 */
PGQRS_API int32_t pgqrs_message_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                    pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_message_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_message_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_message_reclaim(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                        uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Moves a message that nobody leases to the archive as a dead letter, with the
 * reason "moved by hand"; result: JSON {"count": 1}.
 * Statuses: MESSAGE_NOT_FOUND (also when it is archived already),
 * STATE_TRANSITION (leased: wait for the lease to end or release its worker).
 * since 1 */
PGQRS_API int32_t pgqrs_message_dead_letter(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                            pgqrs_handle *op, pgqrs_handle *error);

/* The archive: get and list answer messages, count a JSON count; delete removes
 * one row, replay puts a dead letter back into its queue. MESSAGE_NOT_FOUND.
 * since 1 */
PGQRS_API int32_t pgqrs_archive_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                    pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_archive_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_archive_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_archive_delete(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                       pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_archive_replay(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                       pgqrs_handle *op, pgqrs_handle *error);

/* Removes archived messages for good, in parts of their own transactions; result:
 * JSON {"count": n}. Cancelled: what was removed before stays removed.
 *   options  required, and at least one of them: queue, worker_id (finished by this
 *            consumer), older_than_ms (archived so long ago), flags
 *            PGQRS_FILTER_DEAD_ONLY; a row goes when all that are given hold
 * Statuses: INVALID_ARGUMENT (nothing given), QUEUE_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_archive_purge(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* ---- Workflows (asynchronous; JSON results) -----------------------------------
 * A workflow is a name, and a queue of that name whose messages carry its runs:
 * {"run_id": id}. Whoever leases such a message starts the run, executes its steps
 * and completes it:
 *
 *     pgqrs_run_start          -> the run; its "attempt" is the fencing token
 *     pgqrs_step_acquire       -> "execute", or "skipped" with the output of before
 *     pgqrs_step_complete, pgqrs_step_fail
 *     pgqrs_run_complete, pgqrs_run_fail
 *
 * What an execution writes takes effect only while the run is running its attempt.
 * Else it answers PAUSED, RUN_CANCELLED, or STATE_TRANSITION: finished, or taken over
 * by another start. Only the outcome of a step under way at a pause is still taken. A step that was completed is never executed again, whatever
 * crashed since; one that was under way at a crash is.
 *
 * A run: {"id", "workflow_id", "workflow_name", "message_id", "status", "attempt",
 * "input", "output", "error", "created_at", "started_at", "updated_at", "paused_at",
 * "completed_at"}; status is queued, running, paused, success, error or cancelled.
 * A step: {"id", "run_id", "step_name", "status", "attempt", "failures", "output",
 * "error", "retry_at", "created_at", "started_at", "updated_at", "completed_at"};
 * status is running, queued (waiting for its next attempt), success or error.
 * Unknown runs and steps answer WORKFLOW_NOT_FOUND like unknown workflows. */

/* Creates a workflow and its queue, together; result: JSON object {"id", "name",
 * "queue_id", "created_at"}.
 *   options  of the queue; NULL: defaults
 * Statuses: WORKFLOW_EXISTS, QUEUE_EXISTS (only the queue's name is taken).
 * since 1 */
PGQRS_API int32_t pgqrs_workflow_create(pgqrs_handle store, const pgqrs_str *workflow,
                                        const pgqrs_queue_options *options, pgqrs_handle cq, uint64_t user_data,
                                        pgqrs_handle *op, pgqrs_handle *error);
/* Finds a workflow by its name or its id; result: JSON object as
 * pgqrs_workflow_create. Statuses: WORKFLOW_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_workflow_get(pgqrs_handle store, const pgqrs_str *workflow, pgqrs_handle cq,
                                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_workflow_by_id(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                       pgqrs_handle *op, pgqrs_handle *error);
/* Lists or counts workflows. options NULL: the first 100. since 1 */
PGQRS_API int32_t pgqrs_workflow_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_workflow_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                       uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Stores a run and the message that carries it, both or neither, and wakes waiting
 * consumers of the workflow's queue; result: the run. The completion comes after the
 * commit.
 *   input  a JSON document, UTF-8
 * Statuses: WORKFLOW_NOT_FOUND, SERIALIZATION, VALIDATION, OUTCOME_UNKNOWN. since 1 */
PGQRS_API int32_t pgqrs_run_trigger(pgqrs_handle store, const pgqrs_str *workflow, const pgqrs_str *input,
                                    pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Begins the next attempt of a queued or running run, which it takes over; result:
 * the run.
 *   message_id  the message that carries it, leased by the caller; 0: do not check
 * Statuses: PAUSED, RUN_CANCELLED, STATE_TRANSITION (finished, or carried by another
 * message since it was resumed), WORKFLOW_NOT_FOUND. After each of them the message
 * has no more use: archive it. since 1 */
PGQRS_API int32_t pgqrs_run_start(pgqrs_handle store, int64_t run_id, int64_t message_id, pgqrs_handle cq,
                                  uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Ends a run with its output; result: the run.
 *   attempt  of pgqrs_run_start
 *   output   a JSON document, UTF-8
 * Statuses: PAUSED, RUN_CANCELLED, STATE_TRANSITION, SERIALIZATION, VALIDATION.
 * since 1 */
PGQRS_API int32_t pgqrs_run_complete(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *output,
                                     pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Ends a run with an error; result: the run.
 *   reason  text for people, UTF-8; the first 16 KiB are kept
 * Statuses: PAUSED, RUN_CANCELLED, STATE_TRANSITION. since 1 */
PGQRS_API int32_t pgqrs_run_fail(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *reason,
                                 pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
/* Changes of a run by hand; result: the run. Pause stops a queued or running one,
 * resume queues a paused one again under a new message, cancel ends one that is not
 * finished; a message that is not leased goes with it. An execution under way is refused its next write.
 * Statuses: STATE_TRANSITION, WORKFLOW_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_run_pause(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data,
                                  pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_run_resume(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data,
                                   pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_run_cancel(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data,
                                   pgqrs_handle *op, pgqrs_handle *error);
/* Runs: find, list, count.
 *   options  NULL: the first 100; queue: only those of this workflow; status
 * Statuses: WORKFLOW_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_run_get(pgqrs_handle store, int64_t run_id, pgqrs_handle cq, uint64_t user_data,
                                pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_run_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                 uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_run_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                  uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* Begins a step; result: JSON object {"result": "execute" or "skipped", "step"}. A
 * skipped step has succeeded before, its output is in the record.
 *   attempt       of pgqrs_run_start
 *   step          its name, unique in the run
 *   max_attempts  how often it may fail; 0: 3
 * Statuses: STEP_NOT_READY (retry_after_ms says when), RETRIES_EXHAUSTED, PAUSED,
 * RUN_CANCELLED, STATE_TRANSITION. since 1 */
PGQRS_API int32_t pgqrs_step_acquire(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                                     int32_t max_attempts, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                     pgqrs_handle *error);
/* Records the output of a step that was begun; result: the step. It is never
 * executed again.
 *   output  a JSON document, UTF-8
 * Statuses: RUN_CANCELLED, STATE_TRANSITION, SERIALIZATION, VALIDATION. since 1 */
PGQRS_API int32_t pgqrs_step_complete(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                                      const pgqrs_str *output, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                                      pgqrs_handle *error);
/* Records the failure of a step that was begun; result: the step.
 *   reason    as for pgqrs_run_fail
 *   retry_ms  >= 0: it may be acquired again after so long, "retry_at" says when;
 *             -1: it has failed for good
 * Statuses: RUN_CANCELLED, STATE_TRANSITION. since 1 */
PGQRS_API int32_t pgqrs_step_fail(pgqrs_handle store, int64_t run_id, int32_t attempt, const pgqrs_str *step,
                                  const pgqrs_str *reason, int64_t retry_ms, pgqrs_handle cq, uint64_t user_data,
                                  pgqrs_handle *op, pgqrs_handle *error);
/* Steps: find, list, count, in the order in which they were first begun.
 *   options  NULL: the first 100; run_id: only those of this run
 * Statuses: WORKFLOW_NOT_FOUND. since 1 */
PGQRS_API int32_t pgqrs_step_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                 pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_step_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                  uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_step_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                                   uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error);

/* ---- SQL for transactions of your own (quick) -----------------------------------
 * A message can be part of a transaction of the caller's, on a PostgreSQL connection
 * of the caller's own driver: it exists exactly when the transaction commits, and
 * waiting consumers wake up then; after a rollback it never was. The library takes no
 * part in it, it says what to execute. */

/* Stores one message. Parameters: queue, payload (a JSON document), delay_ms,
 * dedup_key. Answers its id. */
#define PGQRS_SQL_ENQUEUE 1
/* Stores several, all or none. Parameters: queue, payloads (a JSON array of the
 * documents), delay_ms, dedup_keys (a JSON array with a text or null for each).
 * Answers their ids in input order, one a row. */
#define PGQRS_SQL_ENQUEUE_BATCH 2

/* The text of a statement for the caller's own connection.
 *   store      whose schema it is for; 0: no store need be open, schema says it
 *   schema     the schema of the tables; NULL or {NULL, 0}: "public". NULL or empty
 *              with a store
 *   statement  a PGQRS_SQL_ constant
 *   sql        the text, with placeholders $1, $2 and so on and the schema in it,
 *              quoted; lives as long as result. It stays the same while the process
 *              runs, so ask once. NULL: the result has it too
 *   result     a result, read by pgqrs_result_json: {"sql", "parameters", "returns"}.
 *              parameters is an array, in the order of the placeholders, of {"name",
 *              "type", "nullable"}: type is the PostgreSQL type, "text" or "bigint", and
 *              null of what is nullable means "not given". returns is "bigint", the type
 *              of the column
 *   error      may be NULL
 * What PostgreSQL answers to the statement: SQLSTATE PQ001, no such queue; 3F000 or
 * 42883, not installed in that schema, or by an older release; 22023, a negative delay
 * or a dedup key that is not 1 to 255 bytes. Rate limits and rules for payloads of a
 * configuration do not apply, because none takes part.
 * Statuses: UNSUPPORTED (a store on SQLite, whose one writer cannot be shared: enqueue
 * after your commit), CONFIG (not the name of a schema), INVALID_ARGUMENT (no such
 * statement; store and schema). Quick. since 1 */
PGQRS_API int32_t pgqrs_sql_text(pgqrs_handle store, const pgqrs_str *schema, int32_t statement, pgqrs_str *sql,
                                 pgqrs_handle *result, pgqrs_handle *error);

/* ---- Blocking forms -----------------------------------------------------------
 * The everyday verbs for a thread that may wait. They share the path of the
 * asynchronous forms: calls of several threads are group-committed alike.
 *   timeout_ms  >= 0 or -1 for ever. TIMEOUT means nothing was committed;
 *               OUTCOME_UNKNOWN that it cannot be known
 *   error       may be NULL; set to an error handle on failure, else to 0 */

/* Opens a store by DSN with the defaults. As pgqrs_store_open. since 1 */
PGQRS_API int32_t pgqrs_store_open_wait(const pgqrs_str *dsn, int64_t timeout_ms, pgqrs_handle *store,
                                        pgqrs_handle *error);
/* As pgqrs_store_install. since 1 */
PGQRS_API int32_t pgqrs_install_wait(pgqrs_handle store, int64_t timeout_ms, pgqrs_handle *error);
/* As pgqrs_queue_create; QUEUE_EXISTS is the expected failure. since 1 */
PGQRS_API int32_t pgqrs_queue_create_wait(pgqrs_handle store, const pgqrs_str *queue, int64_t timeout_ms,
                                          pgqrs_handle *error);
/* As pgqrs_producer_open. since 1 */
PGQRS_API int32_t pgqrs_producer_open_wait(pgqrs_handle store, const pgqrs_str *queue, int64_t timeout_ms,
                                           pgqrs_handle *producer, pgqrs_handle *error);
/* As pgqrs_consumer_open. since 1 */
PGQRS_API int32_t pgqrs_consumer_open_wait(pgqrs_handle store, const pgqrs_str *queue, int64_t timeout_ms,
                                           pgqrs_handle *consumer, pgqrs_handle *error);
/* Stores one message and answers its id after the commit.
 *   delay_ms  >= 0, 0: visible at once. since 1 */
PGQRS_API int32_t pgqrs_enqueue_wait(pgqrs_handle producer, const pgqrs_str *payload, int64_t delay_ms,
                                     int64_t timeout_ms, int64_t *id, pgqrs_handle *error);
/* Leases up to batch messages.
 *   lease_ms  > 0, or 0: the default lock time
 *   wait_ms   0: do not wait for a first message; -1: for ever
 *   result    messages, possibly none; close it when done. since 1 */
PGQRS_API int32_t pgqrs_dequeue_wait(pgqrs_handle consumer, uint32_t batch, int64_t lease_ms, int64_t wait_ms,
                                     int64_t timeout_ms, pgqrs_handle *result, pgqrs_handle *error);
/* Acknowledge one message; read_ct 0: the owner alone decides. LEASE_LOST is the
 * expected failure: somebody else has the message, or it is gone. since 1 */
PGQRS_API int32_t pgqrs_archive_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t timeout_ms,
                                     pgqrs_handle *error);
PGQRS_API int32_t pgqrs_delete_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t timeout_ms,
                                    pgqrs_handle *error);
PGQRS_API int32_t pgqrs_extend_vt_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t extend_ms,
                                       int64_t timeout_ms, pgqrs_handle *error);
PGQRS_API int32_t pgqrs_release_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t timeout_ms,
                                     pgqrs_handle *error);

#ifdef __cplusplus
}
#endif

#endif /* PGQRS_H */
