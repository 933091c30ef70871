"""Worker: runs handlers for the messages of queues until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from ._connection import Connected
from ._consumer import Handler
from ._retry import Retry
from ._serving import Served, Settings
from ._signals import on_ending
from ._tasks import Tasks, cancel
from .errors import StateTransitionError

logger = logging.getLogger("pgqrs")


class Worker:
    """Runs a handler for each message of one or several queues.

    ::

        async def send(msg):
            await mail(msg.payload)

        worker = pgqrs.Worker(store, {"mails": send}, concurrency=100)
        await worker.run()

    A handler is called with the message, in the event loop when it is an async
    function and in a thread when it is a plain one. A message whose handler returns is
    archived, unless it returned an explicit False, which releases it, or has
    acknowledged the message itself. When the handler raises or takes too long, that is
    logged and the message is tried again after a pause, until its queue's max_read_ct
    makes it a dead letter.

    concurrency      how many handlers run at once, over all queues
    lock_seconds     how long a lease lasts before it is renewed; the store's lock time when not given.
                     The library renews it, also while a handler blocks the event loop.
    timeout_seconds  how long a handler may take. A plain one cannot be stopped: its message is
                     released, msg.lease_lost is set, and it keeps its place until it returns.
    retry            the pauses before another attempt
    grace_seconds    how long stop() lets handlers finish; then they are cancelled and their messages released

    ``await run()`` returns when stop() was called or, in the main thread, SIGINT or
    SIGTERM came; a second signal ends the grace period. ``async with`` runs it beside
    the block, leaves signals alone and stops at the block's end. A worker runs once.
    """

    __slots__ = (
        "_ended",
        "_grace",
        "_host",
        "_hurry",
        "_loop",
        "_queues",
        "_started",
        "_stopping",
        "_task",
    )

    def __init__(
        self,
        store: Connected,
        handlers: Mapping[str, Handler],
        *,
        concurrency: int = 10,
        lock_seconds: float | timedelta | None = None,
        timeout_seconds: float | timedelta | None = None,
        retry: Retry | None = None,
        grace_seconds: float | timedelta = 30,
    ) -> None:
        settings = Settings.of(store, handlers, concurrency, lock_seconds, timeout_seconds, retry, grace_seconds)
        self._host = Tasks(settings)
        self._queues = [Served(self._host, queue, handler) for queue, handler in settings.handlers.items()]
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._grace: asyncio.Timeout | None = None
        self._hurry = False
        self._started = False
        self._ended = False
        self._task: asyncio.Task[None] | None = None

    # --- running ------------------------------------------------------------------

    async def run(self) -> None:
        """Handles messages until the worker is stopped.

        Raises QueueNotFoundError for a queue that does not exist, and what the database
        refuses for good. While it only cannot be reached the worker logs that and waits.
        A consumer of the worker that somebody interrupts stops it, as stop() does.
        """
        await self._run(signals=True)

    def stop(self) -> None:
        """Asks for the end: no more messages are taken, and run() returns when the
        handlers are done or the grace period is over. May be called from any thread,
        and before run(), which then returns at once."""
        loop = self._loop
        if loop is None:
            self._stopping.set()
            return
        with suppress(RuntimeError):  # the loop is closed, so the worker has ended
            loop.call_soon_threadsafe(self._stopping.set)

    async def __aenter__(self) -> Self:
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(signals=False, ready=ready))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait([self._task, waiting], return_when=asyncio.FIRST_COMPLETED)
            if not ready.is_set():
                await self._task  # raises what kept it from starting
        except BaseException:
            await cancel([self._task])
            raise
        finally:
            waiting.cancel()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.stop()
        if self._task is not None:
            await self._task

    async def _run(self, *, signals: bool, ready: asyncio.Event | None = None) -> None:
        if self._started:
            raise StateTransitionError("This worker has run already; make a new one to run again.")
        self._started = True
        self._loop = asyncio.get_running_loop()
        try:
            with on_ending(self._on_signal) if signals else nullcontext():
                try:
                    await self._until_stopped([asyncio.create_task(self._open())])
                    if ready is not None:
                        ready.set()
                    await self._serve()
                finally:
                    await self._close()
        finally:
            self._ended = True

    async def _open(self) -> None:
        await self._host.settings.connection.open()
        for queue in self._queues:
            await queue.open()

    async def _serve(self) -> None:
        """Takes messages until the worker is stopped or cannot go on; then lets handlers finish."""
        if self._stopping.is_set():
            return  # the queues may not be open
        problem: Exception | None = None
        try:
            await self._until_stopped([asyncio.create_task(queue.fetch()) for queue in self._queues])
        except Exception as raised:  # a queue that cannot be served ends the worker
            problem = raised
        await self._host.give_back()
        await self._finish()
        if problem is not None:
            raise problem

    async def _until_stopped(self, work: list[asyncio.Task[None]]) -> None:
        """Waits until the worker is stopped or one of the tasks ends, whose exception it
        raises. None of them runs afterwards."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait([*work, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel([*work, stopping])
        for task in work:
            if task in done:
                task.result()

    async def _finish(self) -> None:
        """Waits for what is under way, as long as the grace period allows."""
        try:
            async with asyncio.timeout(0 if self._hurry else self._host.settings.grace_seconds) as self._grace:
                await self._host.finish()
        except TimeoutError:
            logger.warning(
                "%d handlers did not finish within the grace period; their messages are released",
                self._host.unfinished,
            )
        finally:
            self._grace = None

    async def _close(self) -> None:
        """Cancels what still runs and ends the consumers, which releases what they hold."""
        if deaf := await self._host.cancel():
            logger.error("%d handlers ignore their cancellation and are left behind", deaf)
        await self._host.close()
        await asyncio.gather(*[queue.close() for queue in self._queues])

    def _on_signal(self, number: signal.Signals) -> None:
        if not self._stopping.is_set():
            logger.info(
                "%s: waiting up to %g s for %d handlers",
                number.name,
                self._host.settings.grace_seconds,
                self._host.unfinished,
            )
            self._stopping.set()
            return
        logger.warning("%s again: cancelling the handlers", number.name)
        self._hurry = True
        if self._grace is not None and not self._grace.expired():
            self._grace.reschedule(asyncio.get_running_loop().time())

    def __repr__(self) -> str:
        state = "ended" if self._ended else "running" if self._started else "new"
        return f"Worker(queues={[queue.name for queue in self._queues]}, {state})"
