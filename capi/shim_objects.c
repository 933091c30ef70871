/*
 * shim_objects.c - the public functions of stores and workers, and the everyday
 * verbs, in their asynchronous form.
 */
#include "_cgo_export.h"
#include "shim_forms.h"

/* ---- Stores ------------------------------------------------------------------ */

int32_t pgqrs_store_open(const pgqrs_store_options *options, SHIM_TAIL) {
    shim_submit s;
    pgqrs_store_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, shim_text(&o.dsn, "dsn", error));
    THEN(st, shim_text(&o.config, "config", error));
    THEN(st, goStoreOpen(&o, &s));
    return st;
}

SHIM_PLAIN(pgqrs_store_stop, goStoreStop)
SHIM_PLAIN(pgqrs_store_install, goStoreInstall)
SHIM_PLAIN(pgqrs_store_verify, goStoreVerify)
SHIM_PLAIN(pgqrs_store_uninstall, goStoreUninstall)
SHIM_PLAIN(pgqrs_store_stats, goStoreStats)
SHIM_PLAIN(pgqrs_store_activity, goStoreActivity)
SHIM_PLAIN(pgqrs_store_inspect, goStoreInspect)

/* ---- SQL ---------------------------------------------------------------------- */

int32_t pgqrs_sql_text(pgqrs_handle store, const pgqrs_str *schema, int32_t statement, pgqrs_str *sql,
                       pgqrs_handle *result, pgqrs_handle *error) {
    static const pgqrs_str none = {NULL, 0};
    const pgqrs_str *given = schema ? schema : &none;
    pgqrs_str text = none;
    int32_t st = shim_begin(error);
    THEN(st, shim_out(result, sizeof *result, "result", error));
    THEN(st, shim_text(given, "schema", error));
    THEN(st, goSqlText(store, given, statement, &text, result, error));
    if (sql) *sql = text;
    return st;
}

/* ---- Workers ----------------------------------------------------------------- */

SHIM_NEW(pgqrs_producer_open, goProducerOpen, "queue", pgqrs_worker_options, shim_text(&o.hostname, "hostname", error))
SHIM_NEW(pgqrs_consumer_open, goConsumerOpen, "queue", pgqrs_worker_options, shim_text(&o.hostname, "hostname", error))
SHIM_PLAIN(pgqrs_consumer_losses, goConsumerLosses)

int32_t pgqrs_consumer_keep(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, int64_t keep_ms,
                            pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, goConsumerKeep(consumer, tokens, count, keep_ms, error));
    return st;
}

SHIM_READ(pgqrs_worker_id, goWorkerId, int64_t, id, guard_check)
SHIM_PLAIN(pgqrs_worker_heartbeat, goWorkerHeartbeat)
SHIM_PLAIN(pgqrs_worker_suspend, goWorkerSuspend)
SHIM_PLAIN(pgqrs_worker_interrupt, goWorkerInterrupt)
SHIM_PLAIN(pgqrs_worker_resume, goWorkerResume)

int32_t pgqrs_worker_poll(pgqrs_handle worker, int32_t polling, SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, goWorkerPoll(worker, polling, &s));
    return st;
}

SHIM_PLAIN(pgqrs_worker_shutdown, goWorkerShutdown)
SHIM_PLAIN(pgqrs_worker_status, goWorkerStatus)

/* ---- Messages ---------------------------------------------------------------- */

static int32_t enqueue(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                       const pgqrs_enqueue_options *options, int each, SHIM_TAIL) {
    shim_submit s;
    pgqrs_enqueue_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_texts(payloads, count, "payloads", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, shim_texts(o.dedup_keys, o.dedup_keys ? count : 0, "options.dedup_keys", error));
    THEN(st, goEnqueue(producer, payloads, count, &o, each, &s));
    return st;
}

int32_t pgqrs_enqueue(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                      const pgqrs_enqueue_options *options, SHIM_TAIL) {
    return enqueue(producer, payloads, count, options, 0, cq, user_data, op, error);
}

int32_t pgqrs_enqueue_each(pgqrs_handle producer, const pgqrs_str *payloads, uint32_t count,
                           const pgqrs_enqueue_options *options, SHIM_TAIL) {
    return enqueue(producer, payloads, count, options, 1, cq, user_data, op, error);
}

int32_t pgqrs_dequeue(pgqrs_handle consumer, const pgqrs_dequeue_options *options, SHIM_TAIL) {
    shim_submit s;
    pgqrs_dequeue_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goDequeue(consumer, &o, &s));
    return st;
}

SHIM_TOKENS(pgqrs_archive, goArchive)
SHIM_TOKENS(pgqrs_delete, goDelete)

int32_t pgqrs_extend_vt(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count, int64_t extend_ms,
                        SHIM_TAIL) {
    shim_submit s;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, goExtendVt(consumer, tokens, count, extend_ms, &s));
    return st;
}

int32_t pgqrs_release(pgqrs_handle consumer, const pgqrs_token *tokens, uint32_t count,
                      const pgqrs_release_options *options, SHIM_TAIL) {
    shim_submit s;
    pgqrs_release_options o;
    int32_t st = shim_accept(&s, cq, user_data, op, error);
    THEN(st, shim_array(tokens, count, "tokens", error));
    THEN(st, SHIM_OPTIONS(&o, options, error));
    THEN(st, goRelease(consumer, tokens, count, &o, &s));
    return st;
}
