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
from asyncio import get_running_loop
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from . import _syncbridge
from ._gather import Gathering, Joined
from ._native import on_fork
from ._native._cq import MORE, Call, Completion, CompletionQueue
from ._pending import Group, Pending, Single, Waiter
from .errors import ClosedError, PgqrsError

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
P = ParamSpec("P")

MAX_PENDING = 0  # operations in flight on one loop; 0 is the library's default, 65536


Event = asyncio.Event  # for modules that only name it


class Bridge:
    """The completion queue of one loop, and who waits for what.

    Everything but close() runs on the loop's thread, so nothing here is locked.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._queue = CompletionQueue(MAX_PENDING)
        self._pending: dict[int, Pending] = {}
        self.gathering = Gathering(self._start_group)
        self._unsent: deque[Group[Any]] = deque()  # groups that wait for room
        self._waiting_for_room: deque[asyncio.Future[None]] = deque()
        self._next_key = 0
        # Weak, because the table of bridges holds this object: a strong reference
        # would keep the loop, and with it its entry, for ever.
        self._loop = weakref.ref(loop)
        # The loop this is the bridge of, None once it is closed. Every call asks.
        self.serving: Callable[[], asyncio.AbstractEventLoop | None] = self._loop
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
    ) -> Single[T] | None:
        """Submits a call; None when the queue is full. Raises when it is refused."""
        number = self._queue.submit(call, self._next_key)
        if number is None:
            return None
        op = Single(call, loop.create_future(), number, each)
        self._enter(op)
        return op

    def _enter(self, op: Pending) -> None:
        self._pending[self._next_key] = op
        self._next_key += 1

    def _start_group(self, group: Group[Any]) -> None:
        """Submits the calls of several coroutines as one; its failure is theirs."""
        try:
            call = group.pack()
            if call is None:
                return
            number = self._queue.submit(call, self._next_key)
        except Exception as problem:
            group.fail(problem)
            return
        if number is None:
            self._unsent.append(group)
            return
        group.sent(number)
        self._enter(group)
        self.gathering.under_way += group.size

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
        for _ in range(min(places, len(self._unsent))):
            self._start_group(self._unsent.popleft())
            places -= 1
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
        if self._waiting_for_room or self._unsent:
            self._make_room(len(completions))
        if len(_bridges) > 1:
            _sweep()

    def _complete(self, completion: Completion) -> None:
        if completion.flags & MORE:
            self._pending[completion.user_data].deliver(completion.result)
        else:
            op = self._pending.pop(completion.user_data)
            if isinstance(op, Group):
                self.gathering.under_way -= op.size
            op.complete(completion)

    # --- the end ----------------------------------------------------------------

    def close(self, problem: Exception) -> None:
        """Fails what is pending and gives the queue up. A closed loop is tolerated."""
        self.serving = _nothing
        loop = self._loop()
        if loop is not None:
            with _lock:
                if _bridges.get(loop) is self:
                    del _bridges[loop]
        pending, self._pending = self._pending, {}
        waiting, self._waiting_for_room = self._waiting_for_room, deque()
        unsent, self._unsent = self._unsent, deque()
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._queue.fd)
            for op in [*pending.values(), *unsent]:
                op.fail(problem)
            for future in waiting:
                if not future.done():
                    future.set_exception(problem)
        self._queue.close()


def _nothing() -> None: ...


_bridges: WeakKeyDictionary[asyncio.AbstractEventLoop, Bridge] = WeakKeyDictionary()
_lock = threading.Lock()  # guards _bridges


class _Here(threading.local):
    """What one thread is about."""

    bridge: Bridge | None = None  # of the loop that ran here last: looking it up costs as much as a submit
    depth = 0  # drives within drives, see drive(): a handler may call the sync twin
    standing: asyncio.AbstractEventLoop | None = None  # the loop that stands still meanwhile, in a notebook
    check: Callable[[], None] | None = None  # raises when the coroutine that is driven is to end early


_here = _Here()


def _bridge(loop: asyncio.AbstractEventLoop) -> Bridge:
    """The bridge of a loop, made at its first use."""
    bridge = _here.bridge
    if bridge is not None and bridge.serving() is loop:
        return bridge
    _sweep()  # drains do it too: a loop may be closed while this one runs
    bridge = _bridges.get(loop)
    if bridge is None:
        bridge = Bridge(loop)
        with _lock:
            _bridges[loop] = bridge
    _here.bridge = bridge
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
    global _lock, _here
    _lock = threading.Lock()
    _here = _Here()
    _bridges.clear()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _blocking() -> bool:
    """Whether the code that asks is driven, and not in an ``asyncio.run()`` of its own within that."""
    return _here.depth > 0 and _here.standing is _running_loop()


def drive(coroutine: Coroutine[Any, Any, T], check: Callable[[], None] | None = None) -> T:
    """Runs a coroutine of this package to its end in this thread, blocking.

    Every await of the package ends in run() below, which blocks while a coroutine is
    driven; so the coroutine never pauses, and the sync twin needs no code of its own.
    A loop that runs in this thread stands still meanwhile. ``check`` is called where
    the coroutine waits, and raises there what is to end it, as a cancellation would.
    """
    depth, standing, before = _here.depth, _here.standing, _here.check
    _here.depth, _here.standing, _here.check = depth + 1, _running_loop(), check
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        _here.depth, _here.standing, _here.check = depth, standing, before
        coroutine.close()
    raise TypeError("The sync twin cannot wait for asyncio; use the classes of pgqrs itself there.")


def _early_end() -> Callable[[], None] | None:
    """What a driven coroutine calls while it waits: its own check, or that of the task
    whose loop stands still."""
    if _here.check is not None or _here.standing is None:
        return _here.check
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


def flush() -> None:
    """Submits what the coroutines of this loop have asked for so far, before something
    that ends its target."""
    loop = _running_loop()
    if loop is not None and not _blocking():
        _bridge(loop).gathering.flush()


async def within(seconds: float, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the coroutine returns; TimeoutError when it takes longer."""
    if not _blocking():
        async with asyncio.timeout(seconds):
            return await start()
    deadline, outer = time.monotonic() + seconds, _here.check

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
    return await op.value()


async def join(op: Joined[I, P, T], target: int, item: I, *args: P.args, **kwargs: P.kwargs) -> T:
    """Performs an operation on one item, together with what other coroutines of the loop
    ask for in the same turn, and returns the item's own value.

    When the await is cancelled before the operation was sent, the item is left out of
    it; afterwards its outcome is as it comes.
    """
    if _here.depth and _blocking():
        value = (await run(op(target, [item], *args, **kwargs)))[0]
        if isinstance(value, Exception):
            raise value
        return value
    loop = get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    group = _bridge(loop).gathering.add(loop, op, target, item, future, args, kwargs)
    try:
        return await future
    except BaseException:
        group.left(future)
        raise


def meet(
    op: Joined[I, [], T], target: int, item: I, waiter: Waiter | None = None
) -> tuple[Group[T], asyncio.Future[T]] | None:
    """Does what join does up to its await, for calls that come by the thousand: two
    coroutines in one another cost a fifth of such a call. Whoever awaits the future
    tells the group when that ends early.

    A waiter of another kind takes the future's place. It is told the value within the
    drain; a failure to submit even before this returns.

    None where join is needed: before the target is open, for the first call of a loop,
    and while a coroutine is driven.
    """
    bridge = _here.bridge
    if not target or bridge is None or _here.depth:
        return None
    loop = get_running_loop()
    if bridge.serving() is not loop:
        return None
    future: Any = loop.create_future() if waiter is None else waiter
    return bridge.gathering.add(loop, op, target, item, future), future


async def sleep(seconds: float) -> None:
    """Pauses the coroutine, or the thread that drives it."""
    if _blocking():
        _syncbridge.sleep(seconds, _early_end())
    else:
        await asyncio.sleep(seconds)


async def whole(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a coroutine to its end, also when the await is cancelled, which takes effect then:
    for a call whose outcome has to be known."""
    if _blocking():
        return await start()
    task = asyncio.get_running_loop().create_task(start())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as problem:
            cancelled = problem
    if cancelled is not None:
        task.exception()  # mark it as seen
        raise cancelled
    task.result()


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
