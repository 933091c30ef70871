"""Every operation, described once: function, arguments, result. Knows no loop.

A function here returns a Call; whether it is awaited (_bridge.py) or waited for
(_syncbridge.py) is the caller's affair. The first argument is the number of the
target: a store, a producer or a consumer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

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
from ._workflow_types import StepResult, WorkflowInfo, WorkflowRun, WorkflowStep

M = TypeVar("M")

# --- log ------------------------------------------------------------------------


def log_subscribe() -> Call[dict[str, Any]]:
    """Multi-shot: the lines the library logs, of every level."""
    return Call("pgqrs_log_subscribe", (codec.EVERY_LEVEL,), codec.read_json)


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


def store_inspect(store: int, /) -> Call[dict[str, str]]:
    return Call("pgqrs_store_inspect", (store,), lambda result: dict(codec.read_json(result)))


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


def poll(worker: int, /, polling: bool) -> Call[None]:
    return Call("pgqrs_worker_poll", (worker, int(polling)), codec.read_nothing)


def shutdown(worker: int, /) -> Call[None]:
    return Call("pgqrs_worker_shutdown", (worker,), codec.read_nothing)


def status(worker: int, /) -> Call[str]:
    return Call("pgqrs_worker_status", (worker,), lambda result: str(codec.read_json(result)["status"]))


# --- messages -------------------------------------------------------------------


Keyed: TypeAlias = tuple[bytes, str | None]
"""A document, and its dedup key."""


def enqueue(producer: int, /, messages: Sequence[Keyed], delay_ms: int = 0, at: int = 0) -> Call[list[int]]:
    args = _enqueue(producer, messages, delay_ms, at)
    return Call("pgqrs_enqueue", args, codec.read_ids, codec.number_id)


def enqueue_each(producer: int, /, messages: Sequence[Keyed], delay_ms: int = 0, at: int = 0) -> Call[list[Any]]:
    """Messages of several callers: for each its id, or the exception it failed with."""
    args = _enqueue(producer, messages, delay_ms, at)
    return Call("pgqrs_enqueue_each", args, codec.read_each, codec.number_id)


def _enqueue(producer: int, messages: Sequence[Keyed], delay_ms: int, at: int) -> tuple[codec.Argument, ...]:
    documents = [document for document, _ in messages]
    options = codec.enqueue_options(delay_ms, at, [key for _, key in messages])
    return (producer, codec.payloads(documents), len(documents), options)


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


# --- workflows ------------------------------------------------------------------


def workflow_create(store: int, /, workflow: str, max_read_ct: int | None) -> Call[WorkflowInfo]:
    args = (store, codec.text(workflow), codec.queue_options(max_read_ct))
    return Call("pgqrs_workflow_create", args, _row(WorkflowInfo.from_row))


def workflow_get(store: int, /, workflow: str) -> Call[WorkflowInfo]:
    return Call("pgqrs_workflow_get", (store, codec.text(workflow)), _row(WorkflowInfo.from_row))


def workflow_by_id(store: int, /, id: int) -> Call[WorkflowInfo]:
    return Call("pgqrs_workflow_by_id", (store, id), _row(WorkflowInfo.from_row))


def workflow_list(store: int, /, **filters: Any) -> Call[list[WorkflowInfo]]:
    return _filtered("pgqrs_workflow_list", store, filters, _rows(WorkflowInfo.from_row))


def workflow_count(store: int, /) -> Call[int]:
    return _filtered("pgqrs_workflow_count", store, {}, codec.read_count)


def run_trigger(store: int, /, workflow: str, input: bytes) -> Call[WorkflowRun]:
    args = (store, codec.text(workflow), codec.document(input))
    return Call("pgqrs_run_trigger", args, _row(WorkflowRun.from_row))


def run_start(store: int, /, run: int, message: int) -> Call[WorkflowRun]:
    return Call("pgqrs_run_start", (store, run, message), _row(WorkflowRun.from_row))


def run_complete(store: int, /, run: int, attempt: int, output: bytes) -> Call[WorkflowRun]:
    return Call("pgqrs_run_complete", (store, run, attempt, codec.document(output)), _row(WorkflowRun.from_row))


def run_fail(store: int, /, run: int, attempt: int, reason: str) -> Call[WorkflowRun]:
    return Call("pgqrs_run_fail", (store, run, attempt, codec.text(reason)), _row(WorkflowRun.from_row))


def run_pause(store: int, /, run: int) -> Call[WorkflowRun]:
    return Call("pgqrs_run_pause", (store, run), _row(WorkflowRun.from_row))


def run_resume(store: int, /, run: int) -> Call[WorkflowRun]:
    return Call("pgqrs_run_resume", (store, run), _row(WorkflowRun.from_row))


def run_cancel(store: int, /, run: int) -> Call[WorkflowRun]:
    return Call("pgqrs_run_cancel", (store, run), _row(WorkflowRun.from_row))


def run_get(store: int, /, run: int) -> Call[WorkflowRun]:
    return Call("pgqrs_run_get", (store, run), _row(WorkflowRun.from_row))


def run_list(store: int, /, **filters: Any) -> Call[list[WorkflowRun]]:
    return _filtered("pgqrs_run_list", store, filters, _rows(WorkflowRun.from_row))


def run_count(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_run_count", store, filters, codec.read_count)


def step_acquire(store: int, /, run: int, attempt: int, step: str, max_attempts: int) -> Call[StepResult]:
    args = (store, run, attempt, codec.text(step), max_attempts)
    return Call("pgqrs_step_acquire", args, _row(StepResult.from_row))


def step_complete(store: int, /, run: int, attempt: int, step: str, output: bytes) -> Call[WorkflowStep]:
    args = (store, run, attempt, codec.text(step), codec.document(output))
    return Call("pgqrs_step_complete", args, _row(WorkflowStep.from_row))


def step_fail(store: int, /, run: int, attempt: int, step: str, reason: str, retry_ms: int) -> Call[WorkflowStep]:
    args = (store, run, attempt, codec.text(step), codec.text(reason), retry_ms)
    return Call("pgqrs_step_fail", args, _row(WorkflowStep.from_row))


def step_get(store: int, /, id: int) -> Call[WorkflowStep]:
    return Call("pgqrs_step_get", (store, id), _row(WorkflowStep.from_row))


def step_list(store: int, /, **filters: Any) -> Call[list[WorkflowStep]]:
    return _filtered("pgqrs_step_list", store, filters, _rows(WorkflowStep.from_row))


def step_count(store: int, /, **filters: Any) -> Call[int]:
    return _filtered("pgqrs_step_count", store, filters, codec.read_count)


# --- helpers --------------------------------------------------------------------


def _filtered(function: str, store: int, filters: dict[str, Any], decode: Callable[[int], M]) -> Call[M]:
    options = codec.table_options(**filters) if filters else codec.MISSING
    return Call(function, (store, options), decode)


def _rows(build: Callable[[dict[str, Any]], M]) -> Callable[[int], list[M]]:
    return lambda result: [build(row) for row in codec.read_json(result)]


def _row(build: Callable[[dict[str, Any]], M]) -> Callable[[int], M]:
    return lambda result: build(codec.read_json(result))
