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
    if error:
        return explained(error)
    kind, text = _class(status)
    return kind(text, code=status, safe_to_retry=False)


def _class(status: int) -> tuple[type[errors.PgqrsError], str]:
    _, class_name, text = STATUS.get(status, ("", "InternalError", f"unknown status {status}"))
    kind: type[errors.PgqrsError] = getattr(errors, class_name, errors.InternalError)
    return kind, text


def explained(error: int) -> errors.PgqrsError:
    """The exception an error handle describes; closes it."""
    detail = _abi.ErrorDetail()
    detail.struct_size = ctypes.sizeof(detail)
    library = lib()
    try:
        check(library.pgqrs_error_info(error, ctypes.byref(detail)))
        kind, text = _class(detail.code)
        return kind(
            read_text(detail.message) or text,
            code=detail.code,
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
