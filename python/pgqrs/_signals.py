"""Signals that ask a process to end, for as long as it listens to them."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def on_ending(stop: Callable[[signal.Signals], None]) -> Generator[None, None, None]:
    """Calls stop in the running loop for SIGINT and SIGTERM inside the block; the handlers
    from before it come back afterwards. Does nothing outside the main thread.

    The loop's own add_signal_handler is not used: it forgets a handler that the host
    had added for the same signal, and cannot give it back.
    """
    if not _may_listen():
        yield
        return
    loop = asyncio.get_running_loop()
    with _waking(loop), handled(lambda number: loop.call_soon_threadsafe(stop, number)):
        yield


@contextmanager
def handled(told: Callable[[signal.Signals], object]) -> Generator[None, None, None]:
    """Calls told for SIGINT and SIGTERM inside the block, in the signal handler itself: it
    must neither block nor take a lock. The handlers from before come back afterwards.

    Does nothing outside the main thread, which alone may set handlers. A signal that
    is ignored stays ignored, as `nohup` and shells expect of the jobs they start.
    """
    if not _may_listen():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        told(signal.Signals(number))

    previous: dict[signal.Signals, Any] = {}
    try:
        for number in ENDING:
            before = signal.getsignal(number)
            # None: a handler that Python did not set, and could not put back.
            if before is not None and before is not signal.SIG_IGN:
                previous[number] = signal.signal(number, handle)
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _may_listen() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
    """Makes a signal wake the loop, whichever thread of the process the kernel gives it to.

    Python runs signal handlers in the main thread, which would otherwise notice only
    when its select returns for another reason.
    """
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        if before != -1:  # the loop listens already, uvloop always does
            signal.set_wakeup_fd(before)
            yield
            return
        loop.add_reader(reader, _empty, reader)
        try:
            yield
        finally:
            loop.remove_reader(reader)
            installed = signal.set_wakeup_fd(-1)
            if installed != writer.fileno():  # the host set its own meanwhile
                signal.set_wakeup_fd(installed)


def _empty(reader: socket.socket) -> None:
    try:
        while reader.recv(4096):
            pass
    except BlockingIOError:
        pass  # the handlers themselves have run, or will in a moment
