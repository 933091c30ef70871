"""What a worker decides about each of its queues: how many messages it takes, and what becomes of them.

Knows neither tasks nor threads. A Host says where handlers run and how one waits for
a place; what is awaited here is the package's own, so the sync twin drives the very
same code.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol, cast

from . import _arguments, _bridge, _ops
from ._connection import Connected, Connection, shared_connection
from ._consumer import Consumer
from ._enums import WorkerStatus
from ._pending import Group, Waiter
from ._retry import TROUBLE, Retry
from ._types import LeasedMessage
from .errors import ClosedError, PgqrsError, StateTransitionError, ValidationError, WorkerNotFoundError

logger = logging.getLogger("pgqrs")

CONCURRENCY_MAX = 10_000
ATTEMPTS = 10  # of one acknowledgement
CANCEL_SECONDS = 5.0  # what cancelled handlers, and the end of a consumer, may take


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked arguments of a worker."""

    connection: Connection
    handlers: Mapping[str, Callable[[Any], Any]]
    concurrency: int
    lock_seconds: float | timedelta | None
    timeout_seconds: float | None
    retry: Retry
    grace_seconds: float

    @classmethod
    def of(
        cls,
        store: Connected,
        handlers: object,
        concurrency: int,
        lock_seconds: float | timedelta | None,
        timeout_seconds: float | timedelta | None,
        retry: Retry | None,
        grace_seconds: float | timedelta,
    ) -> Settings:
        connection = shared_connection(store)
        most = _arguments.integer(concurrency, "concurrency", 1, CONCURRENCY_MAX)
        if lock_seconds is not None:
            _arguments.span_ms(lock_seconds, "lock_seconds", positive=True)
        timeout = None
        if timeout_seconds is not None:
            timeout = _arguments.span_ms(timeout_seconds, "timeout_seconds", positive=True) / 1000
        grace = _arguments.span_ms(grace_seconds, "grace_seconds") / 1000
        if retry is not None and not isinstance(retry, Retry):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"retry must be Retry, not {type(retry).__name__}")
        return cls(connection, _checked(handlers), most, lock_seconds, timeout, retry or Retry(), grace)


def _checked(handlers: object) -> dict[str, Callable[[Any], Any]]:
    several = cast("Mapping[Any, Any]", handlers)
    if not isinstance(handlers, Mapping):
        raise TypeError(f"handlers must be a dict of queue names and functions, not {type(several).__name__}")
    if not several:
        raise ValidationError("handlers must name at least one queue.", field="handlers")
    return {
        _arguments.text(queue, "handlers"): _arguments.function(handler, f"handlers[{queue!r}]")
        for queue, handler in several.items()
    }


class TookTooLong(Exception):
    """The time limit of a handler is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The handler took longer than {seconds:g} s.")


class Host(Protocol):
    """Where the handlers of a worker run, and what its queues share."""

    consumer_type: ClassVar[type[Consumer]]
    settings: Settings

    async def take_places(self) -> int:
        """Waits for a free place for a handler, takes all that are free, and returns how many that are."""
        ...

    async def take_place(self) -> None: ...

    def free_places(self, count: int = 1) -> None: ...

    def start(self, queue: Served, message: Any) -> None:
        """Runs the handler of the queue for a message; the place for it is taken."""
        ...

    def beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs this beside everything else until the worker ends."""
        ...


class Served:
    """One queue of a worker: its consumer, its handler, and the messages it holds."""

    __slots__ = ("_ahead", "_consumer", "_consumers", "_host", "_leased", "_limit", "handler", "in_loop", "name")

    _consumer: Consumer

    def __init__(self, host: Host, name: str, handler: Callable[[Any], Any]) -> None:
        self._host = host
        self._leased: dict[tuple[int, int], LeasedMessage] = {}  # by fencing token
        # Every consumer there was: those before the last may still have handlers running.
        self._consumers: list[Consumer] = []
        self._ahead = timedelta()  # of the database's clock against this host's
        self._limit = 0
        self.name = name
        self.handler = handler
        self.in_loop = _arguments.is_async(handler)

    async def open(self) -> None:
        connection = self._host.settings.connection
        before = datetime.now(UTC)
        await self._register()
        after = datetime.now(UTC)
        await self._consumer._poll(True)  # pyright: ignore[reportPrivateUsage]
        registered = await connection.run(_ops.worker_get, self._consumer.worker_id)
        self._ahead = registered.started_at - (before + (after - before) / 2)
        self._limit = (await connection.run(_ops.queue_get, self.name)).max_read_ct

    async def _register(self) -> None:
        connection = self._host.settings.connection
        consumer = await self._host.consumer_type._register(connection, self.name)  # pyright: ignore[reportPrivateUsage]
        self._consumer = consumer
        self._consumers.append(consumer)
        self._host.beside(lambda: self._listen(consumer))

    async def close(self) -> None:
        """Ends the consumers, which releases what they hold."""
        for consumer in self._consumers:
            try:
                await _bridge.within(CANCEL_SECONDS, consumer.close)
            except (PgqrsError, TimeoutError):  # the leases expire by themselves
                logger.warning("could not end the consumer of queue %r", self.name, exc_info=True)

    # --- taking messages --------------------------------------------------------------

    async def fetch(self) -> None:
        """Takes messages as places become free, until the consumer is interrupted. Raises
        what waiting cannot mend."""
        failures, refused = 0, False
        while True:
            try:
                if refused and not await self._renew():
                    logger.warning("the consumer of queue %r was interrupted, which ends its worker", self.name)
                    return
                await self._fetch()
                failures, refused = 0, False
            except PgqrsError as problem:
                refused = isinstance(problem, StateTransitionError | WorkerNotFoundError)
                if not refused and not problem.transient:
                    raise
                failures += 1
                pause = TROUBLE.pause(failures)
                logger.warning("cannot take messages of queue %r, next try in %.1f s: %s", self.name, pause, problem)
                await _bridge.sleep(pause)

    async def _renew(self) -> bool:
        """Registers anew when the registration was ended by others: by an administrator, or
        by maintenance after this host had slept for long. One that is suspended is not, and
        that it was interrupted is False."""
        try:
            status = await self._consumer.status()
        except WorkerNotFoundError:
            status = WorkerStatus.Stopped
        if status == WorkerStatus.Stopped:
            await self._register()
            await self._consumer._poll(True)  # pyright: ignore[reportPrivateUsage]
            logger.warning("registered anew as worker %d of queue %r", self._consumer.worker_id, self.name)
        return status != WorkerStatus.Interrupted

    async def _fetch(self) -> None:
        # Alone, the queue may keep all places while it waits: what comes together is then
        # fetched together.
        alone = len(self._host.settings.handlers) == 1
        places = await self._host.take_places()
        try:
            for message in await self._dequeue(places, math.inf if alone else None):
                self._start(message)
                places -= 1
        finally:
            self._host.free_places(places)
        if places == 0 or alone:
            return
        # Nothing more there. The wait for the next message holds no place, because an idle
        # queue must not keep the others from theirs; so that message may have to wait for one.
        for message in await self._dequeue(1, wait=math.inf):
            try:
                await self._host.take_place()
            except BaseException:
                await self.give_back_unread([message])
                raise
            self._start(message)

    async def _dequeue(self, most: int, wait: float | None = None) -> list[Any]:
        return await self._consumer.dequeue(most, self._host.settings.lock_seconds, wait, auto_extend=True)

    def _start(self, message: Any) -> None:
        self._leased[message._token] = message
        self._host.start(self, message)

    async def give_back_unread(self, messages: list[Any]) -> None:
        """Releases messages no handler saw, as if they had never been leased."""
        by_consumer: dict[Consumer, list[tuple[int, int]]] = {}
        for message in messages:
            by_consumer.setdefault(_consumer_of(message), []).append(message._token)
        for consumer, tokens in by_consumer.items():
            try:
                await consumer._run(_ops.release, tokens, unread=True)  # pyright: ignore[reportPrivateUsage]
            except PgqrsError:  # the consumer's end releases them, or the leases expire
                logger.warning("could not give back messages of queue %r", self.name, exc_info=True)
        for message in messages:
            self.forget(message)

    # --- what becomes of a message ----------------------------------------------------

    def archive_for(self, waiter: Waiter, message: Any) -> Group[bool] | None:
        """Acknowledges a message whose handler succeeded, without a coroutine: the waiter is
        told what comes of it. None where that is for conclude."""
        if message._acknowledged or message._lost():
            return None
        return _consumer_of(message)._archive_for(waiter, message)  # pyright: ignore[reportPrivateUsage]

    def archived(self, message: Any, took_effect: bool) -> None:
        """What came of it."""
        message._acknowledged = True
        if not took_effect:
            self._too_late(message, "archived")

    async def archive_again(self, message: Any, problem: BaseException) -> None:
        """Goes on where it failed, if that is worth while."""
        if not isinstance(problem, PgqrsError):
            raise problem
        await self._acknowledge(message, "archived", _consumer_of(message)._archive, problem=problem)  # pyright: ignore[reportPrivateUsage]

    def conclude(self, message: Any, result: object, failure: BaseException | None) -> Coroutine[Any, Any, None]:
        """Acknowledges a message as its handler came out. No coroutine beside the one that
        does it: a message comes by here, or by archive_for."""
        consumer = _consumer_of(message)
        if failure is not None:
            return self._retry(message, failure)
        if message._acknowledged:
            return _nothing()  # is left to do: the handler did it
        if result is False:
            return self._acknowledge(message, "released", consumer._release)  # pyright: ignore[reportPrivateUsage]
        return self._acknowledge(message, "archived", consumer._archive)  # pyright: ignore[reportPrivateUsage]

    async def _retry(self, message: Any, failure: BaseException) -> None:
        pause = self._host.settings.retry.pause(message.read_ct)
        what = f"attempt {message.read_ct} of {self._limit}"
        if message.read_ct < self._limit:
            what += f", next in {pause:.1f} s"
        given_up = isinstance(failure, TookTooLong)
        logger.error(
            "handler of queue %r failed for message %d (%s): %s",
            self.name,
            message.id,
            what,
            failure or type(failure).__name__,
            exc_info=None if given_up else failure,
        )
        if message._acknowledged:
            return  # by the handler, before it failed
        when = datetime.now(UTC) + self._ahead + timedelta(seconds=pause)
        consumer = _consumer_of(message)
        await self._acknowledge(
            message, "released", lambda late: consumer.release_with_visibility(late, when), given_up=given_up
        )

    async def _acknowledge(
        self,
        message: Any,
        verb: str,
        send: Callable[[Any], Coroutine[Any, Any, bool]],
        *,
        given_up: bool = False,
        problem: PgqrsError | None = None,
    ) -> None:
        """Sends one acknowledgement, again while the database cannot be reached. The first
        attempt may have been made, and met a problem."""
        took_effect = False
        for attempt in itertools.count(1):
            if problem is None:
                if message._lost() and not given_up:
                    break
                try:
                    took_effect = await send(message)
                    break
                except PgqrsError as raised:
                    problem = raised
            if not problem.transient or attempt == ATTEMPTS:
                logger.error("message %d of queue %r was not %s", message.id, self.name, verb, exc_info=problem)
                return
            logger.warning("message %d of queue %r is not %s yet: %s", message.id, self.name, verb, problem)
            await _bridge.sleep(TROUBLE.pause(attempt))
            problem = None
        if not took_effect:
            self._too_late(message, verb)

    def _too_late(self, message: Any, verb: str) -> None:
        logger.warning(
            "message %d of queue %r was not %s: its lease was lost, so it may be handled again",
            message.id,
            self.name,
            verb,
        )

    async def give_up(self, message: Any) -> None:
        """Releases the message of a handler that nobody waits for any more."""
        if message._acknowledged:
            return
        lost = message._lost()
        message.lease_lost.set()  # for a thread, which goes on without a lease
        if lost:
            return
        try:
            await _consumer_of(message).release_messages([message])
        except PgqrsError:  # the consumer's end releases it, or the lease expires
            logger.warning("could not release message %d of queue %r", message.id, self.name, exc_info=True)

    def forget(self, message: LeasedMessage) -> None:
        """The end of what concerns a message."""
        self._leased.pop(message._token, None)  # pyright: ignore[reportPrivateUsage]

    # --- lost leases ------------------------------------------------------------------

    async def _listen(self, consumer: Consumer) -> None:
        """Hears of leases that were lost although the library kept them alive."""
        try:
            await consumer._listen(self._lost)  # pyright: ignore[reportPrivateUsage]
        except ClosedError:
            pass  # the store or the consumer was closed
        except PgqrsError:
            logger.exception("cannot hear of lost leases of queue %r any more", self.name)

    def _lost(self, tokens: list[tuple[int, int]]) -> None:
        for token in tokens:
            message: Any = self._leased.get(token)
            if message is not None:
                logger.warning("the lease of message %d of queue %r was lost", message.id, self.name)
                message.lease_lost.set()


async def _nothing() -> None: ...


def _consumer_of(message: LeasedMessage) -> Consumer:
    """Who leased a message, which may be no longer the consumer that fetches."""
    return message._leased_by()  # pyright: ignore[reportPrivateUsage]
