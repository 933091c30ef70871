"""The one funnel from a status of the library to a Python exception."""

from __future__ import annotations

import ctypes

from .. import errors
from . import _abi, lib  # pyright: ignore[reportPrivateUsage] (it has a stub)
from ._status import STATUS

CODES = {name: code for code, (name, _, _) in STATUS.items()}

OK = 0
BUSY = CODES["BUSY"]
CANCELLED = CODES["CANCELLED"]
TIMEOUT = CODES["TIMEOUT"]


def check(status: int, error: int = 0) -> int:
    """Returns a status that is no failure, raises the exception of one that is.

    An error handle given with it is closed.
    """
    if status < 0:
        raise exception(status, error)
    return status


def exception(status: int, error: int = 0) -> errors.PgqrsError:
    """The exception for a failure, with the library's own text where it gives one."""
    _, class_name, text = STATUS.get(status, ("", "InternalError", f"unknown status {status}"))
    kind: type[errors.PgqrsError] = getattr(errors, class_name, errors.InternalError)
    if not error:
        return kind(text, code=status, safe_to_retry=False)
    detail = _abi.ErrorDetail()
    detail.struct_size = ctypes.sizeof(detail)
    library = lib()
    try:
        if library.pgqrs_error_info(error, ctypes.byref(detail)) < 0:
            return kind(text, code=status, safe_to_retry=False)
        return kind(
            read_text(detail.message) or text,
            code=status,
            sqlstate=detail.sqlstate.decode("ascii", "replace") or None,
            operation=read_text(detail.operation) or None,
            field=read_text(detail.field) or None,
            retry_after=detail.retry_after_ms / 1000 if detail.retry_after_ms else None,
            transient=bool(detail.flags & _abi.ERROR_TRANSIENT),
            safe_to_retry=bool(detail.flags & _abi.ERROR_SAFE_TO_RETRY),
        )
    finally:
        library.pgqrs_close(error)


def read_text(view: _abi.View) -> str:
    """A copy of the text a view shows."""
    return ctypes.string_at(view.data, view.len).decode("utf-8", "replace") if view.len else ""
