"""What the library logs becomes records of ``logging.getLogger("pgqrs")``.

The library says what goes wrong where no call fails. A thread of its own hands the
lines on: a loop may be blocked or gone when there is news, and the sync twin has none.
The thread is begun by the first store that is opened, waits in the library without
the GIL, and ends with it, at the exit of the interpreter.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Any

from . import _ops, _syncbridge
from ._native import on_fork, on_shutdown
from ._native._cq import Call, CompletionQueue
from .errors import PgqrsError

logger = logging.getLogger("pgqrs")

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FOREVER = -1
JOIN_SECONDS = 1.0  # what a handler that does not return may cost the exit of the interpreter


class _State:
    """What the process knows about its thread."""

    thread: threading.Thread | None = None
    lock = threading.Lock()  # guards thread while it is begun


_state = _State()


def forward() -> None:
    """Hands on what the library logs from now on; a repetition does nothing."""
    if _state.thread is not None:
        return
    with _state.lock:
        if _state.thread is None:
            _state.thread = _begin()


def _begin() -> threading.Thread | None:
    # Every level, because the logger's may change at any time; lines of a low level
    # are about failures too, so there are few.
    call = _ops.log_subscribe()
    queue = CompletionQueue()
    queue.submit(call, 0)  # here, so that nothing is missed of what follows this call
    try:
        thread = threading.Thread(target=_serve, args=(queue, call), name="pgqrs-log", daemon=True)
        thread.start()
    except RuntimeError:  # the interpreter exits, may have no such threads, or gets none: then without a log
        queue.close()
        return None
    return thread


def _serve(queue: CompletionQueue, call: Call[dict[str, Any]]) -> None:
    try:
        with suppress(PgqrsError):  # the library was shut down, or poisoned by a panic: then all calls say so
            _syncbridge.hand_out(queue, call, _tell, FOREVER)
    finally:
        queue.close()


def _tell(line: dict[str, Any]) -> None:
    """Logs one line. What a handler or filter of the program raises is reported as that
    of any thread, and does not end this one."""
    level = LEVELS.get(line["level"], logging.ERROR)
    try:
        if logger.isEnabledFor(level):
            logger.handle(record(level, line))
    except Exception as problem:
        args = (type(problem), problem, problem.__traceback__, threading.current_thread())
        threading.excepthook(threading.ExceptHookArgs(args))


def record(level: int, line: dict[str, Any]) -> logging.LogRecord:
    """The record of a line: its time is when the library logged it, ``msg`` is the same
    for every line of its kind, and the attributes are there under ``pgqrs_`` names."""
    details: dict[str, Any] = dict(line.get("attributes", {}))
    if line["dropped"]:
        details["dropped"] = line["dropped"]
    extra = {f"pgqrs_{name}": value for name, value in details.items()}
    text: str = line["message"]
    if details:
        text = text.replace("%", "%%")
    args = list[Any]()
    if "error" in details:
        text, args = text + ": %s", [details.pop("error")]
    if details:
        text += f" ({', '.join(f'{name}=%s' for name in details)})"
        args += details.values()
    made = logger.makeRecord(logger.name, level, "libpgqrs", 0, text, tuple(args), None, extra=extra)
    late = made.created - line["time"] / 1e6
    made.created -= late
    made.msecs = line["time"] // 1000 % 1000 + 0.0
    made.relativeCreated -= late * 1000
    return made


@on_shutdown
def _join() -> None:
    """Waits for the last lines, those of the shutdown itself."""
    thread = _state.thread
    if thread is not None and thread is not threading.current_thread():
        thread.join(JOIN_SECONDS)


@on_fork
def _forget() -> None:
    """In a forked child: the thread and its queue are the parent's."""
    _state.thread = None
    _state.lock = threading.Lock()
