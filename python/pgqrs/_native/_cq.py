"""The completion queue: operations go in as calls and come out as completions."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from . import _abi, lib  # pyright: ignore[reportPrivateUsage] (it has a stub)
from ._codec import Argument, read_handle
from ._errors import BUSY, check
from ._handle import Handle

T = TypeVar("T")

MORE = _abi.CQE_MORE  # the flag of a completion that is not the last of its op
VALUE = _abi.CQE_VALUE  # the flag of a completion whose result is no handle
POLL_MAX = 1024  # completions one poll takes; more would keep the loop's other callbacks waiting

_COMPLETION = struct.Struct(_abi.COMPLETION_FORMAT)


class Call(Generic[T]):
    """One operation, ready to be submitted: knows no loop and no queue.

    ``args`` are the encoded arguments before the common tail of asynchronous
    functions; ``decode`` turns the result into the value, and ``number`` what comes
    in the completion itself, where the result is a list of one.
    """

    __slots__ = ("args", "decode", "function", "number")

    def __init__(
        self,
        function: str,
        args: Sequence[Argument],
        decode: Callable[[int], T],
        number: Callable[[int], T] | None = None,
    ) -> None:
        self.function = function
        self.args = args
        self.decode = decode
        self.number = number

    def value(self, completion: Completion) -> T:
        """The value of a call that succeeded."""
        if completion.flags & VALUE and self.number is not None:
            return self.number(completion.result)
        return self.decode(completion.result)

    @property
    def opens(self) -> bool:
        """Whether the result is an object that the receiver keeps."""
        return self.decode is read_handle

    def dispose(self, result: int) -> None:
        """Closes the result after it was decoded."""
        if result and not self.opens:
            lib().pgqrs_close(result)

    def discard(self, result: int) -> None:
        """Closes a result nobody will handle: its leases are given back."""
        if result:
            (lib().pgqrs_close if self.opens else lib().pgqrs_result_discard)(result)


class Completion(NamedTuple):
    """What a call came to; result and error are the receiver's to close."""

    user_data: int
    status: int
    flags: int
    result: int
    error: int

    @property
    def handle(self) -> int:
        """The result to close; 0 where there is none."""
        return 0 if self.flags & VALUE else self.result


class CompletionQueue:
    """Owns one queue of the library. One thread at a time submits, polls and waits."""

    __slots__ = ("_buffer", "_error", "_error_ref", "_handle", "_op", "_op_ref", "_view", "fd")

    def __init__(self, max_pending: int = 0) -> None:
        options = _abi.CqOptions(ctypes.sizeof(_abi.CqOptions), _abi.CQ_VALUES, max_pending, 0)
        number, fd = _abi.Handle(), ctypes.c_int32()
        library = lib()
        check(library.pgqrs_cq_open(ctypes.byref(options), ctypes.byref(number)))
        self._handle = Handle("completion queue")
        self._handle.adopt(number.value)
        check(library.pgqrs_cq_fd(number.value, ctypes.byref(fd)))
        self.fd: int = fd.value
        # Made once, because allocating them for each call would cost more than the call.
        self._buffer = (_abi.Completion * POLL_MAX)()
        self._view = memoryview(self._buffer).cast("B")
        self._op, self._error = _abi.Handle(), _abi.Handle()
        self._op_ref, self._error_ref = ctypes.byref(self._op), ctypes.byref(self._error)

    def submit(self, call: Call[T], user_data: int) -> int | None:
        """Submits a call and returns its op, or None when the queue is full.

        Raises what the library says when it does not accept the call.
        """
        self._error.value = 0
        status: int = getattr(lib(), call.function)(
            *call.args, self._handle.get(), user_data, self._op_ref, self._error_ref
        )
        if status < 0:
            if status == BUSY:
                if self._error.value:
                    lib().pgqrs_close(self._error.value)
                return None
            check(status, self._error.value)
        return self._op.value

    def poll(self) -> list[Completion]:
        """Up to POLL_MAX completions; fewer means that none is left."""
        count = check(lib().pgqrs_cq_poll(self._handle.get(), self._buffer, POLL_MAX))
        return [Completion._make(fields) for fields in _COMPLETION.iter_unpack(self._view[: count * _COMPLETION.size])]

    def wait(self, timeout_ms: int) -> None:
        """Blocks until something can be polled, at most so long."""
        lib().pgqrs_cq_wait(self._handle.get(), timeout_ms)

    def close(self) -> None:
        """Cancels what is outstanding and discards what was not polled. Quick."""
        self._handle.close()


def cancel(op: int) -> None:
    """Asks for the end of an op; one that has completed meanwhile is no error."""
    lib().pgqrs_op_cancel(op)
