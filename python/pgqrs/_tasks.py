"""Where the handlers of an asyncio Worker run: tasks of its loop, and threads beside it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar, TypeAlias

from ._consumer import Consumer
from ._places import Places
from ._receipts import Receipts
from ._serving import CANCEL_SECONDS, Served, Settings, TookTooLong
from ._threads import Threads
from ._types import QueueMessage

Outcome: TypeAlias = "tuple[Any, BaseException | None]"
"""What a function returned and what it raised."""


class Tasks:
    """The Host of an asyncio Worker: each handler is a task, and so is what it takes to
    acknowledge its message where a receipt will not do."""

    __slots__ = (
        "_ahead",
        "_beside",
        "_closing",
        "_launching",
        "_places",
        "_receipts",
        "_running",
        "_threads",
        "_unbegun",
        "settings",
    )

    consumer_type: ClassVar[type[Consumer]] = Consumer

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._places = Places(settings.concurrency)
        self._threads = Threads(settings.concurrency)
        self._beside: set[asyncio.Task[None]] = set()
        self._ahead: deque[tuple[Served, QueueMessage]] = deque()  # fetched ahead of their handlers
        self._launching = False
        self._closing = False
        self._running: dict[asyncio.Task[None], tuple[Served, QueueMessage, bool]] = {}  # and whether it has a place
        # What has not taken its first step, by its message: by id(), because the hash of one takes its time.
        self._unbegun: dict[int, Coroutine[Any, Any, None]] = {}
        self._receipts = Receipts(self._received)

    async def take_places(self) -> int:
        return await self._places.take_all()

    async def take_place(self) -> None:
        await self._places.take_one()

    def free_places(self, count: int = 1) -> None:
        self._places.give(count)

    def start(self, queue: Served, message: QueueMessage) -> None:
        if self._places.idle:
            self._launch(queue, message)
        else:
            self._ahead.append((queue, message))

    def _launch(self, queue: Served, message: QueueMessage) -> None:
        if not queue.in_loop:
            _ = message.lease_lost  # made here, because the handler's thread and the loop both ask for it
        self._places.working += 1
        self._begin(self._handle(queue, message), queue, message, placed=True)

    def _begin(
        self, work: Coroutine[Any, Any, None], queue: Served, message: QueueMessage, *, placed: bool = False
    ) -> None:
        self._unbegun[id(message)] = work  # until its first line
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = queue, message, placed
        # Not by the task itself: an eager one ends before it is added, and one that is
        # cancelled before its first step does nothing.
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        queue, message, placed = self._running.pop(task)
        unbegun = self._unbegun.get(id(message))
        if unbegun is None or unbegun is not task.get_coro():  # an eager task may have none
            return
        # Somebody cancelled all tasks of the loop, say.
        if placed:
            self._ended()
        if self._closing:  # the consumer's end releases it
            del self._unbegun[id(message)]
            self._settled(queue, message)
        else:
            self._begin(self._give_up(queue, message, unread=placed), queue, message)

    def _ended(self) -> None:
        """A handler has ended: its place is free for the next message."""
        self._places.ended()
        if self._launching:
            return  # an eager task has ended in what follows: no recursion over all messages
        self._launching = True
        try:
            while self._ahead and self._places.idle:
                self._launch(*self._ahead.popleft())
        finally:
            self._launching = False

    async def give_back(self) -> None:
        """Gives back what was fetched ahead and no handler has seen."""
        ahead, self._ahead = self._ahead, deque()
        by_queue: dict[Served, list[QueueMessage]] = {}
        for queue, message in ahead:
            by_queue.setdefault(queue, []).append(message)
        for queue, messages in by_queue.items():
            await queue.give_back_unread(messages)

    def beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._beside.add(asyncio.create_task(work()))

    # --- the end ------------------------------------------------------------------------

    @property
    def unfinished(self) -> int:
        """How many messages are neither acknowledged nor given up."""
        return len(self._running) + len(self._receipts)

    async def finish(self) -> None:
        """Waits until there is none."""
        while self.unfinished:
            if self._running:
                await asyncio.wait(self._running)
            await self._receipts.wait()

    async def cancel(self) -> int:
        """Gives up what is unfinished, and returns how many handlers ignore that."""
        self._closing = True
        for task in self._running:
            task.cancel()
        self._receipts.cancel()
        if not self._running:
            return 0
        _, deaf = await asyncio.wait(self._running, timeout=CANCEL_SECONDS)
        return len(deaf)

    async def close(self) -> None:
        """Ends what runs beside; the threads end with what they do now."""
        await cancel(self._beside)
        self._threads.close()

    # --- a message ----------------------------------------------------------------------

    async def _handle(self, queue: Served, message: QueueMessage) -> None:
        """One message from the call of its handler to its acknowledgement, or until a
        receipt will do for that."""
        del self._unbegun[id(message)]
        received = False
        thread = None if queue.in_loop else self._in_thread(queue.handler, message)
        try:
            failure: BaseException | None = None
            result = None
            try:
                try:
                    if thread is None and self.settings.timeout_seconds is None:
                        result = await queue.handler(message)
                    else:
                        result = await self._result(queue, message, thread)
                except asyncio.CancelledError as problem:
                    if _cancelling():
                        raise
                    failure = problem  # the handler's own
                except Exception as problem:
                    failure = problem
            finally:
                if thread is None or thread.done():
                    self._ended()
                else:  # it was given up, and goes on
                    thread.add_done_callback(lambda _: self._ended())
            received = failure is None and result is not False and self._receipts.archive(queue, message)
            if not received:
                await queue.conclude(message, result, failure)
        except BaseException:
            await queue.give_up(message)
            raise
        finally:
            if not received:
                self._settled(queue, message)

    def _received(self, queue: Served, message: QueueMessage, problem: BaseException | None) -> None:
        if problem is None:
            self._settled(queue, message)
        else:
            self._begin(self._archive_again(queue, message, problem), queue, message)

    async def _archive_again(self, queue: Served, message: QueueMessage, problem: BaseException) -> None:
        del self._unbegun[id(message)]
        try:
            await queue.archive_again(message, problem)
        except BaseException:
            await queue.give_up(message)
            raise
        finally:
            self._settled(queue, message)

    async def _give_up(self, queue: Served, message: QueueMessage, *, unread: bool) -> None:
        """Releases a message; an unread one, which no handler has seen, as if it had never been leased."""
        del self._unbegun[id(message)]
        try:
            if unread:
                await queue.give_back_unread([message])
            else:
                await queue.give_up(message)
        finally:
            self._settled(queue, message)

    def _settled(self, queue: Served, message: QueueMessage) -> None:
        queue.forget(message)
        self._places.settled()

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
