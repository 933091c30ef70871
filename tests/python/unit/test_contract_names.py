"""Every public name that users were promised, with its parameters.

The table is the promise, the package is what is measured. `name(a, b=…)` is a function
that takes a and b, b with a default; a `*` begins those that are given by name. What
stands after `:` are methods and attributes; `async` says what is awaited. Where the
promise calls an argument msg or id that may be either, the package says message.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import pgqrs
import pgqrs.sync

FUNCTIONS = """
async connect(dsn, *, bootstrap=)
async connect_with(config)
admin(dsn)
producer(dsn, queue, hostname=, port=)
consumer(dsn, queue, hostname=, port=)
async produce(store, queue, payload)
async produce_batch(store, queue, payloads)
async consume(store, queue, handler)
async consume_batch(store, queue, batch_size, handler)
consume_iter(store, queue, *, batch_size=, vt=, poll_interval_ms=)
enqueue(producer, payload)
async enqueue_batch(producer, payloads)
async enqueue_delayed(producer, payload, delay_seconds)
dequeue(consumer, batch_size=, vt=)
async archive(consumer, message)
async delete(consumer, message)
async archive_batch(consumer, messages)
async extend_vt(consumer, message, seconds)
enqueue_in(connection, queue, payload)
forbid_native_load()
"""

CLASSES = """
Config(dsn=, schema=, max_connections=): from_dsn(dsn) dsn schema max_connections connection_timeout_seconds
    default_lock_time_seconds default_max_batch_size max_read_ct max_lease_seconds archive_retention_seconds
    dedup_retention_seconds
    heartbeat_interval_seconds poll_interval_ms max_payload_size_bytes max_string_length max_object_depth
    forbidden_keys required_keys max_enqueue_per_second max_enqueue_burst
Store: async close() async producer(queue, hostname=, port=) async consumer(queue, hostname=, port=)
    consume_iter(queue, *, batch_size=, vt=, poll_interval_ms=) async queue(name) async bootstrap() admin()
    async get_queues() async get_workers() async get_messages() async get_archive() async __aenter__()
Admin(dsn, schema=): async install() async verify() async uninstall() async create_queue(name) async get_queue(name)
    async delete_queue(name) async purge_queue(name) async get_queues() async get_workers() async get_messages()
    async get_archive() async queue_metrics(name) async all_queues_metrics() async system_stats() async worker_stats()
    async worker_health_stats() async reclaim_messages(queue, older_than_seconds=)
    async release_worker_messages(worker_id) async delete_worker(worker_id) async purge_old_workers() dlq()
    async dlq_messages() async replay(id) async close() async __aenter__()
Producer(dsn, queue, hostname=, port=): async enqueue(payload) async enqueue_delayed(payload, delay_seconds)
    async enqueue_at(payload, when) async enqueue_batch(payloads) worker_id
    async new_producer(dsn, queue, hostname=, port=) async heartbeat() async suspend() async resume()
    async shutdown() async status() async is_healthy() async close() async __aenter__()
Consumer(dsn, queue, hostname=, port=): async dequeue(batch_size=, vt=, wait=, auto_extend=) async dequeue_batch()
    async dequeue_batch_with_delay(limit, vt) async dequeue_many_with_delay(limit, vt) async dequeue_at(limit, vt, now)
    async archive(message) async archive_batch(messages) async archive_many(messages) async delete(message)
    async delete_batch(messages) async delete_many(messages) async extend_vt(message, seconds)
    async extend_visibility(message, seconds) async release_messages(messages)
    async release_with_visibility(message, when) async consume(handler) async consume_batch(batch_size=, handler=)
    async status() async interrupt() worker_id async new_consumer(dsn, queue, hostname=, port=) async heartbeat()
    async suspend() async resume() async shutdown() async is_healthy() async close() async __aenter__()
Worker(store, handlers, *, concurrency=, lock_seconds=, timeout_seconds=, retry=, grace_seconds=): async run() stop()
    async __aenter__()
ConsumerIterator: __aiter__() async __anext__() async __aenter__() async archive(message) async delete(message)
    async extend_vt(message, seconds) async close()
QueueMessage: id queue_id payload enqueued_at vt read_ct dequeued_at producer_worker_id consumer_worker_id archived_at
    lease_lost async archive() async delete() async extend_vt(seconds) async release()
Queues: async count() async list(limit=, offset=) async get(id) async purge(name) async metrics(name)
    async list_metrics()
Workers: async count() async list(limit=, offset=) async get(id) async health_stats()
    async purge_stale(timeout_seconds) async filter_by_queue(queue)
Messages: async count() async list(limit=, offset=) async get(id) async count_active_by_worker(worker_id)
    async move_to_dlq(id) async filter_by_payload(payload) async list_archived_by_queue(queue)
Archive: async count() async list(limit=, offset=) async get(id) async delete(id)
    async list_by_worker(worker_id, limit=, offset=) async count_by_worker(worker_id) async dlq_count(max_attempts=)
    async list_dlq_messages(max_attempts=, limit=, offset=) async delete_by_worker(worker_id) async replay(id)
QueueInfo: id queue_name created_at
WorkerInfo: id name hostname port queue_id status started_at heartbeat_at shutdown_at
ArchivedMessage: id queue_id payload enqueued_at vt read_ct dequeued_at producer_worker_id consumer_worker_id
    archived_at original_msg_id dead_reason
EnqueueBuilder: message(payload) messages(payloads) to(queue) worker(worker) delay(seconds) at(when)
    async execute(store)
DequeueBuilder: worker(worker) batch(size) handle(handler) handle_batch(handler) from_queue(queue) at(when)
    poll_interval(seconds) async poll(store) async execute(store) async fetch_one(store) async fetch_all(store)
WorkerStatus: Ready Polling Suspended Interrupted Stopped
"""

ERRORS = """
PgqrsError RuntimeError
QueueAlreadyExistsError
QueueNotFoundError ValueError
MessageNotFoundError
WorkerNotFoundError
ValidationError ValueError
ConfigError
SerializationError
RateLimitedError
StateTransitionError
PgqrsConnectionError ConnectionError
DatabaseError
SchemaError
TimeoutError TimeoutError
ClosedError
ForkError
InternalError
TransientStepError
StepNotReadyError
RetriesExhaustedError
PausedError
CancelledRunError
"""

_NAME = re.compile(r"(?P<asynchronous>async )?(?P<name>\w+)(?P<called>\((?P<parameters>[^)]*)\))?")


class Promised(NamedTuple):
    name: str
    asynchronous: bool
    parameters: list[str] | None
    """None for what is not called."""


def promised(text: str) -> Iterator[Promised]:
    for match in _NAME.finditer(text):
        parameters = [p.strip() for p in match["parameters"].split(",") if p.strip()] if match["called"] else None
        yield Promised(match["name"], bool(match["asynchronous"]), parameters)


def classes() -> Iterator[tuple[Promised, list[Promised]]]:
    for row in re.split(r"\n(?=\S)", CLASSES.strip()):
        head, _, members = row.partition(":")
        (cls,) = promised(head)
        yield cls, list(promised(members))


def check_call(promise: Promised, function: Any, where: str) -> None:
    """The function takes what is promised, in that order; it may take more that has a default."""
    assert inspect.iscoroutinefunction(function) is promise.asynchronous, where
    taken = {name: p for name, p in inspect.signature(function).parameters.items() if name != "self"}
    assert promise.parameters is not None
    by_name = False
    wanted: list[str] = []
    for each in promise.parameters:
        if each == "*":
            by_name = True
            continue
        name = each.removesuffix("=")
        wanted.append(name)
        assert name in taken, f"{where} has no parameter {name}"
        if each.endswith("="):
            assert taken[name].default is not inspect.Parameter.empty, f"{where}: {name} has no default"
        assert (taken[name].kind is inspect.Parameter.KEYWORD_ONLY) is by_name, f"{where}: {name}"
    assert [name for name in taken if name in wanted] == wanted, where
    for name, parameter in taken.items():
        if name not in wanted:
            variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
            assert variadic or parameter.default is not inspect.Parameter.empty, f"{where} also wants {name}"


@pytest.mark.parametrize("promise", list(promised(FUNCTIONS)), ids=lambda p: p.name)
def test_functions(promise: Promised) -> None:
    assert promise.name in pgqrs.__all__
    check_call(promise, getattr(pgqrs, promise.name), promise.name)


@pytest.mark.parametrize(("cls", "members"), list(classes()), ids=lambda p: p.name if isinstance(p, Promised) else "")
def test_classes(cls: Promised, members: list[Promised]) -> None:
    assert cls.name in pgqrs.__all__
    kind = getattr(pgqrs, cls.name)
    if cls.parameters is not None:
        check_call(Promised(cls.name, False, cls.parameters), kind, cls.name)
    for member in members:
        where = f"{cls.name}.{member.name}"
        found = getattr(kind, member.name, None)
        assert found is not None, f"there is no {where}"
        if member.parameters is not None:
            check_call(member, found, where)
        else:
            assert not inspect.isroutine(found), f"{where} is no attribute"


@pytest.mark.parametrize("row", ERRORS.split("\n")[1:-1])
def test_errors(row: str) -> None:
    name, *bases = row.split()
    kind = getattr(pgqrs, name)
    assert name in pgqrs.__all__
    assert issubclass(kind, pgqrs.PgqrsError)
    builtin = {"RuntimeError": RuntimeError, "ValueError": ValueError, "ConnectionError": ConnectionError}
    for base in bases:
        assert issubclass(kind, builtin.get(base, TimeoutError))
    for attribute in ("code", "sqlstate", "operation", "retry_after"):
        assert hasattr(kind("what"), attribute)


def test_texts_that_are_fixed() -> None:
    assert pgqrs.WorkerStatus.Ready == "READY" == "ready".upper()
    assert pgqrs.WorkerStatus("POLLING") is pgqrs.WorkerStatus.Polling


def test_the_sync_twin_has_the_verbs() -> None:
    for name in ("connect", "Store", "Producer", "Consumer", "Worker"):
        assert name in pgqrs.sync.__all__
    for promise in promised(FUNCTIONS):
        twin = getattr(pgqrs.sync, promise.name, None)
        if twin is not None:
            assert not asyncio.iscoroutinefunction(twin)
