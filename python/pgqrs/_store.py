"""Store: one open database, and everything made from it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from . import _arguments, _ops, _payload
from ._admin import Admin, admin_of
from ._config import Config, redact
from ._connection import Closing, Connected, Connection
from ._consumer import Consumer
from ._iterators import ConsumerIterator
from ._producer import Producer
from ._tables import Archive, Messages, Queues, Workers
from ._types import QueueInfo, StoreStats
from ._workflow import Workflow, workflow_name
from ._workflow_tables import WorkflowRuns, Workflows, WorkflowSteps
from ._workflow_types import WorkflowRun


class Store(Connected, Closing):
    """One database with its queues.

    It belongs to no event loop and no thread: several may use it at once. Made by
    ``await pgqrs.connect(dsn)``, which fails at once for a bad host; a Store made
    directly opens itself at the first await. Close it with ``await close()`` or use
    ``async with``.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, config: str | Config, *, bootstrap: bool = False) -> None:
        if isinstance(config, str):
            config = Config(config)
        if not isinstance(config, Config):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"config must be a DSN or Config, not {type(config).__name__}")
        self._connection = Connection(config, bootstrap=bootstrap)

    @property
    def config(self) -> Config:
        return self._connection.config

    async def bootstrap(self) -> None:
        """Creates or upgrades the tables, as Admin.install() does."""
        await self._connection.run(_ops.store_install)

    async def queue(self, name: str) -> QueueInfo:
        """Creates a queue. Raises QueueAlreadyExistsError."""
        return await self._connection.run(_ops.queue_create, _arguments.text(name, "name"), None)

    async def producer(self, queue: str, hostname: str | None = None, port: int | None = None) -> Producer:
        """A producer of a queue, registered as a worker. Raises QueueNotFoundError."""
        return await Producer._register(self._connection, queue, hostname, port)  # pyright: ignore[reportPrivateUsage]

    async def consumer(self, queue: str, hostname: str | None = None, port: int | None = None) -> Consumer:
        """A consumer of a queue, registered as a worker. Raises QueueNotFoundError."""
        return await Consumer._register(self._connection, queue, hostname, port)  # pyright: ignore[reportPrivateUsage]

    def consume_iter(
        self,
        queue: str,
        *,
        batch_size: int = 1,
        vt: float | timedelta | None = None,
        poll_interval_ms: float | None = None,
    ) -> ConsumerIterator:
        """The messages of a queue for ``async for`` or ``async with``; see ConsumerIterator.

        batch_size        how many messages are fetched at once
        vt                how long a lease lasts before it is renewed, in seconds
        poll_interval_ms  look at least so often; the library's choice when not given
        """
        return ConsumerIterator(self._connection, queue, batch_size, vt, poll_interval_ms)

    def admin(self) -> Admin:
        """An Admin that shares this store."""
        return admin_of(self._connection)

    async def get_queues(self) -> Queues:
        return Queues(self._connection)

    async def get_workers(self) -> Workers:
        return Workers(self._connection)

    async def get_messages(self) -> Messages:
        return Messages(self._connection)

    async def get_archive(self) -> Archive:
        return Archive(self._connection)

    async def stats(self) -> StoreStats:
        """How concurrent single calls have shared transactions. Asks no database."""
        return await self._connection.run(_ops.store_activity)

    async def trigger(self, workflow: str | Workflow[Any, Any], input: Any = None) -> WorkflowRun:
        """Stores a run of a workflow, which a Worker will execute with this input."""
        name, document = workflow_name(workflow, "workflow"), _payload.encode(input, "input")
        return await self._connection.run(_ops.run_trigger, name, document)

    async def get_workflows(self) -> Workflows:
        return Workflows(self._connection)

    async def get_workflow_runs(self) -> WorkflowRuns:
        return WorkflowRuns(self._connection)

    async def get_workflow_steps(self) -> WorkflowSteps:
        return WorkflowSteps(self._connection)

    async def close(self) -> None:
        """Ends the store and every producer and consumer made from it.

        What they hold is released. A second close does nothing.
        """
        await self._connection.close()

    aclose = close

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    def __repr__(self) -> str:
        return f"Store({redact(self.config.dsn)!r})"


async def connect(dsn: str, *, bootstrap: bool = False) -> Store:
    """Opens a store; a host that cannot be reached raises here.

    With bootstrap the tables are created or upgraded too.
    """
    return await connect_with(Config(_arguments.text(dsn, "dsn")), bootstrap=bootstrap)


async def connect_with(config: Config, *, bootstrap: bool = False) -> Store:
    """Opens a store as a Config says."""
    if not isinstance(config, Config):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"config must be Config, not {type(config).__name__}")
    store = Store(config, bootstrap=bootstrap)
    connection = store._connection  # pyright: ignore[reportPrivateUsage]
    await connection.open()
    connection.warn_unclosed()
    return store
