/*
 * shim_objects.c - the public functions of stores and workers, and the everyday
 * verbs, in their asynchronous form.
 */
#include "_cgo_export.h"
#include "shim.h"

/* ---- Stores ------------------------------------------------------------------ */

int32_t pgqrs_store_open(const pgqrs_store_options *options, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                         pgqrs_handle *error) {
    shim_submit s;
    pgqrs_store_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, shim_text(&o.dsn, "dsn", error));
    THEN(st, shim_text(&o.config, "config", error));
    THEN(st, goStoreOpen(&o, &s));
    return st;
}

int32_t pgqrs_store_stop(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                         pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreStop(store, &s));
    return st;
}

int32_t pgqrs_store_install(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                            pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreInstall(store, &s));
    return st;
}

int32_t pgqrs_store_verify(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                           pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreVerify(store, &s));
    return st;
}

int32_t pgqrs_store_uninstall(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                              pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreUninstall(store, &s));
    return st;
}

int32_t pgqrs_store_stats(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                          pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreStats(store, &s));
    return st;
}

int32_t pgqrs_store_activity(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                             pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreActivity(store, &s));
    return st;
}

int32_t pgqrs_store_inspect(pgqrs_handle store, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                            pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goStoreInspect(store, &s));
    return st;
}

/* ---- Workers ----------------------------------------------------------------- */

int32_t pgqrs_producer_open(pgqrs_handle store, const pgqrs_str *queue, const pgqrs_worker_options *options,
                            pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_worker_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, shim_text(&o.hostname, "hostname", error));
    THEN(st, goProducerOpen(store, queue, &o, &s));
    return st;
}

int32_t pgqrs_consumer_open(pgqrs_handle store, const pgqrs_str *queue, const pgqrs_worker_options *options,
                            pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_worker_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, shim_text(&o.hostname, "hostname", error));
    THEN(st, goConsumerOpen(store, queue, &o, &s));
    return st;
}

int32_t pgqrs_consumer_losses(pgqrs_handle consumer, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                              pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goConsumerLosses(consumer, &s));
    return st;
}

int32_t pgqrs_consumer_keep(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, int64_t keep_ms,
                            pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, goConsumerKeep(consumer, tokens, count, keep_ms, error));
    return st;
}

int32_t pgqrs_worker_id(pgqrs_handle worker, int64_t *id) {
    int32_t st = guard_check();
    THEN(st, shim_out(id, sizeof *id, "id", NULL));
    THEN(st, goWorkerId(worker, id));
    return st;
}

int32_t pgqrs_worker_heartbeat(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                               pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerHeartbeat(worker, &s));
    return st;
}

int32_t pgqrs_worker_suspend(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                             pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerSuspend(worker, &s));
    return st;
}

int32_t pgqrs_worker_interrupt(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                               pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerInterrupt(worker, &s));
    return st;
}

int32_t pgqrs_worker_resume(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                            pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerResume(worker, &s));
    return st;
}

int32_t pgqrs_worker_poll(pgqrs_handle worker, int32_t polling, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                          pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerPoll(worker, polling, &s));
    return st;
}

int32_t pgqrs_worker_shutdown(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                              pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerShutdown(worker, &s));
    return st;
}

int32_t pgqrs_worker_status(pgqrs_handle worker, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                            pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerStatus(worker, &s));
    return st;
}

/* ---- Messages ---------------------------------------------------------------- */

static int32_t enqueue(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                       const pgqrs_enqueue_options *options, int each, pgqrs_handle cq, uint64_t user_data,
                       pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_enqueue_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_texts(payloads, count, "payloads", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goEnqueue(producer, payloads, count, &o, each, &s));
    return st;
}

int32_t pgqrs_enqueue(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                      const pgqrs_enqueue_options *options, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                      pgqrs_handle *error) {
    return enqueue(producer, payloads, count, options, 0, cq, user_data, op, error);
}

int32_t pgqrs_enqueue_each(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                           const pgqrs_enqueue_options *options, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                           pgqrs_handle *error) {
    return enqueue(producer, payloads, count, options, 1, cq, user_data, op, error);
}

int32_t pgqrs_dequeue(pgqrs_handle consumer, const pgqrs_dequeue_options *options, pgqrs_handle cq, uint64_t user_data,
                      pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    pgqrs_dequeue_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goDequeue(consumer, &o, &s));
    return st;
}

int32_t pgqrs_archive(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, pgqrs_handle cq,
                      uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, goArchive(consumer, tokens, count, &s));
    return st;
}

int32_t pgqrs_delete(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, pgqrs_handle cq,
                     uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, goDelete(consumer, tokens, count, &s));
    return st;
}

int32_t pgqrs_extend_vt(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, int64_t extend_ms,
                        pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, goExtendVt(consumer, tokens, count, extend_ms, &s));
    return st;
}

int32_t pgqrs_release(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count,
                      const pgqrs_release_options *options, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op,
                      pgqrs_handle *error) {
    shim_submit s;
    pgqrs_release_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goRelease(consumer, tokens, count, &o, &s));
    return st;
}
