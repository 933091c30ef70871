/*
 * shim_wait.c - the public functions that wait on the calling thread.
 */
#include "_cgo_export.h"
#include "shim.h"

/* ---- Blocking forms ---------------------------------------------------------- */

int32_t pgqrs_store_open_wait(const pgqrs_str *dsn, int64_t timeout_ms, pgqrs_handle *store, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_need_text(dsn, "dsn", error));
    THEN(st, shim_out(store, sizeof *store, "store", error));
    THEN(st, goStoreOpenWait(dsn, timeout_ms, store, error));
    return st;
}

int32_t pgqrs_install_wait(pgqrs_handle store, int64_t timeout_ms, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, goInstallWait(store, timeout_ms, error));
    return st;
}

int32_t pgqrs_queue_create_wait(pgqrs_handle store, const pgqrs_str *queue, int64_t timeout_ms, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, goQueueCreateWait(store, queue, timeout_ms, error));
    return st;
}

int32_t pgqrs_producer_open_wait(pgqrs_handle store, const pgqrs_str *queue, int64_t timeout_ms,
                                 pgqrs_handle *producer, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, shim_out(producer, sizeof *producer, "producer", error));
    THEN(st, goProducerOpenWait(store, queue, timeout_ms, producer, error));
    return st;
}

int32_t pgqrs_consumer_open_wait(pgqrs_handle store, const pgqrs_str *queue, int64_t timeout_ms,
                                 pgqrs_handle *consumer, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_need_text(queue, "queue", error));
    THEN(st, shim_out(consumer, sizeof *consumer, "consumer", error));
    THEN(st, goConsumerOpenWait(store, queue, timeout_ms, consumer, error));
    return st;
}

int32_t pgqrs_enqueue_wait(pgqrs_handle producer, const pgqrs_str *payload, int64_t delay_ms, int64_t timeout_ms,
                           int64_t *id, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_need_text(payload, "payload", error));
    THEN(st, shim_out(id, sizeof *id, "id", error));
    THEN(st, goEnqueueWait(producer, payload, delay_ms, timeout_ms, id, error));
    return st;
}

int32_t pgqrs_dequeue_wait(pgqrs_handle consumer, uint32_t batch, int64_t lease_ms, int64_t wait_ms,
                           int64_t timeout_ms, pgqrs_handle *result, pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, shim_out(result, sizeof *result, "result", error));
    THEN(st, goDequeueWait(consumer, batch, lease_ms, wait_ms, timeout_ms, result, error));
    return st;
}

int32_t pgqrs_archive_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t timeout_ms,
                           pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, goArchiveWait(consumer, id, read_ct, timeout_ms, error));
    return st;
}

int32_t pgqrs_delete_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t timeout_ms,
                          pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, goDeleteWait(consumer, id, read_ct, timeout_ms, error));
    return st;
}

int32_t pgqrs_extend_vt_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t extend_ms, int64_t timeout_ms,
                             pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, goExtendVtWait(consumer, id, read_ct, extend_ms, timeout_ms, error));
    return st;
}

int32_t pgqrs_release_wait(pgqrs_handle consumer, int64_t id, int32_t read_ct, int64_t timeout_ms,
                           pgqrs_handle *error) {
    int32_t st = shim_begin(error);
    THEN(st, goReleaseWait(consumer, id, read_ct, timeout_ms, error));
    return st;
}
