"""The only code that knows ctypes: everything above it speaks Python values.

Nothing is loaded by importing this. The library starts the Go runtime, and a
process that has started it cannot use it in a forked child, so ``lib()`` loads it
as late as possible: at the first awaited call.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ForkError, PgqrsError
from ._load import load

if TYPE_CHECKING:
    from ._abi import Library

SHUTDOWN_MS = 2000  # what the exit of the interpreter may cost when operations are in flight

FORKED_NEW = (
    "The pgqrs library was loaded before fork(), and a child of fork() cannot use it: its runtime has no "
    "threads there. Start children with the multiprocessing method 'spawn' or 'forkserver', or use pgqrs "
    "only after the fork; pgqrs.forbid_native_load() in the parent shows who loads it too early."
)
FORKED_INHERITED = (
    "{what} was created before fork() and cannot be used in the child. Open a new store in a process "
    "started by 'spawn', 'forkserver' or exec."
)


class _State:
    """What the process knows about its library."""

    library: Library | None = None
    forbidden: bool = False
    forked: bool = False  # in a child whose parent had loaded the library


_state = _State()
_lock = threading.Lock()
_forgetters: list[Callable[[], None]] = []
_enders: list[Callable[[], None]] = []


def lib() -> Library:
    """The library, loaded on the first call.

    Raises ImportError when it cannot be loaded, ForkError in a child of a process
    that had loaded it, PgqrsError after forbid_native_load().
    """
    library = _state.library
    if library is not None and not _state.forked:
        return library
    return _load_once()


def _load_once() -> Library:
    with _lock:
        if _state.forked:
            raise ForkError(FORKED_NEW)
        if _state.library is None:
            if _state.forbidden:
                raise PgqrsError(
                    "pgqrs.forbid_native_load() was called in this process: open stores in its children only."
                )
            _state.library = load()
            # Once per process and not once per object; registered only now because
            # a fork before the load harms nothing.
            os.register_at_fork(after_in_child=_after_fork)
            atexit.register(_shutdown, _state.library, os.getpid())
        return _state.library


def _after_fork() -> None:
    """Runs in the child: makes everything inherited inert, without the library.

    The completion queues' descriptors are shared with the parent: reading one
    would steal the parent's wake-ups, so they are forgotten, never touched.
    """
    global _lock
    _lock = threading.Lock()  # another thread may have held it at the fork
    _state.forked = True
    for forget in _forgetters:
        forget()


def on_fork(forget: Callable[[], None]) -> Callable[[], None]:
    """Calls forget in every child that inherits a loaded library; a decorator."""
    _forgetters.append(forget)
    return forget


def on_shutdown(end: Callable[[], None]) -> Callable[[], None]:
    """Calls end at the exit of the interpreter, once the library was shut down; a decorator."""
    _enders.append(end)
    return end


def forked() -> bool:
    """Whether this is a child of a process that had loaded the library."""
    return _state.forked


def loaded() -> bool:
    """Whether the library is loaded and usable in this process."""
    return _state.library is not None and not _state.forked


def forbid_native_load() -> None:
    """Asserts that this process never loads the library.

    For a master process that forks its workers: after this call any use of a store
    in the master raises, instead of breaking the children later. The children are
    not bound by it. Raises PgqrsError when the library is loaded already.
    """
    with _lock:
        if _state.library is not None:
            raise PgqrsError("The pgqrs library is loaded already: something used a store before this call.")
        if not _state.forbidden:
            os.register_at_fork(after_in_child=_allow_in_child)
        _state.forbidden = True


def _allow_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    _state.forbidden = False


def _shutdown(library: Library, pid: int) -> None:
    """Gives what is in flight a short while at the exit of the interpreter."""
    if os.getpid() == pid:
        library.pgqrs_shutdown_wait(SHUTDOWN_MS)
        for end in _enders:
            end()
