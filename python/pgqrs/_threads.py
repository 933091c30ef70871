"""Threads for plain handlers."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias

Outcome: TypeAlias = "tuple[Any, BaseException | None]"
"""What a function returned and what it raised."""


class Threads:
    """Runs plain functions beside one event loop, each in a thread of the pool.

    The threads are daemons, unlike those of concurrent.futures, whose executors are
    joined when the interpreter exits: a handler that never returns must not keep the
    process from ending after its grace period. Used on the loop's thread alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._under_way = 0
        self._threads = 0

    def run(self, function: Callable[[Any], Any], argument: Any) -> asyncio.Future[Outcome]:
        """Calls the function in a thread; the future's result is its outcome.

        Cancelling the future does not stop the function, nothing could.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        context = contextvars.copy_context()

        def finish(outcome: Outcome) -> None:
            self._under_way -= 1
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

        self._under_way += 1
        if self._under_way > self._threads and self._threads < self._most:
            self._threads += 1
            threading.Thread(target=_serve, args=(self._jobs,), name="pgqrs-handler", daemon=True).start()
        self._jobs.put(job)
        return future

    def close(self) -> None:
        """Lets every thread end after what it does now."""
        for _ in range(self._threads):
            self._jobs.put(None)


def _serve(jobs: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # a message in it would keep its consumer alive
