"""What a Worker does with each of its queues: takes messages, runs the handler, acknowledges."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from . import _ops
from ._connection import Connection
from ._consumer import Consumer, Handler
from ._retry import TROUBLE, Retry
from ._threads import Outcome, Threads
from ._types import QueueMessage
from .errors import ClosedError, PgqrsError, StateTransitionError, WorkerNotFoundError

logger = logging.getLogger("pgqrs")

ACKNOWLEDGING_MIN = 256  # acknowledgements under way before handlers have to wait for them
ATTEMPTS = 10  # of one acknowledgement
CANCEL_SECONDS = 5.0  # what cancelled handlers get to clean up and release


class Shared:
    """What the queues of a worker share: its settings, and the places for handlers."""

    __slots__ = (
        "acknowledging",
        "connection",
        "lock_seconds",
        "retry",
        "running",
        "slots",
        "threads",
        "timeout_seconds",
    )

    def __init__(
        self,
        connection: Connection,
        concurrency: int,
        lock_seconds: float | timedelta | None,
        timeout_seconds: float | None,
        retry: Retry,
    ) -> None:
        self.connection = connection
        self.lock_seconds = lock_seconds
        self.timeout_seconds = timeout_seconds
        self.retry = retry
        self.slots = asyncio.Semaphore(concurrency)
        self.acknowledging = asyncio.Semaphore(max(concurrency, ACKNOWLEDGING_MIN))
        self.threads = Threads(concurrency)
        self.running: set[asyncio.Task[None]] = set()  # handlers, until their message is acknowledged

    async def take_slots(self) -> int:
        """Waits for a free slot, takes all that are free, and returns how many that are."""
        await self.slots.acquire()
        taken = 1
        while not self.slots.locked():
            await self.slots.acquire()
            taken += 1
        return taken

    def free_slots(self, count: int = 1) -> None:
        for _ in range(count):
            self.slots.release()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)


class Served:
    """One queue of a worker: its consumer, its handler, and the messages it holds."""

    __slots__ = ("_ahead", "_consumer", "_handler", "_in_loop", "_leased", "_limit", "_listening", "_shared", "name")

    _consumer: Consumer

    def __init__(self, shared: Shared, name: str, handler: Handler) -> None:
        self._shared = shared
        self._handler = handler
        self._in_loop = _is_async(handler)
        self._leased: dict[tuple[int, int], QueueMessage] = {}  # by fencing token
        # Every consumer there was: those before the last may still have handlers running.
        self._listening: dict[Consumer, asyncio.Task[None]] = {}
        self._ahead = timedelta()  # of the database's clock against this host's
        self._limit = 0
        self.name = name

    async def open(self) -> None:
        connection = self._shared.connection
        before = datetime.now(UTC)
        await self._register()
        after = datetime.now(UTC)
        registered = await connection.run(_ops.worker_get, self._consumer.worker_id)
        self._ahead = registered.started_at - (before + (after - before) / 2)
        self._limit = (await connection.run(_ops.queue_get, self.name)).max_read_ct

    async def _register(self) -> None:
        self._consumer = await Consumer._register(self._shared.connection, self.name)  # pyright: ignore[reportPrivateUsage]
        self._listening[self._consumer] = asyncio.create_task(self._listen(self._consumer))

    async def close(self) -> None:
        await cancel(self._listening.values())
        for consumer in self._listening:
            try:
                async with asyncio.timeout(CANCEL_SECONDS):
                    await consumer.close()
            except (PgqrsError, TimeoutError):  # the leases expire by themselves
                logger.warning("could not end the consumer of queue %r", self.name, exc_info=True)

    # --- taking messages --------------------------------------------------------------

    async def fetch(self) -> None:
        """Takes messages as slots become free, for ever. Raises what waiting cannot mend."""
        failures, refused = 0, False
        while True:
            try:
                if refused:
                    await self._renew()
                await self._fetch()
                failures, refused = 0, False
            except PgqrsError as problem:
                refused = isinstance(problem, StateTransitionError | WorkerNotFoundError)
                if not refused and not problem.transient:
                    raise
                failures += 1
                pause = TROUBLE.pause(failures)
                logger.warning("cannot take messages of queue %r, next try in %.1f s: %s", self.name, pause, problem)
                await asyncio.sleep(pause)

    async def _renew(self) -> None:
        """Registers anew when the registration was ended by others: by an administrator, or
        by maintenance after this host had slept for long. One that is suspended is not."""
        if not await self._consumer.is_healthy():
            await self._register()
            logger.warning("registered anew as worker %d of queue %r", self._consumer.worker_id, self.name)

    async def _fetch(self) -> None:
        slots = await self._shared.take_slots()
        try:
            for message in await self._dequeue(slots):
                self._start(message)
                slots -= 1
        finally:
            self._shared.free_slots(slots)
        if slots == 0:
            return
        # Nothing more there. The wait for the next message holds no slot, because an idle
        # queue must not keep the others from theirs; so that message may have to wait for one.
        for message in await self._dequeue(1, wait=math.inf):
            try:
                await self._shared.slots.acquire()
            except BaseException:
                await self._give_back_unread(message)
                raise
            self._start(message)

    async def _dequeue(self, most: int, wait: float | None = None) -> list[QueueMessage]:
        return await self._consumer.dequeue(most, self._shared.lock_seconds, wait, auto_extend=True)

    def _start(self, message: QueueMessage) -> None:
        message._lease_lost = asyncio.Event()  # pyright: ignore[reportPrivateUsage] (for a thread and the loop)
        self._leased[message.id, message.read_ct] = message
        self._shared.start(self._handle(message))

    async def _give_back_unread(self, message: QueueMessage) -> None:
        """Releases a message no handler saw, as if it had never been leased."""
        token = (message.id, message.read_ct)
        await _consumer_of(message)._run(_ops.release, [token], unread=True)  # pyright: ignore[reportPrivateUsage]

    # --- handling one -----------------------------------------------------------------

    async def _handle(self, message: QueueMessage) -> None:
        """One message from the call of its handler to its acknowledgement."""
        thread = None if self._in_loop else self._shared.threads.run(self._handler, message)
        try:
            failure: BaseException | None = None
            result = None
            try:
                try:
                    result = await self._result(message, thread)
                except asyncio.CancelledError as problem:
                    if _cancelling():
                        raise
                    failure = problem  # the handler's own
                except Exception as problem:
                    failure = problem
                await self._shared.acknowledging.acquire()
            finally:
                if thread is None or thread.done():
                    self._shared.free_slots()
                else:  # it was given up, and goes on
                    thread.add_done_callback(lambda _: self._shared.free_slots())
            try:
                await self._conclude(message, result, failure)
            finally:
                self._shared.acknowledging.release()
        except BaseException:
            await self._give_up(message)
            raise
        finally:
            self._leased.pop((message.id, message.read_ct), None)

    async def _result(self, message: QueueMessage, thread: asyncio.Future[Outcome] | None) -> object:
        """What the handler returned. Raises what it raised, and _TookTooLong."""
        seconds = self._shared.timeout_seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                if thread is None:
                    result = self._handler(message)
                else:  # shielded, because its end is of interest even when nobody waits any more
                    result, problem = await asyncio.shield(thread)
                    if problem is not None:
                        raise problem
                return await result if inspect.isawaitable(result) else result
        except TimeoutError:
            if not limit.expired():
                raise  # the handler's own
            message.lease_lost.set()  # for a thread, which goes on without a lease
            raise _TookTooLong(f"The handler took longer than {seconds:g} s.") from None

    async def _conclude(self, message: QueueMessage, result: object, failure: BaseException | None) -> None:
        """Acknowledges a message as its handler came out."""
        if failure is not None:
            await self._retry(message, failure)
        elif message._acknowledged:  # pyright: ignore[reportPrivateUsage]
            pass  # by the handler
        elif result is False:
            await self._acknowledge(message, "released", message.release)
        else:
            await self._acknowledge(message, "archived", message.archive)

    async def _retry(self, message: QueueMessage, failure: BaseException) -> None:
        pause = self._shared.retry.pause(message.read_ct)
        what = f"attempt {message.read_ct} of {self._limit}"
        if message.read_ct < self._limit:
            what += f", next in {pause:.1f} s"
        trace = None if isinstance(failure, _TookTooLong) else failure
        logger.error(
            "handler of queue %r failed for message %d (%s): %s",
            self.name,
            message.id,
            what,
            failure or type(failure).__name__,
            exc_info=trace,
        )
        if message._acknowledged:  # pyright: ignore[reportPrivateUsage]
            return  # by the handler, before it failed
        when = datetime.now(UTC) + self._ahead + timedelta(seconds=pause)
        release = partial(_consumer_of(message).release_with_visibility, message, when)
        await self._acknowledge(message, "released", release, given_up=isinstance(failure, _TookTooLong))

    async def _acknowledge(
        self, message: QueueMessage, verb: str, send: Callable[[], Awaitable[bool]], *, given_up: bool = False
    ) -> None:
        """Sends one acknowledgement, again while the database cannot be reached."""
        took_effect = False
        for attempt in itertools.count(1):
            if message.lease_lost.is_set() and not given_up:
                break
            try:
                took_effect = await send()
                break
            except PgqrsError as problem:
                if not problem.transient or attempt == ATTEMPTS:
                    logger.exception("message %d of queue %r was not %s", message.id, self.name, verb)
                    return
                logger.warning("message %d of queue %r is not %s yet: %s", message.id, self.name, verb, problem)
                await asyncio.sleep(TROUBLE.pause(attempt))
        if not took_effect:
            logger.warning(
                "message %d of queue %r was not %s: its lease was lost, so it may be handled again",
                message.id,
                self.name,
                verb,
            )

    async def _give_up(self, message: QueueMessage) -> None:
        """Releases the message of a handler that was cancelled."""
        if message._acknowledged:  # pyright: ignore[reportPrivateUsage]
            return
        lost = message.lease_lost.is_set()
        message.lease_lost.set()  # for a thread, which goes on without a lease
        if lost:
            return
        try:
            await message.release()
        except PgqrsError:  # the consumer's end releases it, or the lease expires
            logger.warning("could not release message %d of queue %r", message.id, self.name, exc_info=True)

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
            message = self._leased.get(token)
            if message is not None:
                logger.warning("the lease of message %d of queue %r was lost", message.id, self.name)
                message.lease_lost.set()


class _TookTooLong(Exception):
    """The time limit of a handler is over."""


def _is_async(handler: Handler) -> bool:
    """Whether calling the handler gives a coroutine, so that it is called in the loop."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004


def _consumer_of(message: QueueMessage) -> Consumer:
    """Who leased a message, which may be no longer the consumer that fetches."""
    return message._leased_by()  # pyright: ignore[reportPrivateUsage]


def _cancelling() -> bool:
    """Whether somebody cancelled the running task, rather than something it awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits for their end."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
