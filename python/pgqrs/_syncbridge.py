"""Waiting for an operation without an event loop.

Used where Python leaves no choice: a constructor cannot await.
"""

from __future__ import annotations

import time
from typing import TypeVar

from ._bridge import cancellation
from ._native._cq import Call, CompletionQueue
from ._native._errors import check
from .errors import TimeoutError

T = TypeVar("T")

SLICE_MS = 50  # so that Ctrl-C is noticed: a signal handler runs between native calls


def run(call: Call[T], timeout_seconds: float) -> T:
    """Submits a call on a queue of its own and blocks until it is done.

    Holds no lock while it waits, and ctypes lets other threads run, so it cannot
    deadlock against the awaits of this or another thread.
    """
    deadline = time.monotonic() + timeout_seconds
    raise_if_cancelled = cancellation()
    queue = CompletionQueue()
    try:
        if queue.submit(call, 0) is None:
            raise AssertionError("a new completion queue has room")
        while not (completions := queue.poll()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{call.function.removeprefix('pgqrs_')} took longer than {timeout_seconds:g} s.")
            raise_if_cancelled()
            queue.wait(SLICE_MS)
        completion = completions[0]
        check(completion.status, completion.error)
        try:
            return call.decode(completion.result)
        finally:
            call.dispose(completion.result)
    finally:
        queue.close()  # cancels the op when it was left early
