"""Where the handlers of an asyncio Worker run: tasks of its loop, and threads beside it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar, TypeAlias

from ._consumer import Consumer
from ._serving import Served, Settings, TookTooLong
from ._threads import Threads
from ._types import QueueMessage

ACKNOWLEDGING_MIN = 256  # acknowledgements under way before handlers have to wait for them

Outcome: TypeAlias = "tuple[Any, BaseException | None]"
"""What a function returned and what it raised."""


class Tasks:
    """The Host of an asyncio Worker: each message is a task until it is acknowledged."""

    __slots__ = ("_acknowledging", "_beside", "_free", "_threads", "running", "settings")

    consumer_type: ClassVar[type[Consumer]] = Consumer

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._free = asyncio.Semaphore(settings.concurrency)
        self._acknowledging = asyncio.Semaphore(max(settings.concurrency, ACKNOWLEDGING_MIN))
        self._threads = Threads(settings.concurrency)
        self._beside: set[asyncio.Task[None]] = set()
        self.running: set[asyncio.Task[None]] = set()  # handlers, until their message is acknowledged

    async def take_places(self) -> int:
        await self._free.acquire()
        taken = 1
        while not self._free.locked():
            await self._free.acquire()
            taken += 1
        return taken

    async def take_place(self) -> None:
        await self._free.acquire()

    def free_places(self, count: int = 1) -> None:
        for _ in range(count):
            self._free.release()

    def start(self, queue: Served, message: QueueMessage) -> None:
        _ = message.lease_lost  # made here, because the handler's thread and the loop both ask for it
        task = asyncio.create_task(self._handle(queue, message))
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    def beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._beside.add(asyncio.create_task(work()))

    async def close(self) -> None:
        """Ends what runs beside; the threads end with what they do now."""
        await cancel(self._beside)
        self._threads.close()

    async def _handle(self, queue: Served, message: QueueMessage) -> None:
        """One message from the call of its handler to its acknowledgement."""
        thread = None if queue.in_loop else self._in_thread(queue.handler, message)
        try:
            failure: BaseException | None = None
            result = None
            try:
                try:
                    result = await self._result(queue, message, thread)
                except asyncio.CancelledError as problem:
                    if _cancelling():
                        raise
                    failure = problem  # the handler's own
                except Exception as problem:
                    failure = problem
                await self._acknowledging.acquire()
            finally:
                if thread is None or thread.done():
                    self.free_places()
                else:  # it was given up, and goes on
                    thread.add_done_callback(lambda _: self.free_places())
            try:
                await queue.conclude(message, result, failure)
            finally:
                self._acknowledging.release()
        except BaseException:
            await queue.give_up(message)
            raise
        finally:
            queue.forget(message)

    async def _result(self, queue: Served, message: QueueMessage, thread: asyncio.Future[Outcome] | None) -> object:
        """What the handler returned. Raises what it raised, and TookTooLong."""
        seconds = self.settings.timeout_seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                if thread is None:
                    result = queue.handler(message)
                else:  # shielded, because its end is of interest even when nobody waits any more
                    result, problem = await asyncio.shield(thread)
                    if problem is not None:
                        raise problem
                return await result if inspect.isawaitable(result) else result
        except TimeoutError:
            if seconds is None or not limit.expired():
                raise  # the handler's own
            message.lease_lost.set()  # for a thread, which goes on without a lease
            raise TookTooLong(seconds) from None

    def _in_thread(self, function: Callable[[Any], Any], argument: Any) -> asyncio.Future[Outcome]:
        """Calls a function in a thread; the future's result is its outcome.

        Cancelling the future does not stop the function, nothing could.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        context = contextvars.copy_context()

        def finish(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        def job() -> None:
            outcome: Outcome
            try:
                outcome = context.run(function, argument), None
            except BaseException as problem:  # raised where the outcome is awaited
                outcome = None, problem
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile, so nobody waits
                loop.call_soon_threadsafe(finish, outcome)

        self._threads.start(job)
        return future


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
