"""Waiting for an operation without an event loop.

Used where there is none: by the sync twin, and by constructors, which cannot await.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ._native import on_fork
from ._native._cq import MORE, Call, CompletionQueue
from ._native._errors import check
from .errors import TimeoutError

T = TypeVar("T")

SLICE_MS = 50  # so that Ctrl-C is noticed: a signal handler runs between native calls

# Queues nobody waits on. A call takes one and gives it back, so a queue belongs to one
# call at a time: a signal handler or finalizer that calls pgqrs while its thread waits
# gets another one. There are as many as calls were ever under way at once, however
# many threads come and go. Appending and popping need no lock.
_idle: list[CompletionQueue] = []


@on_fork
def _forget() -> None:
    """In a forked child: the queues are the parent's."""
    _idle.clear()


def run(call: Call[T], timeout_seconds: float | None = None, check_cancelled: Callable[[], None] | None = None) -> T:
    """Submits a call and blocks until it is done.

    check_cancelled is called now and then meanwhile, and raises to end the wait.

    Holds no lock while it waits, and ctypes lets other threads run, so it cannot
    deadlock against the awaits of this or another thread. When it is left early, by
    Ctrl-C for example, the operation is cancelled and what it leased is given back.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    queue = _take()
    try:
        if queue.submit(call, 0) is None:
            raise AssertionError("an idle completion queue has room")
        while not (completions := queue.poll()):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{call.function.removeprefix('pgqrs_')} took longer than {timeout_seconds:g} s.")
            if check_cancelled is not None:
                check_cancelled()
            queue.wait(SLICE_MS)
        completion = completions[0]
    except BaseException:
        queue.close()  # cancels the op, or discards its completion
        raise
    try:
        check(completion.status, completion.error)
        value = call.value(completion)
    except BaseException:
        call.discard(completion.handle)  # 0 when the operation failed
        raise
    finally:
        _idle.append(queue)
    call.dispose(completion.handle)
    return value


def listen(call: Call[T], each: Callable[[T], None], check_cancelled: Callable[[], None] | None = None) -> None:
    """Submits a multi-shot call and hands every value to a function, in this thread.

    Raises what the last completion says, or check_cancelled.
    """
    queue = CompletionQueue()  # of its own: it is held for long
    try:
        queue.submit(call, 0)
        hand_out(queue, call, each, SLICE_MS, check_cancelled)
    finally:
        queue.close()  # cancels the op


def hand_out(
    queue: CompletionQueue,
    call: Call[T],
    each: Callable[[T], None],
    slice_ms: int,
    check_cancelled: Callable[[], None] | None = None,
) -> None:
    """Hands the values of the only call of a queue, a multi-shot one, to a function."""
    while True:
        for completion in queue.poll():
            if not completion.flags & MORE:
                check(completion.status, completion.error)
                return
            try:
                each(call.decode(completion.result))
            finally:
                call.dispose(completion.result)
        if check_cancelled is not None:
            check_cancelled()
        queue.wait(slice_ms)


def sleep(seconds: float, check_cancelled: Callable[[], None] | None = None) -> None:
    """Blocks for a while; Ctrl-C ends it."""
    if check_cancelled is None:
        time.sleep(seconds)
        return
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        check_cancelled()
        time.sleep(min(left, SLICE_MS / 1000))


def _take() -> CompletionQueue:
    """An idle queue, or a new one."""
    try:
        return _idle.pop()
    except IndexError:
        return CompletionQueue()
