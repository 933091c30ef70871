/*
 * shim_tables.c - the public functions of the tables.
 */
#include "_cgo_export.h"
#include "shim.h"

/* ---- Queues ------------------------------------------------------------------ */

int32_t pgqrs_queue_create(pgqrs_handle store, const pgqrs_str *queue, const pgqrs_queue_options *options,
                           pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_queue_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goQueueCreate(store, queue, &o, &s));
    return st;
}

int32_t pgqrs_queue_get(pgqrs_handle store, const pgqrs_str *queue, pgqrs_handle cq, uint64_t user_data,
                        pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, goQueueGet(store, queue, &s));
    return st;
}

int32_t pgqrs_queue_by_id(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                          pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goQueueById(store, id, &s));
    return st;
}

int32_t pgqrs_queue_delete(pgqrs_handle store, const pgqrs_str *queue, pgqrs_handle cq, uint64_t user_data,
                           pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, goQueueDelete(store, queue, &s));
    return st;
}

int32_t pgqrs_queue_purge(pgqrs_handle store, const pgqrs_str *queue, pgqrs_handle cq, uint64_t user_data,
                          pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, goQueuePurge(store, queue, &s));
    return st;
}

int32_t pgqrs_queue_metrics(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                            uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goQueueMetrics(store, &o, &s));
    return st;
}

int32_t pgqrs_queue_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                         pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goQueueList(store, &o, &s));
    return st;
}

int32_t pgqrs_queue_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                          pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goQueueCount(store, &o, &s));
    return st;
}

/* ---- Workers ----------------------------------------------------------------- */

int32_t pgqrs_worker_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                         pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerGet(store, id, &s));
    return st;
}

int32_t pgqrs_worker_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                          pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkerList(store, &o, &s));
    return st;
}

int32_t pgqrs_worker_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                           pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkerCount(store, &o, &s));
    return st;
}

int32_t pgqrs_worker_delete(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                            pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerDelete(store, id, &s));
    return st;
}

int32_t pgqrs_worker_release(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                             pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerRelease(store, id, &s));
    return st;
}

int32_t pgqrs_worker_purge(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                           pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkerPurge(store, &o, &s));
    return st;
}

int32_t pgqrs_worker_stats(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                           uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkerStats(store, &o, &s));
    return st;
}

int32_t pgqrs_worker_health(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                            uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goWorkerHealth(store, &o, &s));
    return st;
}

/* ---- Messages ---------------------------------------------------------------- */

int32_t pgqrs_message_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                          pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goMessageGet(store, id, &s));
    return st;
}

int32_t pgqrs_message_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                           pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goMessageList(store, &o, &s));
    return st;
}

int32_t pgqrs_message_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                            uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goMessageCount(store, &o, &s));
    return st;
}

int32_t pgqrs_message_reclaim(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                              uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goMessageReclaim(store, &o, &s));
    return st;
}

int32_t pgqrs_message_dead_letter(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data,
                                  pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goMessageDeadLetter(store, id, &s));
    return st;
}

/* ---- Archive ----------------------------------------------------------------- */

int32_t pgqrs_archive_get(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                          pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goArchiveGet(store, id, &s));
    return st;
}

int32_t pgqrs_archive_list(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq, uint64_t user_data,
                           pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goArchiveList(store, &o, &s));
    return st;
}

int32_t pgqrs_archive_count(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                            uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goArchiveCount(store, &o, &s));
    return st;
}

int32_t pgqrs_archive_delete(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                             pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goArchiveDelete(store, id, &s));
    return st;
}

int32_t pgqrs_archive_replay(pgqrs_handle store, int64_t id, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                             pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goArchiveReplay(store, id, &s));
    return st;
}

int32_t pgqrs_archive_purge(pgqrs_handle store, const pgqrs_table_options *options, pgqrs_handle cq,
                            uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_table_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_table_options(&o, options, error));
    THEN(st, goArchivePurge(store, &o, &s));
    return st;
}
