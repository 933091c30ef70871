"""Handle: the owner of one object of the library."""

from __future__ import annotations

import os
import threading
import traceback
import warnings
from collections.abc import Callable

from ..errors import ClosedError, ForkError
from . import FORKED_INHERITED, forked, lib

_adopting = threading.Lock()  # two threads may open the same object; nothing else is done under it


class Handle:
    """Owns one object of the library, from its opening to its closing.

    It starts empty, because objects made from a DSN open nothing before their
    first await. Closing swaps the number away first, so a second close, or one in
    another thread at the same time, does nothing; and the library tells a stale
    number from a valid one, so losing that race is harmless too.
    """

    __slots__ = ("__weakref__", "_close", "_closed", "_origin", "_pid", "number", "what")

    def __init__(self, what: str) -> None:
        self.what = what  # for error texts: "producer of queue 'tasks'"
        self.number = 0  # 0: not opened yet, or closed; only get() tells which, and whose it is
        self._closed = False
        self._pid = 0
        self._close: Callable[[int], int] | None = None
        self._origin: traceback.StackSummary | str | None = None

    def get(self) -> int:
        """The number, or 0 when nothing was opened yet.

        Raises ClosedError once closed, ForkError in a child of the opener.
        """
        value = self.number
        if value:
            if forked() and self._pid != os.getpid():
                raise ForkError(FORKED_INHERITED.format(what=f"This {self.what}"))
            return value
        if self._closed:
            raise ClosedError(f"This {self.what} is closed.")
        return 0

    @property
    def closed(self) -> bool:
        return self._closed

    def adopt(self, value: int) -> int:
        """Takes ownership of a newly opened object and returns the one to use.

        When two threads opened at once the first one's object stays; an object
        opened while the handle was being closed is closed at once.
        """
        close = lib().pgqrs_close
        with _adopting:
            if not self._closed and not self.number:
                self._close = close
                self._pid = os.getpid()
                self.number = value
                return value
        close(value)
        return self.get()

    def warn_unclosed(self, origin: traceback.StackSummary | None) -> None:
        """Asks for a ResourceWarning when the owner forgets to close.

        With an origin the warning says where the object was made.
        """
        self._origin = origin or ""

    def close(self) -> bool:
        """Gives the object up; quick. False when there was nothing to close."""
        value, self.number = self.number, 0
        self._closed = True
        if not value or self._close is None or self._pid != os.getpid():
            return False  # in a forked child the object is the parent's
        self._close(value)
        return True

    def __del__(self, getpid: Callable[[], int] = os.getpid, warn: Callable[..., None] = warnings.warn) -> None:
        # Bound as defaults because module globals vanish at the exit of the interpreter.
        value = self.number
        if not value or self._close is None or self._pid != getpid():
            return
        if self._origin is not None:
            made = "".join(self._origin.format()) if not isinstance(self._origin, str) else ""
            text = f"unclosed {self.what}; call its close() or open it in a `with` block"
            warn(f"{text}. It was made here:\n{made}" if made else text, ResourceWarning, source=self)
        self.number = 0
        self._close(value)
