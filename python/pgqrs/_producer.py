"""Producer: stores messages in one queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from . import _arguments, _ops, _payload
from ._bridge import meet
from ._connection import Connection, Source
from ._lifecycle import Registered
from .errors import TimeoutError, ValidationError

BATCH_MAX = 100_000  # messages of one enqueue; twin of the limit in pgqrs.h


class Producer(Registered):
    """Stores messages in one queue.

    Made from a DSN or Config it opens nothing until its first await, so it may be
    built when a module is imported. Made from a Store or Admin that is connected it
    has registered when the constructor returns; ``await store.producer(…)`` does
    the same without blocking.

    Every enqueue returns after the commit: a returned id survives any crash. A call
    that raised may or may not have stored its message, and says so.
    """

    __slots__ = ()

    _kind = "producer"
    _open_op = staticmethod(_ops.producer_open)

    @staticmethod
    async def new_producer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Producer:
        """A producer of a DSN, Config, Store or Admin, registered as a worker."""
        return await Producer._create(dsn, queue, hostname, port)

    async def enqueue(self, payload: Any, *, dedup_key: str | None = None) -> int:
        """Stores one message and returns its id.

        With a dedup key that the queue remembers nothing is stored, and the id is that
        of the message the key came with first; so the call may be repeated after any
        error. A key is remembered for the Config's dedup_retention_seconds at least,
        whatever becomes of its message. Where somebody else's transaction has enqueued
        the key, this call waits for its end, and raises TimeoutError after the Config's
        connection_timeout_seconds, or 30 seconds if that is more.
        """
        if dedup_key is not None:
            return await self._enqueue_keyed(_keyed(payload, dedup_key))
        message = (_payload.encode(payload), None)
        met = meet(_ops.enqueue_each, self._handle.number, message)
        if met is None:
            return await self._share(_ops.enqueue_each, message)
        group, future = met
        try:
            stored: int = await future
        except BaseException:
            group.left(future)
            raise
        return stored

    async def enqueue_delayed(
        self, payload: Any, delay_seconds: float | timedelta, *, dedup_key: str | None = None
    ) -> int:
        """Stores one message that is visible only after a delay, in seconds or as a timedelta."""
        message = _keyed(payload, dedup_key)
        delay_ms = _arguments.span_ms(delay_seconds, "delay_seconds")
        return await self._enqueue_keyed(message, delay_ms=delay_ms)

    async def enqueue_at(self, payload: Any, when: datetime, *, dedup_key: str | None = None) -> int:
        """Stores one message that is visible from an instant on, a timezone-aware datetime."""
        message = _keyed(payload, dedup_key)
        at = _arguments.instant(when, "when")
        return await self._enqueue_keyed(message, at=at)

    async def _enqueue_keyed(self, message: _ops.Keyed, **when: int) -> int:
        """Stores one message that may have a dedup key; when is what the ops take.

        Where somebody else's transaction has the key, those who cross together with this
        message are answered, and it waits alone.
        """
        try:
            return await self._share(_ops.enqueue_each, message, **when)
        except TimeoutError as problem:
            if problem.field != "dedup_key" or not problem.retry_after:  # without, it has waited already
                raise
        (stored,) = await self._run(_ops.enqueue, [message], **when)
        return stored

    async def enqueue_batch(
        self, payloads: Iterable[Any], *, dedup_keys: Iterable[str | None] | None = None
    ) -> list[int]:
        """Stores all messages or none and returns their ids in input order.

        dedup_keys  one for each payload, None for none; see enqueue
        """
        return await self._enqueue_all(payloads, dedup_keys)

    async def _enqueue_all(
        self, payloads: Iterable[Any], dedup_keys: Iterable[str | None] | None, *, delay_ms: int = 0, at: int = 0
    ) -> list[int]:
        documents = _payload.encode_all(_arguments.items(payloads, "payloads"), "payloads")
        if len(documents) > BATCH_MAX:
            raise ValidationError(
                f"payloads has {len(documents)} items; at most {BATCH_MAX} fit into one transaction.", field="payloads"
            )
        keys = _arguments.dedup_keys(dedup_keys, len(documents)) or [None] * len(documents)
        if not documents:
            return []
        return await self._run(_ops.enqueue, list(zip(documents, keys, strict=True)), delay_ms=delay_ms, at=at)


def _keyed(payload: Any, dedup_key: str | None) -> _ops.Keyed:
    return _payload.encode(payload), _arguments.dedup_key(dedup_key)


async def produce_all(
    connection: Connection,
    queue: str,
    payloads: Iterable[Any],
    dedup_keys: Iterable[str | None] | None,
    *,
    delay_ms: int = 0,
    at: int = 0,
) -> list[int]:
    """Stores all messages or none, without registering a producer, and returns their ids."""
    ephemeral = await Producer._register(connection, queue, ephemeral=True)  # pyright: ignore[reportPrivateUsage]
    try:
        return await ephemeral._enqueue_all(payloads, dedup_keys, delay_ms=delay_ms, at=at)  # pyright: ignore[reportPrivateUsage]
    finally:
        ephemeral._handle.close()  # pyright: ignore[reportPrivateUsage]
