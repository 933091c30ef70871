"""What producers and consumers have in common: a registration as a worker."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Concatenate, ParamSpec, Protocol, Self, TypeVar

from . import _arguments, _bridge, _ops, _syncbridge
from ._connection import Closing, Connection, Source, connection_of
from ._enums import WorkerStatus
from ._gather import Joined
from ._native import _codec
from ._native._cq import Call
from ._native._handle import Handle
from .errors import ClosedError, StateTransitionError, WorkerNotFoundError

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
P = ParamSpec("P")


class _Open(Protocol):
    def __call__(
        self, store: int, /, queue: str, hostname: str | None, port: int | None, *, ephemeral: bool
    ) -> Call[int]: ...


class Registered(Closing):
    """A worker of one queue, registered at the latest by its first use.

    Hostname and port are labels, not a lock: every registration gets a new worker
    id. Without a hostname the library takes this host's name and makes it unique.
    """

    __slots__ = (
        "__weakref__",
        "_connection",
        "_ephemeral",
        "_handle",
        "_hostname",
        "_opening",
        "_owned",
        "_port",
        "_queue",
        "_worker_id",
    )

    _kind: ClassVar[str]
    _open_op: ClassVar[_Open]

    def __init__(
        self,
        dsn: Source,
        queue: str,
        hostname: str | None = None,
        port: int | None = None,
    ) -> None:
        connection, owned = connection_of(dsn)
        self._prepare(connection, owned, queue, hostname, port, ephemeral=False)
        if connection.connected:
            # Promised: registered when the constructor returns. It cannot await, so
            # this is the one place that blocks.
            timeout = 5 + connection.config.connection_timeout_seconds
            self._adopt(_syncbridge.run(self._registration(connection.number()), timeout, _bridge.cancellation()))

    @classmethod
    async def _register(
        cls,
        connection: Connection,
        queue: str,
        hostname: str | None = None,
        port: int | None = None,
        *,
        ephemeral: bool = False,
    ) -> Self:
        """A registered worker, without blocking."""
        self = cls.__new__(cls)
        self._prepare(connection, False, queue, hostname, port, ephemeral=ephemeral)
        await self._open()
        return self

    @classmethod
    async def _create(cls, source: Source, queue: str, hostname: str | None, port: int | None) -> Self:
        """A registered worker of any source, without blocking."""
        self = cls.__new__(cls)
        connection, owned = connection_of(source)
        self._prepare(connection, owned, queue, hostname, port, ephemeral=False)
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        return self

    def _prepare(
        self,
        connection: Connection,
        owned: bool,
        queue: str,
        hostname: str | None,
        port: int | None,
        *,
        ephemeral: bool,
    ) -> None:
        self._connection = connection
        self._owned = owned
        self._queue = _arguments.text(queue, "queue")
        self._hostname = _arguments.optional_text(hostname, "hostname")
        self._port = _arguments.port(port)
        self._ephemeral = ephemeral
        self._handle = Handle(f"{self._kind} of queue {queue!r}")
        self._opening: _bridge.Once[int] = _bridge.Once()
        self._worker_id = 0

    def _registration(self, store: int) -> Call[int]:
        return type(self)._open_op(store, self._queue, self._hostname, self._port, ephemeral=self._ephemeral)

    def _adopt(self, number: int) -> int:
        number = self._handle.adopt(number)
        self._worker_id = _codec.worker_id(number)
        return number

    async def _open(self) -> int:
        """The worker's number, registering it first if need be."""
        return self._handle.get() or await self._opening.do(self._open_once)

    async def _open_once(self) -> int:
        return self._adopt(await _bridge.run(self._registration(await self._connection.open())))

    async def _run(self, op: Callable[Concatenate[int, P], Call[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Performs an operation of the worker."""
        number = self._handle.get() or await self._open()
        return await _bridge.run(op(number, *args, **kwargs))

    def _share(self, op: Joined[I, P, T], item: I, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """Performs an operation on one item, which crosses together with those of other coroutines.

        No coroutine of its own where the worker is open: that would cost a twentieth of the call.
        """
        number = self._handle.get()
        if number:
            return _bridge.join(op, number, item, *args, **kwargs)
        return self._open_and_share(op, item, *args, **kwargs)

    async def _open_and_share(self, op: Joined[I, P, T], item: I, *args: P.args, **kwargs: P.kwargs) -> T:
        return await _bridge.join(op, await self._open(), item, *args, **kwargs)

    @property
    def queue(self) -> str:
        """The name of the queue."""
        return self._queue

    @property
    def worker_id(self) -> int:
        """The id of the registration. Raises StateTransitionError before there is one."""
        if not self._worker_id:
            raise StateTransitionError(
                f"This {self._kind} has no worker id yet: one made from a DSN registers at its first awaited call, "
                "for example `await ….heartbeat()`."
            )
        return self._worker_id

    async def heartbeat(self) -> None:
        """Reports that the worker lives. The library does so by itself."""
        await self._run(_ops.heartbeat)

    async def suspend(self) -> None:
        """Pauses the worker: a suspended consumer takes no messages."""
        await self._run(_ops.suspend)

    async def interrupt(self) -> None:
        """Ends what waits: a dequeue under way returns no messages, a poll() its count.

        Until resume() the worker takes no more; what it holds it keeps.
        """
        await self._run(_ops.interrupt)

    async def resume(self) -> None:
        """Makes a suspended or interrupted worker ready again."""
        await self._run(_ops.resume)

    async def _poll(self, polling: bool) -> None:
        """Tells that a loop that takes messages begins or has ended: the status says Polling
        while there is one."""
        await self._run(_ops.poll, polling)

    async def shutdown(self) -> None:
        """Stops the worker for good; what it still holds is released."""
        await self._run(_ops.shutdown)

    async def status(self) -> WorkerStatus:
        """The worker's state as the database has it."""
        word = await self._run(_ops.status)
        return WorkerStatus(word)

    async def is_healthy(self) -> bool:
        """Whether the worker is registered and not stopped."""
        try:
            return await self.status() != WorkerStatus.Stopped
        except WorkerNotFoundError:
            return False

    async def close(self) -> None:
        """Ends the worker: what it holds is released, and the object is of no more use.

        A second close does nothing.
        """
        try:
            number = self._handle.get()
            if number:
                _bridge.flush()  # what other coroutines have begun goes first
                await _bridge.run(_ops.shutdown(number))
        except (ClosedError, StateTransitionError, WorkerNotFoundError):
            pass  # it has ended already
        finally:
            self._handle.close()
            if self._owned:
                await self._connection.close()

    aclose = close

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    def __repr__(self) -> str:
        state = "closed" if self._handle.closed else f"worker_id={self._worker_id or None}"
        return f"{type(self).__name__}(queue={self._queue!r}, {state})"
