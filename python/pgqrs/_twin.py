"""How the sync twin is made: methods of the asynchronous classes, driven to their end."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload

from . import _arguments
from ._bridge import drive

A = TypeVar("A", bound="Closable")
T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")

PUBLIC = "pgqrs.sync"  # the module users know the twins by


class Method(Protocol[P, T_co]):
    """A method as type checkers see it: a plain function in a class body would do, but
    they disagree on whether a value of type Callable binds its object."""

    @overload
    def __get__(self, twin: None, owner: type) -> Callable[Concatenate[Any, P], T_co]: ...
    @overload
    def __get__(self, twin: object, owner: type) -> Callable[P, T_co]: ...


@overload
def method(coroutine: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> Method[P, T]: ...
@overload
def method(
    coroutine: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], then: Callable[[T], U]
) -> Method[P, U]: ...
def method(
    coroutine: Callable[Concatenate[Any, P], Coroutine[Any, Any, Any]], then: Callable[[Any], Any] | None = None
) -> Method[P, Any]:
    """The same method for the sync twin: same arguments, the value instead of an awaitable.

    ``then`` makes the twin's own object of a value that has one.
    """

    @functools.wraps(coroutine)
    def call(twin: Twin[Any], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        value = drive(coroutine(twin._async, *args, **kwargs))  # pyright: ignore[reportPrivateUsage]
        return value if then is None else then(value)

    call.__module__ = PUBLIC
    return cast("Method[P, Any]", call)


class Step(Protocol[P]):
    """A method that returns its own object."""

    @overload
    def __get__(self, twin: None, owner: type[U]) -> Callable[Concatenate[U, P], U]: ...
    @overload
    def __get__(self, twin: U, owner: type[U]) -> Callable[P, U]: ...


def step(change: Callable[Concatenate[Any, P], object]) -> Step[P]:
    """The same step of a builder for the sync twin."""

    @functools.wraps(change)
    def call(twin: Twin[Any], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        change(twin._async, *args, **kwargs)  # pyright: ignore[reportPrivateUsage]
        return twin

    call.__module__ = PUBLIC
    return cast("Step[P]", call)


def function(coroutine: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """The same module function for the sync twin."""

    @functools.wraps(coroutine)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return drive(coroutine(*args, **kwargs))

    call.__module__ = PUBLIC
    return call


class Twin(Generic[T]):
    """An object of the sync twin: the asynchronous one, called without await.

    It has no state but that object, so it belongs to no thread, and several may use
    it at once.
    """

    __slots__ = ()  # a subclass has "_async", beside the slots of its other bases

    _async: T

    @classmethod
    def _of(cls, other: T) -> Self:
        twin: Any = cls.__new__(cls)  # the slot is the subclass's
        twin._async = other
        self: Self = twin
        return self

    def __repr__(self) -> str:
        return f"sync.{type(self).__name__}({repr(self._async).partition('(')[2] or ')'}"


def plain(handler: object, name: str = "handler") -> Callable[[Any], object]:
    """A handler that returns its result and no awaitable, of which nobody could wait for the end."""
    call = _arguments.function(handler, name)
    if _arguments.is_async(call):
        raise TypeError(f"{name} must be a plain function; the classes of pgqrs itself take async ones")

    def handle(given: Any) -> object:
        result = call(given)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()  # else Python warns that nobody awaited it
            raise TypeError(f"{name} must not return an awaitable; the classes of pgqrs itself take async functions")
        return result

    return handle


class Closable(Protocol):
    """What ``async with`` takes."""

    async def __aenter__(self) -> Any: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
        /,
    ) -> None: ...


class ClosableTwin(Twin[A]):
    """A twin for ``with``."""

    __slots__ = ()

    def __enter__(self) -> Self:
        drive(self._async.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        drive(self._async.__aexit__(kind, problem, where))


def publish(*kinds: type) -> None:
    """Names twins of a private room, and their methods, after the public module."""
    for kind in kinds:
        kind.__module__ = PUBLIC
        for member in vars(kind).values():
            if inspect.isfunction(member):
                member.__module__ = PUBLIC
