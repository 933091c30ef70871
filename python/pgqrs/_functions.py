"""Module functions: the everyday verbs without methods."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from datetime import timedelta
from typing import Any, Final, TypeVar, overload

from . import _arguments
from ._admin import Admin
from ._builders import DequeueBuilder, EnqueueBuilder
from ._connection import Connected, Source, shared_connection
from ._consumer import BatchHandler, Consumer, Handler, MessageOrId
from ._iterators import ConsumerIterator
from ._producer import Producer, produce_all
from ._types import QueueMessage

W = TypeVar("W")

_MISSING: Final = object()


def admin(dsn: Source, schema: str | None = None) -> Admin:
    """An Admin of a DSN, Config, Store or Admin."""
    return Admin(dsn, schema)


def producer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Producer:
    """A Producer of a DSN, Config, Store or Admin."""
    return Producer(dsn, queue, hostname, port)


def consumer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Consumer:
    """A Consumer of a DSN, Config, Store or Admin."""
    return Consumer(dsn, queue, hostname, port)


# --- without a worker of one's own ----------------------------------------------


async def produce(store: Connected, queue: str, payload: Any, *, dedup_key: str | None = None) -> int:
    """Stores one message without registering a producer and returns its id.

    dedup_key  what it is known by; see Producer.enqueue
    """
    return (await produce_batch(store, queue, [payload], dedup_keys=[_arguments.dedup_key(dedup_key)]))[0]


async def produce_batch(
    store: Connected, queue: str, payloads: Iterable[Any], *, dedup_keys: Iterable[str | None] | None = None
) -> list[int]:
    """Stores all messages or none, without registering a producer, and returns their ids."""
    return await produce_all(shared_connection(store), queue, payloads, dedup_keys)


async def consume(store: Connected, queue: str, handler: Handler) -> bool:
    """Processes at most one message; returns at once when the queue is empty.

    The message is archived when the handler returns, released when it returns an
    explicit False, and released when it raises, which is raised here too. Returns
    whether there was a message.
    """
    async with await _ephemeral_consumer(store, queue) as worker:
        return await worker.consume(handler)


async def consume_batch(store: Connected, queue: str, batch_size: int, handler: BatchHandler) -> int:
    """Processes up to batch_size messages at once, the rules of consume holding for
    all together. Returns how many there were."""
    async with await _ephemeral_consumer(store, queue) as worker:
        return await worker.consume_batch(batch_size, handler)


def consume_iter(
    store: Connected,
    queue: str,
    *,
    batch_size: int = 1,
    vt: float | timedelta | None = None,
    poll_interval_ms: float | None = None,
) -> ConsumerIterator:
    """The messages of a queue for ``async for`` or ``async with``; see ConsumerIterator."""
    return ConsumerIterator(shared_connection(store), queue, batch_size, vt, poll_interval_ms)


async def _ephemeral_consumer(store: Connected, queue: str) -> Consumer:
    return await Consumer._register(shared_connection(store), queue, ephemeral=True)  # pyright: ignore[reportPrivateUsage]


# --- with a producer --------------------------------------------------------------


@overload
def enqueue() -> EnqueueBuilder: ...
@overload
def enqueue(producer: Producer, payload: Any, *, dedup_key: str | None = None) -> Coroutine[Any, Any, int]: ...
def enqueue(
    producer: Any = _MISSING, payload: Any = _MISSING, *, dedup_key: str | None = None
) -> EnqueueBuilder | Coroutine[Any, Any, int]:
    """Stores one message and returns its id, to be awaited. Without arguments: a builder, see EnqueueBuilder."""
    if producer is _MISSING and payload is _MISSING:
        return EnqueueBuilder()
    if producer is _MISSING or payload is _MISSING:
        raise TypeError("enqueue takes a producer and a payload, or no argument for a builder")
    return _worker(producer, Producer, "producer").enqueue(payload, dedup_key=dedup_key)


async def enqueue_batch(
    producer: Producer, payloads: Iterable[Any], *, dedup_keys: Iterable[str | None] | None = None
) -> list[int]:
    """Stores all messages or none and returns their ids in input order."""
    return await _worker(producer, Producer, "producer").enqueue_batch(payloads, dedup_keys=dedup_keys)


async def enqueue_delayed(
    producer: Producer, payload: Any, delay_seconds: float | timedelta, *, dedup_key: str | None = None
) -> int:
    """Stores one message that is visible only after a delay."""
    worker = _worker(producer, Producer, "producer")
    return await worker.enqueue_delayed(payload, delay_seconds, dedup_key=dedup_key)


# --- with a consumer --------------------------------------------------------------


@overload
def dequeue() -> DequeueBuilder: ...
@overload
def dequeue(
    consumer: Consumer, batch_size: int = 1, vt: float | timedelta | None = None
) -> Coroutine[Any, Any, list[QueueMessage]]: ...
def dequeue(
    consumer: Any = _MISSING, batch_size: int = 1, vt: float | timedelta | None = None
) -> DequeueBuilder | Coroutine[Any, Any, list[QueueMessage]]:
    """Leases up to batch_size eligible messages, for vt seconds when given, to be awaited.

    Without arguments: a builder, see DequeueBuilder.
    """
    if consumer is _MISSING:
        return DequeueBuilder()
    return _worker(consumer, Consumer, "consumer").dequeue(batch_size, vt)


async def archive(consumer: Consumer, message: MessageOrId) -> bool:
    """Finishes a message and keeps it in the archive; True iff it took effect."""
    return await _worker(consumer, Consumer, "consumer").archive(message)


async def archive_batch(consumer: Consumer, messages: Iterable[MessageOrId]) -> list[bool]:
    """Archives several messages; one bool each, in input order."""
    return await _worker(consumer, Consumer, "consumer").archive_batch(messages)


async def delete(consumer: Consumer, message: MessageOrId) -> bool:
    """Finishes a message without a trace; True iff it took effect."""
    return await _worker(consumer, Consumer, "consumer").delete(message)


async def extend_vt(consumer: Consumer, message: MessageOrId, seconds: float | timedelta) -> bool:
    """Makes a lease last at least so long from now; True iff it took effect."""
    return await _worker(consumer, Consumer, "consumer").extend_vt(message, seconds)


def _worker(value: object, kind: type[W], name: str) -> W:
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value
