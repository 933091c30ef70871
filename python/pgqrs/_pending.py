"""What was submitted and has not completed: one awaiting coroutine, or a group of them.

None of this touches the loop; it is the bridge that submits and drains.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from ._native import loaded
from ._native._cq import Call, Completion, cancel
from ._native._errors import CANCELLED, exception

T = TypeVar("T")


class Pending(Protocol):
    """An op under way, as the drain sees it."""

    def complete(self, completion: Completion) -> None:
        """Takes the last completion."""
        ...

    def deliver(self, result: int) -> None:
        """Takes one of several values of a multi-shot op."""
        ...

    def fail(self, problem: Exception) -> None:
        """The queue is gone: there will be no completion."""
        ...


class Waiter(Protocol):
    """Who gets a value of a group: the future somebody awaits, or what takes the value by
    itself, within the drain. Must not raise."""

    def done(self) -> bool:
        """Whether the value is not wanted any more."""
        ...

    def cancelled(self) -> bool:
        """Whether that is because the waiter left."""
        ...

    def set_result(self, value: Any, /) -> None: ...

    def set_exception(self, problem: Exception, /) -> None: ...

    def cancel(self) -> object:
        """The operation was cancelled, so there will be no value."""
        ...


class Single(Generic[T]):
    """A call of one coroutine."""

    __slots__ = ("_arrived", "_call", "_each", "_future", "_number", "_result")

    def __init__(self, call: Call[T], future: asyncio.Future[T], number: int, each: Callable[[T], None] | None) -> None:
        self._call = call
        self._each = each  # of a multi-shot op: takes the value of every completion but the last
        self._future: asyncio.Future[T] | None = future  # None: nobody waits any more
        self._number = number
        self._result = 0
        self._arrived = False

    async def value(self) -> T:
        """Waits for the value. When the await is cancelled the op is cancelled too; what
        cannot be cancelled any more is undone as far as leases go."""
        assert self._future is not None
        try:
            value = await self._future
        except BaseException:  # also GeneratorExit, when the coroutine is dropped
            self._abandon()
            raise
        result, self._result = self._result, 0  # the value has reached its awaiter
        self._call.dispose(result)
        return value

    def complete(self, completion: Completion) -> None:
        self._arrived = True
        self._result = completion.handle
        future = self._future
        if future is None or future.done():
            self._discard()
            if completion.error:
                exception(completion.status, completion.error)  # closes it
        elif completion.status == CANCELLED:
            future.cancel()
        elif completion.status < 0:
            future.set_exception(exception(completion.status, completion.error))
        else:
            try:
                value = self._call.value(completion)
            except Exception as problem:  # fails its own await, never the drain
                future.set_exception(problem)
            else:
                future.set_result(value)

    def deliver(self, result: int) -> None:
        """Hands on one of several values; what goes wrong with it ends the await."""
        future = self._future
        if future is None or future.done() or self._each is None:
            self._call.discard(result)
            return
        try:
            self._each(self._call.decode(result))
        except Exception as problem:
            future.set_exception(problem)
        finally:
            self._call.dispose(result)

    def fail(self, problem: Exception) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_exception(problem)

    def _abandon(self) -> None:
        """Nobody will take the value: leases in it go back, an op under way is cancelled."""
        self._future = None  # it refers to the loop, which must be able to go
        if not loaded():
            return  # a forked child drops inherited coroutines: the op is the parent's
        if self._arrived:
            self._discard()
        else:
            cancel(self._number)

    def _discard(self) -> None:
        result, self._result = self._result, 0
        self._call.discard(result)


class Group(Generic[T]):
    """The calls that cross as one operation: an item and a waiter for each.

    Until it is submitted the gathering appends to both.
    """

    __slots__ = ("_call", "_make", "_number", "items", "size", "waiters")

    def __init__(self, make: Callable[[list[Any]], Call[list[T]]]) -> None:
        self._make = make
        self.items: list[Any] = []
        self.waiters: list[Waiter] = []
        self._call: Call[list[T]] | None = None
        self._number = 0  # of the op, once it is accepted
        self.size = 0  # calls it carries, from then on

    def pack(self) -> Call[list[T]] | None:
        """The operation for everybody who still waits; None when nobody does."""
        if any([waiter.done() for waiter in self.waiters]):  # cancelled meanwhile
            kept = [(item, waiter) for item, waiter in zip(self.items, self.waiters, strict=True) if not waiter.done()]
            self.items, self.waiters = [item for item, _ in kept], [waiter for _, waiter in kept]
        if not self.items:
            return None
        self._call = self._make(self.items)
        return self._call

    def sent(self, number: int) -> None:
        """The operation was accepted as this op."""
        self._number = number
        self.size = len(self.items)
        self.items = []  # encoded and copied: only the waiters are needed from here on

    def left(self, waiter: Waiter) -> None:
        """Somebody waits no more. What was sent is cancelled when nobody is left."""
        if not waiter.cancelled():
            return  # it ended by what the operation came to
        if self._number and all([waiter.done() for waiter in self.waiters]):
            self.waiters = []  # they refer to the loop, which must be able to go
            if loaded():  # a forked child drops inherited coroutines: the op is the parent's
                cancel(self._number)

    def complete(self, completion: Completion) -> None:
        call = self._call
        assert call is not None
        if not self.waiters:
            call.dispose(completion.handle)
            if completion.error:
                exception(completion.status, completion.error)  # closes it
            return
        if completion.status < 0:
            problem = exception(completion.status, completion.error)
            if completion.status == CANCELLED:
                for waiter in self.waiters:
                    waiter.cancel()
            else:
                self.fail(problem)
            return
        try:
            values = call.value(completion)
        except Exception as problem:  # fails these awaits, never the drain
            self.fail(problem)
            return
        finally:
            call.dispose(completion.handle)
        for waiter, value in zip(self.waiters, values, strict=True):
            if waiter.done():
                continue
            if isinstance(value, Exception):
                waiter.set_exception(value)
            else:
                waiter.set_result(value)

    def deliver(self, result: int) -> None:
        raise AssertionError("a group is answered at once")

    def fail(self, problem: Exception) -> None:
        """Everybody gets an exception, each one of their own: a traceback belongs to one await."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(copy.copy(problem))
