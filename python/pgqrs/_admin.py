"""Admin: the schema, the queues and what goes on in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from . import _arguments, _ops
from ._config import redact
from ._connection import Closing, Connected, Connection, Source, connection_of
from ._tables import Archive, DeadLetters, Messages, Queues, Workers, older_than, queue_filter
from ._types import ArchivedMessage, QueueInfo, QueueMetrics, SystemStats, WorkerHealthStats, WorkerStats
from ._workflow import Workflow, workflow_name
from ._workflow_types import WorkflowInfo

READ_CT_MAX = 1_000_000_000  # twin of max_read_ct in core/config/properties.go


class Admin(Connected, Closing):
    """Manages the schema, the queues and what is in them.

    Made from a DSN or Config it opens a store of its own at the first await; made
    from a Store or another Admin it shares that one.
    """

    __slots__ = ("__weakref__", "_owned")

    def __init__(self, dsn: Source, schema: str | None = None) -> None:
        self._connection, self._owned = connection_of(dsn, _arguments.optional_text(schema, "schema"))

    # --- schema -------------------------------------------------------------------

    async def install(self) -> None:
        """Creates or upgrades the tables. Safe to repeat, and from several processes at once.

        Raises TimeoutError while a transaction that uses the tables does not end, if they must be altered.
        """
        await self._connection.run(_ops.store_install)

    async def verify(self) -> None:
        """Checks the tables; SchemaError names what is missing or altered."""
        await self._connection.run(_ops.store_verify)

    async def uninstall(self) -> None:
        """Drops the tables and every message in them.

        Raises TimeoutError while a transaction that uses the tables does not end.
        """
        await self._connection.run(_ops.store_uninstall)

    # --- queues -------------------------------------------------------------------

    async def create_queue(self, name: str, max_read_ct: int | None = None) -> QueueInfo:
        """Creates a queue. Raises QueueAlreadyExistsError.

        max_read_ct says how often a message may be leased before it becomes a dead
        letter; the Config's when not given.
        """
        limit = None if max_read_ct is None else _arguments.integer(max_read_ct, "max_read_ct", 1, READ_CT_MAX)
        return await self._connection.run(_ops.queue_create, _arguments.text(name, "name"), limit)

    async def get_queue(self, name: str) -> QueueInfo:
        """A queue by its name. Raises QueueNotFoundError."""
        return await self._connection.run(_ops.queue_get, _arguments.text(name, "name"))

    async def delete_queue(self, name: str) -> None:
        """Removes a queue; refuses while messages or live workers exist.

        Raises TimeoutError while a transaction that has written messages does not end.
        """
        await self._connection.run(_ops.queue_delete, _arguments.text(name, "name"))

    async def purge_queue(self, name: str) -> int:
        """Removes every message that a queue has now, keeps its archive, and returns how many it removed."""
        return await self._connection.run(_ops.queue_purge, _arguments.text(name, "name"))

    async def queue_metrics(self, name: str) -> QueueMetrics:
        """Counts the messages of a queue. Raises QueueNotFoundError."""
        return await Queues(self._connection).metrics(name)

    async def all_queues_metrics(self) -> list[QueueMetrics]:
        """Counts the messages of each queue."""
        return await Queues(self._connection).list_metrics()

    async def system_stats(self) -> SystemStats:
        """Counts over the whole store."""
        return await self._connection.run(_ops.store_stats)

    # --- workflows ----------------------------------------------------------------

    async def create_workflow(self, name: str | Workflow[Any, Any], max_read_ct: int | None = None) -> WorkflowInfo:
        """Creates a workflow and the queue of the same name that carries its runs.

        Raises QueueAlreadyExistsError when a queue has this name, PgqrsError when a
        workflow has. max_read_ct is the queue's: how often an execution may die.
        """
        limit = None if max_read_ct is None else _arguments.integer(max_read_ct, "max_read_ct", 1, READ_CT_MAX)
        return await self._connection.run(_ops.workflow_create, workflow_name(name, "name"), limit)

    async def inspect(self) -> dict[str, str]:
        """What of the database's settings bears on durability and speed, by the database's
        own names and in its own words: ``fsync``, ``synchronous_commit``, ``journal_mode``, ….

        ``engine`` is "postgres" or "sqlite". On PostgreSQL ``oldest_snapshot`` names the
        backend that has held back vacuum for more than a minute, where there is one.
        """
        return await self._connection.run(_ops.store_inspect)

    # --- workers ------------------------------------------------------------------

    async def reclaim_messages(self, queue: str, older_than_seconds: float | timedelta | None = None) -> int:
        """Takes leases back from workers whose heartbeat is older, three intervals when
        not given, and returns how many messages that freed. Expired leases need no reclaim."""
        age = older_than(older_than_seconds, "older_than_seconds")
        return await self._connection.run(_ops.message_reclaim, **queue_filter(queue), **age)

    async def release_worker_messages(self, worker_id: int) -> int:
        """Releases everything a worker holds, marks it stopped, and returns how many messages that were."""
        return await self._connection.run(_ops.worker_release, _arguments.identifier(worker_id, "worker_id"))

    async def delete_worker(self, worker_id: int) -> None:
        """Removes a worker; refuses while it holds leases."""
        await self._connection.run(_ops.worker_delete, _arguments.identifier(worker_id, "worker_id"))

    async def purge_old_workers(self, older_than_seconds: float | timedelta | None = None) -> int:
        """Removes workers that are stopped, or whose heartbeat is older, and that hold nothing."""
        return await self._connection.run(_ops.worker_purge, **older_than(older_than_seconds, "older_than_seconds"))

    async def worker_stats(self, queue: str | None = None) -> list[WorkerStats]:
        """Counts the workers of each queue by their states, or those of the queue given."""
        return await self._connection.run(_ops.worker_stats, **queue_filter(queue))

    async def worker_health_stats(
        self, older_than_seconds: float | timedelta | None = None, queue: str | None = None
    ) -> list[WorkerHealthStats]:
        """Tells live workers from dead ones, by heartbeats that are older, three intervals
        when not given: one record for each queue, or for the queue given."""
        return await self._connection.run(
            _ops.worker_health, **queue_filter(queue), **older_than(older_than_seconds, "older_than_seconds")
        )

    # --- dead letters -------------------------------------------------------------

    def dlq(self, queue: str | None = None) -> DeadLetters:
        """The dead letters of one queue, or of all, to list, count and replay."""
        return DeadLetters(self._connection, queue)

    async def dlq_messages(
        self, queue: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[ArchivedMessage]:
        """The dead letters of one queue, or of all."""
        return await self.dlq(queue).list(limit, offset)

    async def replay(self, id: int) -> None:
        """Puts a dead letter back into its queue, visible at once. Raises MessageNotFoundError."""
        await Archive(self._connection).replay(id)

    # --- tables -------------------------------------------------------------------

    async def get_queues(self) -> Queues:
        return Queues(self._connection)

    async def get_workers(self) -> Workers:
        return Workers(self._connection)

    async def get_messages(self) -> Messages:
        return Messages(self._connection)

    async def get_archive(self) -> Archive:
        return Archive(self._connection)

    # --- lifetime -----------------------------------------------------------------

    async def close(self) -> None:
        """Ends the store this Admin opened for itself; a shared one stays open."""
        if self._owned:
            await self._connection.close()

    aclose = close

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    def __repr__(self) -> str:
        return f"Admin({redact(self._connection.config.dsn)!r})"


def admin_of(connection: Connection) -> Admin:
    """An Admin that shares a connection."""
    admin = Admin.__new__(Admin)
    admin._connection, admin._owned = connection, False  # pyright: ignore[reportPrivateUsage]
    return admin
