"""Signs of life of loops: while whoever advances an iterator lives, its leases are kept alive.

The library renews the leases by itself, but stops after KEEP_SECONDS without a sign
of life. The signs come from one thread for all loops of the process, which needs no
event loop: a body that blocks the loop for an hour keeps its message.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import Protocol

from ._native import on_fork

KEEP_SECONDS = 15 * 60.0  # how long a loop that is never advanced again keeps its leases
BEATS = 3  # signs of life in that time


class Loop(Protocol):
    def sign_of_life(self) -> None:
        """Has the leases kept for another KEEP_SECONDS, if whoever advances the loop lives. Must not raise."""
        ...


class _Watch:
    """The loops there are, and the thread that looks at them while there are any."""

    def __init__(self) -> None:
        self._loops: dict[int, Loop] = {}
        self._empty: SimpleQueue[None] = SimpleQueue()
        self._lock = threading.Lock()  # never taken by finalizers, which end loops at any line
        self._running = False

    def begin(self, loop: Loop) -> None:
        with self._lock:
            self._loops[id(loop)] = loop
            if not self._running:
                self._running = True
                threading.Thread(target=self._look, name="pgqrs-loops", daemon=True).start()

    def end(self, loop: Loop) -> None:
        self._loops.pop(id(loop), None)
        if not self._loops:
            self._empty.put(None)

    def _look(self) -> None:
        while True:
            try:
                self._empty.get(timeout=KEEP_SECONDS / BEATS)
            except Empty:
                for loop in list(self._loops.values()):
                    loop.sign_of_life()
            with self._lock:
                if not self._loops:
                    self._running = False
                    return


_watch = _Watch()


@on_fork
def _forget() -> None:
    """In a forked child: the loops and the thread are the parent's."""
    global _watch
    _watch = _Watch()


def begin(loop: Loop) -> None:
    """Watches a loop until its end."""
    _watch.begin(loop)


def end(loop: Loop) -> None:
    """Watches a loop no more. Takes no lock, so finalizers may call it."""
    _watch.end(loop)
