"""The sync twin's Worker: the rules of _serving.py, driven in threads."""

# This is the other half of the package's own Worker, whose private parts it uses.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextvars
import logging
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import nullcontext, suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias

from . import _bridge
from ._bridge import drive
from ._connection import Connected
from ._consumer import Consumer
from ._retry import Retry
from ._serving import CANCEL_SECONDS, Served, Settings, TookTooLong
from ._signals import handled
from ._syncbridge import SLICE_MS
from ._threads import Threads
from ._twin import plain
from ._twin_tables import Leasing, QueueMessage
from .errors import StateTransitionError

logger = logging.getLogger("pgqrs")

SLICE = SLICE_MS / 1000

Handler: TypeAlias = Callable[[QueueMessage], object]
"""What processes one message: a plain function. Only an explicit False keeps the message."""

News: TypeAlias = "tuple[signal.Signals, bool] | None"
"""A signal, and whether it asks for haste; None for whatever else there is to look at."""


class Worker:
    """Runs a handler for each message of one or several queues, without asyncio.

    ::

        def send(msg):
            mail(msg.payload)

        worker = pgqrs.sync.Worker(store, {"mails": send}, concurrency=20)
        worker.run()

    Handlers are plain functions; each call has a thread. What becomes of a message is
    as with pgqrs.Worker, and so are the arguments.

    concurrency      how many handlers run at once, over all queues
    lock_seconds     how long a lease lasts before it is renewed; the store's lock time when not given.
                     The library renews it, whatever the handler does.
    timeout_seconds  how long a handler may take. It cannot be stopped: its message is released,
                     msg.lease_lost is set, and it keeps its place until it returns.
    retry            the pauses before another attempt
    grace_seconds    how long stop() lets handlers finish; then their messages are released

    ``run()`` returns when stop() was called or, in the main thread, SIGINT or SIGTERM
    came; a second signal ends the grace period. ``with`` runs it beside the block,
    leaves signals alone and stops at the block's end. A worker runs once.
    """

    __slots__ = (
        "_ended",
        "_host",
        "_hurry",
        "_inbox",
        "_problem",
        "_queues",
        "_started",
        "_stopping",
        "_thread",
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
        # Signals, and None for whatever else the thread that runs the worker should look
        # at. Putting something in takes no lock that a signal handler could meet held.
        self._inbox: SimpleQueue[News] = SimpleQueue()
        self._host = _Handlers(settings, self._inbox)
        self._queues = [
            Served(self._host, queue, plain(handler, f"handlers[{queue!r}]"))
            for queue, handler in settings.handlers.items()
        ]
        self._stopping = False
        self._hurry = False
        self._started = False
        self._ended = False
        self._problem: BaseException | None = None  # what ended the worker
        self._thread: threading.Thread | None = None  # beside a block

    # --- running ------------------------------------------------------------------

    def run(self) -> None:
        """Handles messages until the worker is stopped.

        Raises QueueNotFoundError for a queue that does not exist, and what the database
        refuses for good. While it only cannot be reached the worker logs that and waits.
        A consumer of the worker that somebody interrupts stops it, as stop() does.
        """
        self._run(signals=True)

    def stop(self) -> None:
        """Asks for the end: no more messages are taken, and run() returns when the
        handlers are done or the grace period is over. May be called from any thread and
        from a signal handler, and before run(), which then returns at once."""
        self._stopping = True
        self._inbox.put(None)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run_beside, args=(ready,), name="pgqrs-worker", daemon=True)
        self._thread.start()
        try:
            while self._thread.is_alive() and not ready.wait(SLICE):
                pass
        except BaseException:
            self._join(hurry=True)
            raise
        if not ready.is_set():
            self._join()  # raises what kept it from starting
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            self._join()
        except KeyboardInterrupt:
            self._join(hurry=True)
            raise

    def _join(self, *, hurry: bool = False) -> None:
        """Stops the worker beside the block, waits for its end and raises its problem."""
        self._hurry = hurry
        self.stop()
        assert self._thread is not None
        while self._thread.is_alive():
            self._thread.join(SLICE)  # in slices, because Ctrl-C would not end a longer wait
        if self._problem is not None:
            raise self._problem

    def _run_beside(self, ready: threading.Event) -> None:
        try:
            self._run(signals=False, ready=ready)
        except BaseException as problem:  # raised by whoever joins
            self._problem = problem

    def _run(self, *, signals: bool, ready: threading.Event | None = None) -> None:
        if self._started:
            raise StateTransitionError("This worker has run already; make a new one to run again.")
        self._started = True
        try:
            with handled(self._on_signal) if signals else nullcontext():
                try:
                    with suppress(_Ended):
                        drive(self._open(), self._host.check(lambda: self._stopping))
                    if ready is not None:
                        ready.set()
                    self._serve()
                finally:
                    self._stopping = True
                    self._host.close()
                    for queue in self._queues:
                        drive(queue.close())
        finally:
            self._ended = True

    async def _open(self) -> None:
        await self._host.settings.connection.open()
        for queue in self._queues:
            await queue.open()

    def _serve(self) -> None:
        """Takes messages until the worker is stopped or cannot go on; then lets handlers finish."""
        if self._stopping:
            return  # the queues may not be open
        fetching = [
            threading.Thread(target=self._fetch, args=(queue,), name="pgqrs-fetch", daemon=True)
            for queue in self._queues
        ]
        for thread in fetching:
            thread.start()
        while not self._stopping:
            self._turn()
        for thread in fetching:
            while thread.is_alive():  # what it leases in this moment is handled, or given back
                self._turn()
        self._finish()
        if self._problem is not None:
            raise self._problem

    def _fetch(self, queue: Served) -> None:
        try:
            drive(queue.fetch(), self._host.check(lambda: self._stopping))
        except _Ended:
            pass
        except Exception as problem:  # a queue that cannot be served ends the worker
            self._problem = problem
        self.stop()

    def _finish(self) -> None:
        """Waits for what is under way, as long as the grace period allows."""
        deadline = time.monotonic() + self._host.settings.grace_seconds
        while running := self._host.running():
            if self._hurry or time.monotonic() > deadline:
                with suppress(Empty):
                    while True:  # the signal that is in such a hurry
                        self._hear(self._inbox.get_nowait())
                logger.warning(
                    "%d handlers did not finish within the grace period; their messages are released", running
                )
                return
            self._turn()

    def _turn(self) -> None:
        """Waits a moment for something to happen, and sees to it."""
        self._host.expire()
        with suppress(Empty):
            self._hear(self._inbox.get(timeout=SLICE))

    def _hear(self, news: News) -> None:
        if news is None:
            return
        number, again = news
        if again:
            logger.warning("%s again: giving the handlers up", number.name)
        else:
            seconds, running = self._host.settings.grace_seconds, self._host.running()
            logger.info("%s: waiting up to %g s for %d handlers", number.name, seconds, running)

    def _on_signal(self, number: signal.Signals) -> None:
        """In the signal handler, which interrupts any line of the main thread."""
        self._hurry, self._stopping = self._stopping, True
        self._inbox.put((number, self._hurry))

    def __repr__(self) -> str:
        state = "ended" if self._ended else "running" if self._started else "new"
        return f"sync.Worker(queues={[queue.name for queue in self._queues]}, {state})"


class _Ended(Exception):
    """What is driven in a thread is to end, as a task is cancelled."""


class _Message:
    """A message under way: from the call of its handler to its acknowledgement."""

    __slots__ = ("_claimed", "deadline", "message", "queue")

    def __init__(self, queue: Served, message: QueueMessage, deadline: float | None) -> None:
        self._claimed = threading.Lock()
        self.queue = queue
        self.message = message
        self.deadline = deadline

    def claim(self) -> bool:
        """True for the first who asks: it says what becomes of the message."""
        return self._claimed.acquire(blocking=False)


class _Handlers:
    """The Host of a sync Worker: each message has a thread until it is acknowledged."""

    __slots__ = ("_beside", "_changed", "_closing", "_free", "_given_up", "_inbox", "_running", "_threads", "settings")

    consumer_type: ClassVar[type[Consumer]] = Leasing

    def __init__(self, settings: Settings, inbox: SimpleQueue[News]) -> None:
        self.settings = settings
        self._inbox = inbox  # told when nothing runs any more
        self._threads = Threads(settings.concurrency)
        self._beside: list[threading.Thread] = []
        self._closing = False
        self._given_up = False  # what is acknowledged now is not acknowledged for longer
        self._changed = threading.Condition()  # guards what follows
        self._free = settings.concurrency
        self._running: dict[_Message, None] = {}  # the longest running first

    # --- places -------------------------------------------------------------------

    async def take_places(self) -> int:
        return self._take(self.settings.concurrency)

    async def take_place(self) -> None:
        self._take(1)

    def _take(self, most: int) -> int:
        """Waits for a free place and takes up to so many."""
        taken = 0

        def some(seconds: float) -> bool:
            nonlocal taken
            with self._changed:
                if self._changed.wait_for(lambda: self._free, seconds):
                    taken = min(most, self._free)
                    self._free -= taken
            return taken > 0

        _bridge.pause(some)
        return taken

    def free_places(self, count: int = 1) -> None:
        with self._changed:
            self._free += count
            self._changed.notify_all()

    # --- handlers -----------------------------------------------------------------

    def start(self, queue: Served, message: QueueMessage) -> None:
        _ = message.lease_lost  # made here, because several threads ask for it
        seconds = self.settings.timeout_seconds
        under_way = _Message(queue, message, None if seconds is None else time.monotonic() + seconds)
        with self._changed:
            self._running[under_way] = None
        context = contextvars.copy_context()
        self._threads.start(lambda: context.run(self._handle, under_way))

    def _handle(self, under_way: _Message) -> None:
        """One message from the call of its handler to its acknowledgement."""
        result, failure = None, None
        try:
            result = under_way.queue.handler(under_way.message)
        except BaseException as problem:  # SystemExit too: nothing of this thread is of interest to others
            failure = problem
        if under_way.claim():  # else the handler was given up
            self._settle(under_way, result, failure)
        self.free_places()

    def _settle(self, under_way: _Message, result: object, failure: BaseException | None) -> None:
        queue, message = under_way.queue, under_way.message
        try:
            try:
                drive(queue.conclude(message, result, failure), self.check(lambda: self._given_up))
            except _Ended:
                drive(queue.give_up(message))
        except Exception:  # the end of the consumer releases it
            logger.exception("could not acknowledge message %d of queue %r", message.id, queue.name)
        finally:
            self._end(under_way)

    def _end(self, under_way: _Message) -> None:
        under_way.queue.forget(under_way.message)
        with self._changed:
            self._running.pop(under_way, None)
            idle = not self._running
        if idle:
            self._inbox.put(None)

    def running(self) -> int:
        """How many messages are not acknowledged yet."""
        with self._changed:
            return len(self._running)

    def expire(self) -> None:
        """Gives up the handlers that have taken too long."""
        seconds = self.settings.timeout_seconds
        if seconds is None:
            return
        now = time.monotonic()
        with self._changed:
            late = [each for each in self._running if each.deadline is not None and each.deadline < now]
        for each in late:
            if each.claim():
                each.message.lease_lost.set()  # for its thread, which goes on without a lease
                # A thread of its own, because those of the pool may all be in such handlers:
                # at most one for each place.
                args = (each, None, TookTooLong(seconds))
                threading.Thread(target=self._settle, args=args, name="pgqrs-expired", daemon=True).start()

    # --- the end ------------------------------------------------------------------

    def check(self, over: Callable[[], bool]) -> Callable[[], None]:
        """What ends a driven coroutine when the condition holds. It says so once, as a
        cancellation does, so that what the coroutine does in its end is done."""
        told = False

        def check() -> None:
            nonlocal told
            if not told and over():
                told = True
                raise _Ended

        return check

    def beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def listen() -> None:
            with suppress(_Ended):
                drive(work(), self.check(lambda: self._closing))

        thread = threading.Thread(target=listen, name="pgqrs-losses", daemon=True)
        self._beside.append(thread)
        thread.start()

    def close(self) -> None:
        """Gives up what still runs; its messages are released with their consumer's end."""
        self._given_up = True
        with self._changed:
            under_way = list(self._running)
        for each in under_way:
            if each.claim():
                each.message.lease_lost.set()
                self._end(each)
        # The rest is being acknowledged, and knows that it may not for longer.
        deadline = time.monotonic() + CANCEL_SECONDS
        while self.running() and time.monotonic() < deadline:
            with self._changed:
                self._changed.wait(SLICE)
        self._closing = True
        for thread in self._beside:
            thread.join(CANCEL_SECONDS)
        self._threads.close()
