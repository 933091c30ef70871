"""Every operation, described once: function, arguments, result. Knows no loop.

A function here returns a Call; whether it is awaited (_bridge.py) or waited for
(_syncbridge.py) is the caller's affair. The first argument is the number of the
target: a store, a producer or a consumer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ._native import _codec as codec
from ._native._codec import MessageRow
from ._native._cq import Call
from ._types import (
    ArchivedMessage,
    QueueInfo,
    QueueMetrics,
    StoreStats,
    SystemStats,
    WorkerHealthStats,
    WorkerInfo,
    WorkerStats,
)

M = TypeVar("M")

# --- stores ---------------------------------------------------------------------


def store_open(dsn: str | None, config: dict[str, object], *, bootstrap: bool) -> Call[int]:
    options = codec.store_options(dsn, config, bootstrap=bootstrap)
    return Call("pgqrs_store_open", (options,), codec.read_handle)


def store_stop(store: int, /) -> Call[None]:
    return Call("pgqrs_store_stop", (store,), codec.read_nothing)


def store_install(store: int, /) -> Call[None]:
    return Call("pgqrs_store_install", (store,), codec.read_nothing)


def store_verify(store: int, /) -> Call[None]:
    return Call("pgqrs_store_verify", (store,), codec.read_nothing)


def store_uninstall(store: int, /) -> Call[None]:
    return Call("pgqrs_store_uninstall", (store,), codec.read_nothing)


def store_stats(store: int, /) -> Call[SystemStats]:
    return Call("pgqrs_store_stats", (store,), lambda result: SystemStats.from_row(codec.read_json(result)))


def store_activity(store: int, /) -> Call[StoreStats]:
    return Call("pgqrs_store_activity", (store,), lambda result: StoreStats.from_row(codec.read_json(result)))


# --- workers --------------------------------------------------------------------


def producer_open(store: int, /, queue: str, hostname: str | None, port: int | None, *, ephemeral: bool) -> Call[int]:
    options = codec.worker_options(hostname, port, ephemeral=ephemeral)
    return Call("pgqrs_producer_open", (store, codec.text(queue), options), codec.read_handle)


def consumer_open(store: int, /, queue: str, hostname: str | None, port: int | None, *, ephemeral: bool) -> Call[int]:
    options = codec.worker_options(hostname, port, ephemeral=ephemeral)
    return Call("pgqrs_consumer_open", (store, codec.text(queue), options), codec.read_handle)


def heartbeat(worker: int, /) -> Call[None]:
    return Call("pgqrs_worker_heartbeat", (worker,), codec.read_nothing)


def suspend(worker: int, /) -> Call[None]:
    return Call("pgqrs_worker_suspend", (worker,), codec.read_nothing)


def resume(worker: int, /) -> Call[None]:
    return Call("pgqrs_worker_resume", (worker,), codec.read_nothing)


def interrupt(worker: int, /) -> Call[None]:
    return Call("pgqrs_worker_interrupt", (worker,), codec.read_nothing)


def shutdown(worker: int, /) -> Call[None]:
    return Call("pgqrs_worker_shutdown", (worker,), codec.read_nothing)


def status(worker: int, /) -> Call[str]:
    return Call("pgqrs_worker_status", (worker,), lambda result: str(codec.read_json(result)["status"]))


# --- messages -------------------------------------------------------------------


def enqueue(producer: int, /, documents: Sequence[bytes], delay_ms: int = 0, at: int = 0) -> Call[list[int]]:
    args = (producer, codec.payloads(documents), len(documents), codec.enqueue_options(delay_ms, at))
    return Call("pgqrs_enqueue", args, codec.read_ids, codec.number_id)


def enqueue_each(producer: int, /, documents: Sequence[bytes], delay_ms: int = 0, at: int = 0) -> Call[list[Any]]:
    """Messages of several callers: for each its id, or the exception it failed with."""
    args = (producer, codec.payloads(documents), len(documents), codec.enqueue_options(delay_ms, at))
    return Call("pgqrs_enqueue_each", args, codec.read_each, codec.number_id)


def dequeue(
    consumer: int,
    /,
    wrap: Callable[[MessageRow], M],
    *,
    batch: int | None,
    lease_ms: int = 0,
    wait_ms: int = 0,
    at: int = 0,
    auto_extend: bool = False,
    keep_max_ms: int = 0,
) -> Call[list[M]]:
    options = codec.dequeue_options(batch, lease_ms, wait_ms, at, auto_extend=auto_extend, keep_max_ms=keep_max_ms)
    return Call("pgqrs_dequeue", (consumer, options), lambda result: [wrap(row) for row in codec.read_messages(result)])


def archive(consumer: int, /, tokens: Sequence[tuple[int, int]]) -> Call[list[bool]]:
    return Call(
        "pgqrs_archive", (consumer, codec.tokens(tokens), len(tokens)), codec.read_outcomes, codec.number_outcome
    )


def delete(consumer: int, /, tokens: Sequence[tuple[int, int]]) -> Call[list[bool]]:
    return Call(
        "pgqrs_delete", (consumer, codec.tokens(tokens), len(tokens)), codec.read_outcomes, codec.number_outcome
    )


def extend_vt(consumer: int, /, tokens: Sequence[tuple[int, int]], extend_ms: int) -> Call[list[bool]]:
    return Call(
        "pgqrs_extend_vt",
        (consumer, codec.tokens(tokens), len(tokens), extend_ms),
        codec.read_outcomes,
        codec.number_outcome,
    )


def release(
    consumer: int, /, tokens: Sequence[tuple[int, int]], *, at: int = 0, unread: bool = False
) -> Call[list[bool]]:
    options = codec.release_options(at, unread=unread)
    return Call(
        "pgqrs_release",
        (consumer, codec.tokens(tokens), len(tokens), options),
        codec.read_outcomes,
        codec.number_outcome,
    )


def consumer_losses(consumer: int, /) -> Call[list[tuple[int, int]]]:
    """Multi-shot: the tokens of leases that were kept alive and lost all the same."""
    return Call("pgqrs_consumer_losses", (consumer,), codec.read_tokens)


# --- queues ---------------------------------------------------------------------


def queue_create(store: int, /, queue: str, max_read_ct: int | None) -> Call[QueueInfo]:
    args = (store, codec.text(queue), codec.queue_options(max_read_ct))
    return Call("pgqrs_queue_create", args, lambda result: QueueInfo.from_row(codec.read_json(result)))


def queue_get(store: int, /, queue: str) -> Call[QueueInfo]:
    return Call(
        "pgqrs_queue_get", (store, codec.text(queue)), lambda result: QueueInfo.from_row(codec.read_json(result))
    )


def queue_by_id(store: int, /, id: int) -> Call[QueueInfo]:
    return Call("pgqrs_queue_by_id", (store, id), lambda result: QueueInfo.from_row(codec.read_json(result)))


def queue_delete(store: int, /, queue: str) -> Call[None]:
    return Call("pgqrs_queue_delete", (store, codec.text(queue)), codec.read_nothing)


def queue_purge(store: int, /, queue: str) -> Call[int]:
    return Call("pgqrs_queue_purge", (store, codec.text(queue)), codec.read_count)


def queue_metrics(store: int, /, **filters: Any) -> Call[list[QueueMetrics]]:
    return _filtered("pgqrs_queue_metrics", store, filters, _rows(QueueMetrics.from_row))


def queue_list(store: int, /, **filters: Any) -> Call[list[QueueInfo]]:
    return _filtered("pgqrs_queue_list", store, filters, _rows(QueueInfo.from_row))


def queue_count(store: int, /) -> Call[int]:
    return _filtered("pgqrs_queue_count", store, {}, codec.read_count)


# --- worker, message and archive tables --------------------------------------------


def worker_get(store: int, /, id: int) -> Call[WorkerInfo]:
    return Call("pgqrs_worker_get", (store, id), lambda result: WorkerInfo.from_row(codec.read_json(result)))


def worker_list(store: int, /, **filters: Any) -> Call[list[WorkerInfo]]:
    return _filtered("pgqrs_worker_list", store, filters, _rows(WorkerInfo.from_row))


def worker_count(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_worker_count", store, filters, codec.read_count)


def worker_delete(store: int, /, id: int) -> Call[None]:
    return Call("pgqrs_worker_delete", (store, id), codec.read_nothing)


def worker_release(store: int, /, id: int) -> Call[int]:
    return Call("pgqrs_worker_release", (store, id), codec.read_count)


def worker_purge(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_worker_purge", store, filters, codec.read_count)


def worker_stats(store: int, /, **filters: Any) -> Call[list[WorkerStats]]:
    return _filtered("pgqrs_worker_stats", store, filters, _rows(WorkerStats.from_row))


def worker_health(store: int, /, **filters: Any) -> Call[list[WorkerHealthStats]]:
    return _filtered("pgqrs_worker_health", store, filters, _rows(WorkerHealthStats.from_row))


def message_get(store: int, wrap: Callable[[MessageRow], M], /, id: int) -> Call[M]:
    return Call("pgqrs_message_get", (store, id), lambda result: wrap(codec.read_messages(result)[0]))


def message_list(store: int, wrap: Callable[[MessageRow], M], /, **filters: Any) -> Call[list[M]]:
    return _filtered(
        "pgqrs_message_list", store, filters, lambda result: [wrap(row) for row in codec.read_messages(result)]
    )


def message_count(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_message_count", store, filters, codec.read_count)


def message_reclaim(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_message_reclaim", store, filters, codec.read_count)


def message_dead_letter(store: int, /, id: int) -> Call[None]:
    return Call("pgqrs_message_dead_letter", (store, id), codec.read_nothing)


def archive_get(store: int, /, id: int) -> Call[ArchivedMessage]:
    return Call("pgqrs_archive_get", (store, id), lambda result: ArchivedMessage(codec.read_messages(result)[0]))


def archive_list(store: int, /, **filters: Any) -> Call[list[ArchivedMessage]]:
    return _filtered(
        "pgqrs_archive_list",
        store,
        filters,
        lambda result: [ArchivedMessage(row) for row in codec.read_messages(result)],
    )


def archive_count(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_archive_count", store, filters, codec.read_count)


def archive_delete(store: int, /, id: int) -> Call[None]:
    return Call("pgqrs_archive_delete", (store, id), codec.read_nothing)


def archive_purge(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_archive_purge", store, filters, codec.read_count)


def archive_replay(store: int, /, id: int) -> Call[None]:
    return Call("pgqrs_archive_replay", (store, id), codec.read_nothing)


# --- helpers --------------------------------------------------------------------


def _filtered(function: str, store: int, filters: dict[str, Any], decode: Callable[[int], M]) -> Call[M]:
    options = codec.table_options(**filters) if filters else codec.MISSING
    return Call(function, (store, options), decode)


def _rows(build: Callable[[dict[str, Any]], M]) -> Callable[[int], list[M]]:
    return lambda result: [build(row) for row in codec.read_json(result)]
