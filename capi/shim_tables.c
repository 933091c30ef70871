/*
 * shim_tables.c - the public functions of the tables.
 */
#include "_cgo_export.h"
#include "shim_forms.h"

/* ---- Queues ------------------------------------------------------------------ */

SHIM_NEW(pgqrs_queue_create, goQueueCreate, "queue", pgqrs_queue_options, PGQRS_OK)
SHIM_BY_NAME(pgqrs_queue_get, goQueueGet, "queue")
SHIM_BY_ID(pgqrs_queue_by_id, goQueueById)
SHIM_BY_NAME(pgqrs_queue_delete, goQueueDelete, "queue")
SHIM_BY_NAME(pgqrs_queue_purge, goQueuePurge, "queue")
SHIM_ROWS(pgqrs_queue_metrics, goQueueMetrics)
SHIM_ROWS(pgqrs_queue_list, goQueueList)
SHIM_ROWS(pgqrs_queue_count, goQueueCount)

/* ---- Workers ----------------------------------------------------------------- */

SHIM_BY_ID(pgqrs_worker_get, goWorkerGet)
SHIM_ROWS(pgqrs_worker_list, goWorkerList)
SHIM_ROWS(pgqrs_worker_count, goWorkerCount)
SHIM_BY_ID(pgqrs_worker_delete, goWorkerDelete)
SHIM_BY_ID(pgqrs_worker_release, goWorkerRelease)
SHIM_ROWS(pgqrs_worker_purge, goWorkerPurge)
SHIM_ROWS(pgqrs_worker_stats, goWorkerStats)
SHIM_ROWS(pgqrs_worker_health, goWorkerHealth)

/* ---- Messages ---------------------------------------------------------------- */

SHIM_BY_ID(pgqrs_message_get, goMessageGet)
SHIM_ROWS(pgqrs_message_list, goMessageList)
SHIM_ROWS(pgqrs_message_count, goMessageCount)
SHIM_ROWS(pgqrs_message_reclaim, goMessageReclaim)
SHIM_BY_ID(pgqrs_message_dead_letter, goMessageDeadLetter)

/* ---- Archive ----------------------------------------------------------------- */

SHIM_BY_ID(pgqrs_archive_get, goArchiveGet)
SHIM_ROWS(pgqrs_archive_list, goArchiveList)
SHIM_ROWS(pgqrs_archive_count, goArchiveCount)
SHIM_BY_ID(pgqrs_archive_delete, goArchiveDelete)
SHIM_BY_ID(pgqrs_archive_replay, goArchiveReplay)
SHIM_ROWS(pgqrs_archive_purge, goArchivePurge)
