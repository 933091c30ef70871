"""One bridge per event loop: completions become results of ``await``.

This is the only user of asyncio's loop API. A bridge belongs to one loop; stores,
producers and consumers belong to none, so each call looks up the bridge of the
loop it runs on, and a second ``asyncio.run()`` or thread simply gets another one.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from . import _syncbridge
from ._native import loaded, on_fork
from ._native._cq import MORE, Call, Completion, CompletionQueue, cancel
from ._native._errors import CANCELLED, exception
from .errors import ClosedError, PgqrsError

T = TypeVar("T")

MAX_PENDING = 0  # operations in flight on one loop; 0 is the library's default, 65536


Event = asyncio.Event  # for modules that only name it


class _Op(Generic[T]):
    """One accepted call, until its last completion was handled."""

    __slots__ = ("arrived", "call", "each", "future", "key", "number", "result")

    def __init__(
        self, call: Call[T], future: asyncio.Future[T], key: int, number: int, each: Callable[[T], None] | None
    ) -> None:
        self.call = call
        self.each = each  # of a multi-shot op: takes the value of every completion but the last
        self.future: asyncio.Future[T] | None = future  # None: nobody waits any more
        self.key = key
        self.number = number
        self.result = 0
        self.arrived = False


class Bridge:
    """The completion queue of one loop, and who waits for what.

    Everything but close() runs on the loop's thread, so nothing here is locked.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._queue = CompletionQueue(MAX_PENDING)
        self._pending: dict[int, _Op[Any]] = {}
        self._waiting_for_room: deque[asyncio.Future[None]] = deque()
        self._next_key = 0
        # Weak, because the table of bridges holds this object: a strong reference
        # would keep the loop, and with it its entry, for ever.
        self._loop = weakref.ref(loop)
        try:
            loop.add_reader(self._queue.fd, self._drain)
        except NotImplementedError:
            self._queue.close()
            raise PgqrsError(
                f"{type(loop).__name__} cannot watch file descriptors, which pgqrs needs; use a selector event "
                "loop, for example asyncio.SelectorEventLoop or uvloop."
            ) from None
        # A loop that just vanishes takes its selector along; the queue stays to be closed.
        weakref.finalize(loop, self._queue.close).atexit = False

    # --- the way in -------------------------------------------------------------

    def start(
        self, loop: asyncio.AbstractEventLoop, call: Call[T], each: Callable[[T], None] | None = None
    ) -> _Op[T] | None:
        """Submits a call; None when the queue is full. Raises when it is refused."""
        key = self._next_key
        number = self._queue.submit(call, key)
        if number is None:
            return None
        self._next_key = key + 1
        op = self._pending[key] = _Op(call, loop.create_future(), key, number, each)
        return op

    async def room(self, loop: asyncio.AbstractEventLoop) -> None:
        """Waits for the next drain, which makes room in a full queue."""
        future = loop.create_future()
        self._waiting_for_room.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if not future.cancelled():  # woken and cancelled at once: the room is another's
                self._make_room(1)
            raise

    def _make_room(self, places: int) -> None:
        """Wakes as many of those who wait for room as there is room for."""
        while places and self._waiting_for_room:
            future = self._waiting_for_room.popleft()
            if not future.done():  # cancelled meanwhile
                future.set_result(None)
                places -= 1

    # --- the way out ------------------------------------------------------------

    def _drain(self) -> None:
        """Takes what has completed. At most one poll, so that a storm of completions
        leaves the loop's other callbacks their turn: the descriptor stays readable,
        and the loop comes back."""
        try:
            completions = self._queue.poll()
        except PgqrsError as problem:  # the library is poisoned or the queue is gone
            self.close(problem)
            return
        for completion in completions:
            self._complete(completion)
        if self._waiting_for_room:
            self._make_room(len(completions))

    def _complete(self, completion: Completion) -> None:
        if completion.flags & MORE:
            self._deliver(self._pending[completion.user_data], completion.result)
            return
        op = self._pending.pop(completion.user_data)
        op.arrived = True
        op.result = completion.result
        future = op.future
        if future is None or future.done():
            self._discard(op)
            if completion.error:
                exception(completion.status, completion.error)  # closes it
        elif completion.status == CANCELLED:
            future.cancel()
        elif completion.status < 0:
            future.set_exception(exception(completion.status, completion.error))
        else:
            try:
                value = op.call.decode(completion.result)
            except Exception as problem:  # fails its own await, never the drain
                future.set_exception(problem)
            else:
                future.set_result(value)

    def _deliver(self, op: _Op[Any], result: int) -> None:
        """Hands on one of several values; what goes wrong with it ends the await."""
        future = op.future
        if future is None or future.done() or op.each is None:
            op.call.discard(result)
            return
        try:
            op.each(op.call.decode(result))
        except Exception as problem:
            future.set_exception(problem)
        finally:
            op.call.dispose(result)

    def settle(self, op: _Op[Any]) -> None:
        """The value has reached its awaiter: the result is needed no more."""
        result, op.result = op.result, 0
        op.call.dispose(result)

    def abandon(self, op: _Op[Any]) -> None:
        """Nobody will take the value: leases in it go back, an op under way is cancelled."""
        op.future = None  # it refers to the loop, which must be able to go
        if not loaded():
            return  # a forked child drops inherited coroutines: the op is the parent's
        if op.arrived:
            self._discard(op)
        else:
            cancel(op.number)

    def _discard(self, op: _Op[Any]) -> None:
        result, op.result = op.result, 0
        op.call.discard(result)

    # --- the end ----------------------------------------------------------------

    def close(self, problem: Exception) -> None:
        """Fails what is pending and gives the queue up. A closed loop is tolerated."""
        loop = self._loop()
        if loop is not None:
            with _lock:
                if _bridges.get(loop) is self:
                    del _bridges[loop]
        pending, self._pending = self._pending, {}
        waiting, self._waiting_for_room = self._waiting_for_room, deque()
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._queue.fd)
            for future in [op.future for op in pending.values()] + list(waiting):
                if future is not None and not future.done():
                    future.set_exception(problem)
        self._queue.close()


_bridges: WeakKeyDictionary[asyncio.AbstractEventLoop, Bridge] = WeakKeyDictionary()
_lock = threading.Lock()  # guards _bridges


def _bridge(loop: asyncio.AbstractEventLoop) -> Bridge:
    """The bridge of a loop, made at its first use."""
    bridge = _bridges.get(loop)
    if bridge is not None and len(_bridges) == 1:
        return bridge
    _sweep()
    if bridge is None:
        bridge = Bridge(loop)
        with _lock:
            _bridges[loop] = bridge
    return bridge


def _sweep() -> None:
    """Closes the bridges of loops that were closed with operations pending.

    Their futures keep such loops from vanishing, and a dequeue among them would
    keep taking messages that nobody receives.
    """
    with _lock:
        closed = [bridge for loop, bridge in _bridges.items() if loop.is_closed()]
    for bridge in closed:
        bridge.close(ClosedError("The event loop was closed.", safe_to_retry=False))


@on_fork
def _forget() -> None:
    """In a forked child: the queues and their descriptors are the parent's."""
    global _lock
    _lock = threading.Lock()
    _bridges.clear()


class _Driven(threading.local):
    """The coroutine a thread runs without a loop of its own; see drive()."""

    depth = 0  # drives within drives: a handler may call the sync twin
    loop: asyncio.AbstractEventLoop | None = None  # the loop that stands still meanwhile, in a notebook
    check: Callable[[], None] | None = None  # raises when the coroutine is to end early


_driven = _Driven()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _blocking() -> bool:
    """Whether the code that asks is driven, and not in an ``asyncio.run()`` of its own within that."""
    return _driven.depth > 0 and _driven.loop is _running_loop()


def drive(coroutine: Coroutine[Any, Any, T], check: Callable[[], None] | None = None) -> T:
    """Runs a coroutine of this package to its end in this thread, blocking.

    Every await of the package ends in run() below, which blocks while a coroutine is
    driven; so the coroutine never pauses, and the sync twin needs no code of its own.
    A loop that runs in this thread stands still meanwhile. ``check`` is called where
    the coroutine waits, and raises there what is to end it, as a cancellation would.
    """
    depth, loop, before = _driven.depth, _driven.loop, _driven.check
    _driven.depth, _driven.loop, _driven.check = depth + 1, _running_loop(), check
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        _driven.depth, _driven.loop, _driven.check = depth, loop, before
        coroutine.close()
    raise TypeError("The sync twin cannot wait for asyncio; use the classes of pgqrs itself there.")


def _early_end() -> Callable[[], None] | None:
    """What a driven coroutine calls while it waits: its own check, or that of the task
    whose loop stands still."""
    if _driven.check is not None or _driven.loop is None:
        return _driven.check
    return cancellation()


def pause(event: Callable[[float], bool]) -> None:
    """Blocks a driven coroutine until a function, given the seconds it may wait, says True."""
    check = _early_end()
    while not event(_syncbridge.SLICE_MS / 1000):
        if check is not None:
            check()


async def run(call: Call[T]) -> T:
    """Submits a call on the running loop and waits for its value.

    When the await is cancelled the operation is cancelled too; what cannot be
    cancelled any more is undone as far as leases go.
    """
    if _blocking():
        return _syncbridge.run(call, check_cancelled=_early_end())
    return await _await(call, None)


async def within(seconds: float, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the coroutine returns; TimeoutError when it takes longer."""
    if not _blocking():
        async with asyncio.timeout(seconds):
            return await start()
    deadline, outer = time.monotonic() + seconds, _driven.check

    def check() -> None:
        if outer is not None:
            outer()
        if time.monotonic() > deadline:
            raise TimeoutError

    return drive(start(), check)


async def listen(call: Call[T], each: Callable[[T], None]) -> None:
    """Submits a multi-shot call and hands every value to a function, on the loop's thread.

    Raises what the last completion says, ClosedError as a rule. It never returns, so
    it is run as a task, whose cancellation ends the op, or driven in a thread.
    """
    if _blocking():
        _syncbridge.listen(call, each, _early_end())
    else:
        await _await(call, each)


async def _await(call: Call[T], each: Callable[[T], None] | None) -> T:
    loop = asyncio.get_running_loop()
    bridge = _bridge(loop)
    op = bridge.start(loop, call, each)
    while op is None:
        await bridge.room(loop)
        op = bridge.start(loop, call, each)
    assert op.future is not None
    try:
        value = await op.future
    except BaseException:  # also GeneratorExit, when the coroutine is dropped
        bridge.abandon(op)
        raise
    bridge.settle(op)
    return value


async def sleep(seconds: float) -> None:
    """Pauses the coroutine, or the thread that drives it."""
    if _blocking():
        _syncbridge.sleep(seconds, _early_end())
    else:
        await asyncio.sleep(seconds)


class Once(Generic[T]):
    """Runs one coroutine for everybody on a loop who asks for it meanwhile.

    An awaiter that is cancelled leaves it running for the others.
    """

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[T]] = WeakKeyDictionary()

    async def do(self, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if _blocking():  # threads that come at once do it twice, which Handle.adopt allows for
            return await start()
        loop = asyncio.get_running_loop()
        task = self._tasks.get(loop)
        if task is None:
            task = loop.create_task(start())
            self._tasks[loop] = task
            task.add_done_callback(self._finish)
        return await asyncio.shield(task)

    def _finish(self, task: asyncio.Task[T]) -> None:
        self._tasks.pop(task.get_loop(), None)
        if not task.cancelled():
            task.exception()  # mark it as seen: every awaiter may have been cancelled


_background: set[asyncio.Task[None]] = set()  # asyncio itself holds tasks only weakly


def spawn(start: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Runs a coroutine beside the caller; False when no loop runs in this thread.

    While a coroutine is driven there is no beside: it is run to its end here.
    """
    if _blocking():
        drive(start())
        return True
    loop = _running_loop()
    if loop is None:
        return False
    task = loop.create_task(start())
    _background.add(task)
    task.add_done_callback(_background.discard)
    return True


def cancellation() -> Callable[[], None]:
    """A function that raises CancelledError once the running task was cancelled.

    For code of the task that blocks instead of awaiting: asyncio.run answers the
    first Ctrl-C by cancelling the task, which only an await would notice.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        task = None
    before = task.cancelling() if task else 0

    def check() -> None:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError

    return check


def caller() -> Callable[[], bool]:
    """A function that says whether the code that asks for it goes on: its task is not
    done, or, while a coroutine is driven, its thread has not ended. Any thread may call it."""
    if _blocking():
        return threading.current_thread().is_alive
    current = asyncio.current_task()
    task = None if current is None else weakref.ref(current)
    loop = weakref.ref(asyncio.get_running_loop())

    def alive() -> bool:
        running, within = None if task is None else task(), loop()
        return running is not None and not running.done() and within is not None and not within.is_closed()

    return alive


def origin() -> traceback.StackSummary | None:
    """Where the caller is, when the running loop is in debug mode: for ResourceWarnings."""
    loop = _running_loop()
    if loop is None or not loop.get_debug():
        return None
    return traceback.extract_stack()
