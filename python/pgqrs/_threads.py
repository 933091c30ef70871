"""Threads for plain handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Threads:
    """Runs jobs, each in a thread of the pool; a job must not raise.

    The threads are daemons, unlike those of concurrent.futures, whose executors are
    joined when the interpreter exits: a handler that never returns must not keep the
    process from ending after its grace period.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()  # guards what follows
        self._under_way = 0
        self._threads = 0

    def start(self, job: Callable[[], None]) -> None:
        """Runs the job as soon as a thread is free."""
        with self._lock:
            self._under_way += 1
            more = self._under_way > self._threads and self._threads < self._most
            self._threads += more
        self._jobs.put(job)
        if more:
            threading.Thread(target=self._serve, name="pgqrs-handler", daemon=True).start()

    def close(self) -> None:
        """Lets every thread end after what it does now."""
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # a message in it would keep its consumer alive
            with self._lock:
                self._under_way -= 1
