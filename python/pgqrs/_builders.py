"""Builders: an enqueue or dequeue put together step by step.

::

    ids = await pgqrs.enqueue().message({"n": 1}).to("tasks").delay(300).execute(store)
    messages = await pgqrs.dequeue().from_queue("tasks").batch(10).fetch_all(store)
    await pgqrs.dequeue().worker(consumer).handle(handler).poll(store)

Every step returns the builder; the last call does the work.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, Self, TypeVar

from . import _arguments, _bridge, _ops
from ._connection import Connected, shared_connection
from ._consumer import BatchHandler, Consumer, Handler
from ._enums import WorkerStatus
from ._lifecycle import Registered
from ._producer import Producer, produce_all
from ._retry import TROUBLE, Retry
from ._types import QueueMessage
from .errors import ClosedError, PgqrsError, StateTransitionError, ValidationError

logger = logging.getLogger("pgqrs")


R = TypeVar("R", bound=Registered)


class _Builder(Generic[R]):
    """What both builders have in common: through whom, and when."""

    __slots__ = ("_at", "_queue", "_worker")

    _kind: ClassVar[type[Registered]]
    _queue_step: ClassVar[str]  # what the step that names the queue is called

    def __init__(self) -> None:
        self._worker: R | None = None
        self._queue: str | None = None
        self._at = 0

    def worker(self, worker: R) -> Self:
        """Through this worker."""
        if not isinstance(worker, self._kind):
            raise TypeError(f"worker must be a {self._kind.__name__}, not {type(worker).__name__}")
        self._worker = worker
        return self

    def at(self, when: datetime) -> Self:
        """At this instant instead of now, a timezone-aware datetime."""
        self._at = _arguments.instant(when, "when")
        return self

    def _check(self) -> None:
        if (self._worker is None) == (self._queue is None):
            raise ValidationError(f"Give either worker(…) or {self._queue_step}(queue).", field="worker")


class EnqueueBuilder(_Builder[Producer]):
    """Stores messages; made by ``pgqrs.enqueue()``."""

    __slots__ = ("_delay", "_keys", "_payloads")

    _kind = Producer
    _queue_step = "to"

    def __init__(self) -> None:
        super().__init__()
        self._payloads: list[Any] = []
        self._keys: list[str | None] = []
        self._delay: float | timedelta = 0

    def message(self, payload: Any, *, dedup_key: str | None = None) -> Self:
        """One more message; for the key see Producer.enqueue."""
        self._keys.append(_arguments.dedup_key(dedup_key))
        self._payloads.append(payload)
        return self

    def messages(self, payloads: Iterable[Any], *, dedup_keys: Iterable[str | None] | None = None) -> Self:
        """Several more messages; of the keys there is one for each, None for none."""
        more = _arguments.items(payloads, "payloads")
        self._keys += _arguments.dedup_keys(dedup_keys, len(more)) or [None] * len(more)
        self._payloads += more
        return self

    def to(self, queue: str) -> Self:
        """Into this queue, without registering a producer."""
        self._queue = _arguments.text(queue, "queue")
        return self

    def delay(self, seconds: float | timedelta) -> Self:
        """Visible only after a delay; at(when) says the instant instead."""
        _arguments.span_ms(seconds, "seconds")
        self._delay = seconds
        return self

    async def execute(self, store: Connected) -> list[int]:
        """Stores all messages or none and returns their ids in input order."""
        connection = shared_connection(store)
        self._check()
        delay_ms = _arguments.span_ms(self._delay, "seconds")
        if delay_ms and self._at:
            raise ValidationError("Give either delay(…) or at(…).", field="delay")
        if self._worker is not None:
            return await self._worker._enqueue_all(self._payloads, self._keys, delay_ms=delay_ms, at=self._at)  # pyright: ignore[reportPrivateUsage]
        assert self._queue is not None
        return await produce_all(connection, self._queue, self._payloads, self._keys, delay_ms=delay_ms, at=self._at)


class DequeueBuilder(_Builder[Consumer]):
    """Leases messages, and handles them if told how; made by ``pgqrs.dequeue()``."""

    __slots__ = ("_batch", "_batch_handler", "_handler", "_poll_interval", "_vt", "_wait")

    _kind = Consumer
    _queue_step = "from_queue"
    _consumer_type: ClassVar[type[Consumer]] = Consumer

    def __init__(self) -> None:
        super().__init__()
        self._batch: int | None = None
        self._vt: float | timedelta | None = None
        self._wait: float | timedelta | None = None
        self._poll_interval: float | timedelta = math.inf
        self._handler: Handler | None = None
        self._batch_handler: BatchHandler | None = None

    def from_queue(self, queue: str) -> Self:
        """From this queue, with a consumer that exists only for this call."""
        self._queue = _arguments.text(queue, "queue")
        return self

    def batch(self, size: int) -> Self:
        """Up to so many messages at once: 1 for a handler when not given, else the
        Config's default_max_batch_size."""
        self._batch = _arguments.batch_size(size, "size")
        return self

    def vt(self, seconds: float | timedelta) -> Self:
        """Leases that last so long; the store's lock time when not given."""
        _arguments.span_ms(seconds, "seconds", positive=True)
        self._vt = seconds
        return self

    def vt_offset(self, seconds: float | timedelta) -> Self:
        """The same as vt."""
        return self.vt(seconds)

    def wait(self, seconds: float | timedelta) -> Self:
        """Waits so long for a first message; not at all when not given."""
        _arguments.wait_ms(seconds, "seconds")
        self._wait = seconds
        return self

    def poll_interval(self, seconds: float | timedelta) -> Self:
        """Makes poll() look at least so often; the library's choice when not given."""
        _arguments.span_ms(seconds, "seconds", positive=True)
        self._poll_interval = seconds
        return self

    def handle(self, handler: Handler) -> Self:
        """Calls this for each message; the result rules are those of Consumer.consume."""
        self._handler, self._batch_handler = _arguments.function(handler, "handler"), None
        return self

    def handle_batch(self, handler: BatchHandler) -> Self:
        """Calls this for each batch; the result holds for all of it."""
        self._batch_handler, self._handler = _arguments.function(handler, "handler"), None
        return self

    # --- the last call ------------------------------------------------------------

    async def fetch_one(self, store: Connected) -> QueueMessage | None:
        """Leases one message, if there is one."""
        messages = await self._fetch(store, 1)
        return messages[0] if messages else None

    async def fetch_all(self, store: Connected) -> list[QueueMessage]:
        """Leases messages, as many as batch() says."""
        return await self._fetch(store, self._batch)

    async def execute(self, store: Connected) -> int:
        """Handles what is there, once, and returns how many messages that were.

        A handler that raises has its message released, with those behind it, and the
        exception is raised here too.
        """
        self._check_handler()
        consumer = await self._open(store)
        try:
            messages = await self._lease(consumer, self._size(), self._wait, auto_extend=True)
            return await self._process(consumer, messages)
        finally:
            await self._close(consumer)

    async def poll(self, store: Connected) -> int:
        """Handles messages until the task is cancelled or the consumer is interrupted.

        A handler that raises is logged, and its message comes back after a pause, which
        grows with the attempts; so is a database that cannot be reached. Returns how
        many messages were handled, once somebody calls ``consumer.interrupt()``.
        """
        self._check_handler()
        if self._at:
            raise ValidationError("at(…) is for a single fetch; poll() takes what is visible now.", field="at")
        consumer = await self._open(store)
        try:
            return await self._poll(consumer)
        finally:
            await self._close(consumer)

    async def _poll(self, consumer: Consumer) -> int:
        ahead = await _clock_ahead(consumer)
        begun = False
        handled = failures = 0

        async def begin() -> None:
            nonlocal begun
            await consumer._poll(True)  # pyright: ignore[reportPrivateUsage]
            begun = True

        try:
            while True:
                try:
                    if not begun:
                        await _bridge.whole(begin)  # or nobody would know whether there is a loop to end
                    messages = await self._lease(consumer, self._size(), self._poll_interval, auto_extend=True)
                    failures = 0
                    handled += await self._process(consumer, messages, ahead)
                except StateTransitionError:
                    if await consumer.status() == WorkerStatus.Interrupted:
                        return handled
                    raise
                except PgqrsError as problem:
                    if not problem.transient:
                        raise
                    failures += 1
                    pause = TROUBLE.pause(failures)
                    logger.warning("cannot poll queue %r, next try in %.1f s: %s", consumer.queue, pause, problem)
                    await _bridge.sleep(pause)
        finally:
            if begun and consumer is self._worker:
                await _bridge.whole(lambda: _end_of_loop(consumer))

    # --- steps of it --------------------------------------------------------------

    def _check_handler(self) -> None:
        if self._handler is None and self._batch_handler is None:
            raise ValidationError(
                "Say what to do with the messages: handle(…) or handle_batch(…). fetch_all(store) returns them.",
                field="handler",
            )

    def _size(self) -> int:
        return self._batch or 1

    async def _open(self, store: Connected) -> Consumer:
        connection = shared_connection(store)
        self._check()
        if self._worker is not None:
            return self._worker
        assert self._queue is not None
        return await self._consumer_type._register(connection, self._queue, ephemeral=True)  # pyright: ignore[reportPrivateUsage]

    async def _close(self, consumer: Consumer) -> None:
        """Ends a consumer that exists only for this call."""
        if consumer is not self._worker:
            await consumer.close()

    async def _fetch(self, store: Connected, size: int | None) -> list[QueueMessage]:
        consumer = await self._open(store)
        messages: list[QueueMessage] = []
        try:
            messages = await self._lease(consumer, size, self._wait)
        finally:
            if not messages:  # else they keep the consumer, which ends with the last of them
                await self._close(consumer)
        return messages

    async def _lease(
        self, consumer: Consumer, size: int | None, wait: float | timedelta | None, *, auto_extend: bool = False
    ) -> list[QueueMessage]:
        return await consumer._dequeue(size, self._vt, wait, at=self._at, auto_extend=auto_extend)  # pyright: ignore[reportPrivateUsage]

    async def _process(self, consumer: Consumer, messages: list[QueueMessage], ahead: timedelta | None = None) -> int:
        """Calls the handler for what was leased, with a clock for the pauses after failures, or to raise them."""
        batches = deque([messages] if self._batch_handler else [[message] for message in messages])
        try:
            while batches and messages:
                await self._handle(consumer, batches.popleft(), ahead)
        finally:
            unread = [message._token for batch in batches for message in batch]  # pyright: ignore[reportPrivateUsage]
            if unread:  # no handler saw them: as if never leased
                await consumer._run(_ops.release, unread, unread=True)  # pyright: ignore[reportPrivateUsage]
        return len(messages)

    async def _handle(self, consumer: Consumer, batch: list[QueueMessage], ahead: timedelta | None) -> None:
        def call() -> object:
            if self._batch_handler is not None:
                return self._batch_handler(batch)
            assert self._handler is not None
            return self._handler(batch[0])

        async def failed(problem: Exception) -> None:
            assert ahead is not None
            pause = Retry().pause(max(message.read_ct for message in batch))
            ids = ", ".join(str(message.id) for message in batch)
            logger.error(
                "handler of queue %r failed for message %s, next try in %.1f s",
                consumer.queue,
                ids,
                pause,
                exc_info=problem,
            )
            when = datetime.now(UTC) + ahead + timedelta(seconds=pause)
            await consumer._acknowledge(_ops.release, batch, at=_arguments.instant(when, "when"))  # pyright: ignore[reportPrivateUsage]

        await consumer._handle_messages(batch, call, None if ahead is None else failed)  # pyright: ignore[reportPrivateUsage]


async def _end_of_loop(consumer: Consumer) -> None:
    """Makes a consumer that lives on Ready again."""
    try:
        await consumer._poll(False)  # pyright: ignore[reportPrivateUsage]
    except ClosedError:
        pass  # it was closed meanwhile
    except PgqrsError:  # the outcome of the loop is what matters
        logger.warning("the consumer of queue %r could not be made ready", consumer.queue, exc_info=True)


async def _clock_ahead(consumer: Consumer) -> timedelta:
    """How far the database's clock is ahead of this host's."""
    before = datetime.now(UTC)
    await consumer.heartbeat()
    after = datetime.now(UTC)
    info = await consumer._connection.run(_ops.worker_get, consumer.worker_id)  # pyright: ignore[reportPrivateUsage]
    return info.heartbeat_at - (before + (after - before) / 2)
