"""Connection: the one open (or not yet open) store behind the public objects."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar

from . import _bridge, _log, _ops
from ._config import Config
from ._native._cq import Call
from ._native._handle import Handle
from .errors import ClosedError, InternalError

T = TypeVar("T")
P = ParamSpec("P")


class Connection:
    """A store that opens itself at the first use.

    Store and Admin have one each; the producers and consumers made from them share
    it, and keep it open as long as they live.
    """

    __slots__ = ("_bootstrap", "_handle", "_opening", "config")

    def __init__(self, config: Config, *, bootstrap: bool = False) -> None:
        self.config = config
        self._bootstrap = bootstrap
        self._handle = Handle("store")
        self._opening: _bridge.Once[int] = _bridge.Once()

    @property
    def connected(self) -> bool:
        return self._handle.get() != 0

    def number(self) -> int:
        """The store's number; 0 before the first use. Raises ClosedError, ForkError."""
        return self._handle.get()

    async def open(self) -> int:
        """The store's number, opening it first if need be."""
        return self._handle.get() or await self._opening.do(self._open)

    async def _open(self) -> int:
        _log.forward()
        call = _ops.store_open(self.config.dsn, self.config.given, bootstrap=self._bootstrap)
        return self._handle.adopt(await _bridge.run(call))

    async def run(self, op: Callable[Concatenate[int, P], Call[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Performs an operation of the store."""
        store = self._handle.get() or await self.open()
        return await _bridge.run(op(store, *args, **kwargs))

    def warn_unclosed(self) -> None:
        """Asks for a ResourceWarning when nobody closes the store."""
        self._handle.warn_unclosed(_bridge.origin())

    async def close(self) -> None:
        """Ends the store and every producer and consumer opened through it."""
        try:
            store = self._handle.get()
        except ClosedError:
            return
        try:
            if store:
                _bridge.flush()  # what other coroutines have begun goes first
                await _bridge.run(_ops.store_stop(store))
        except ClosedError:
            pass  # somebody else ended it meanwhile
        except InternalError:
            if not self._handle.closed:  # else another thread has just closed it, and the number is stale
                raise
        finally:
            self._handle.close()


class Closing:
    """What ``async with`` closes at its end."""

    __slots__ = ()

    async def close(self) -> None:
        raise NotImplementedError

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.close()


class Connected:
    """What Store and Admin have in common: a connection that others may share."""

    __slots__ = ("_connection",)

    _connection: Connection


Source: TypeAlias = "str | Config | Connected"
"""Where producers, consumers and admins get their store from: a DSN, a Config, a Store or an Admin."""


def connection_of(source: Source, schema: str | None = None, name: str = "dsn") -> tuple[Connection, bool]:
    """The connection of a source, and whether it was made for this caller alone."""
    if isinstance(source, str):
        return Connection(Config(source, schema=schema)), True
    if isinstance(source, Config):
        return Connection(source if schema is None else source.with_schema(schema)), True
    if schema is not None:
        raise TypeError("schema goes with a DSN or a Config; a store has one already")
    return shared_connection(source, name), False


def shared_connection(store: Connected, name: str = "store") -> Connection:
    """The connection of a Store or Admin."""
    if not isinstance(store, Connected):  # pyright: ignore[reportUnnecessaryIsInstance]
        wanted = "a DSN, Config, Store or Admin" if name != "store" else "a Store or Admin"
        raise TypeError(f"{name} must be {wanted}, not {type(store).__name__}")
    return store._connection  # pyright: ignore[reportPrivateUsage]
