"""Table objects: what the four tables hold, for looking and for tidying up."""

from __future__ import annotations

import builtins  # the tables have a method named list
from datetime import timedelta
from typing import Any

from . import _arguments, _ops, _payload
from ._connection import Connection
from ._types import ArchivedMessage, QueueInfo, QueueMessage, QueueMetrics, WorkerHealthStats, WorkerInfo
from .errors import MessageNotFoundError

_SCAN = 1000  # rows a walk through a table takes at once
_INT32_MAX = 2**31 - 1


def page(limit: int | None, offset: int) -> dict[str, Any]:
    """Which rows of a listing; 100 from the first when nothing is given."""
    return {
        "limit": 0 if limit is None else _arguments.integer(limit, "limit", 1, _arguments.ID_MAX),
        "offset": _arguments.integer(offset, "offset", 0, _arguments.ID_MAX),
    }


def queue_filter(queue: str | None) -> dict[str, Any]:
    return {} if queue is None else {"queue": _arguments.text(queue, "queue")}


def worker_filter(worker_id: int) -> dict[str, Any]:
    return {"worker_id": _arguments.identifier(worker_id, "worker_id")}


def dead_filter(max_attempts: int | None) -> dict[str, Any]:
    if max_attempts is None:
        return {"dead_only": True}
    return {"dead_only": True, "min_read_ct": _arguments.integer(max_attempts, "max_attempts", 1, _INT32_MAX)}


class Table:
    """One table of a store. Rows are listed by id."""

    __slots__ = ("_run",)

    def __init__(self, connection: Connection) -> None:
        self._run = connection.run


class Queues(Table):
    """The queues."""

    __slots__ = ()

    async def count(self) -> int:
        return await self._run(_ops.queue_count)

    async def list(self, limit: int | None = None, offset: int = 0) -> builtins.list[QueueInfo]:
        return await self._run(_ops.queue_list, **page(limit, offset))

    async def get(self, id: int | str) -> QueueInfo:
        """A queue by its id or its name. Raises QueueNotFoundError."""
        if isinstance(id, str):
            return await self._run(_ops.queue_get, _arguments.text(id, "id"))
        return await self._run(_ops.queue_by_id, _arguments.identifier(id, "id"))

    async def purge(self, name: str) -> int:
        """Removes every message of a queue, keeps its archive, and returns how many it removed."""
        return await self._run(_ops.queue_purge, _arguments.text(name, "name"))

    async def metrics(self, name: str) -> QueueMetrics:
        """Counts the messages of a queue. Raises QueueNotFoundError."""
        return (await self._run(_ops.queue_metrics, queue=_arguments.text(name, "name")))[0]

    async def list_metrics(self) -> builtins.list[QueueMetrics]:
        """Counts the messages of each queue."""
        return await self._run(_ops.queue_metrics)


class Workers(Table):
    """The registered producers and consumers, stopped ones included."""

    __slots__ = ()

    async def count(self) -> int:
        return await self._run(_ops.worker_count)

    async def list(self, limit: int | None = None, offset: int = 0) -> builtins.list[WorkerInfo]:
        return await self._run(_ops.worker_list, **page(limit, offset))

    async def get(self, id: int) -> WorkerInfo:
        """A worker by its id. Raises WorkerNotFoundError."""
        return await self._run(_ops.worker_get, _arguments.identifier(id, "id"))

    async def filter_by_queue(self, queue: str, limit: int | None = None, offset: int = 0) -> builtins.list[WorkerInfo]:
        """The workers of one queue."""
        return await self._run(_ops.worker_list, **queue_filter(queue), **page(limit, offset))

    async def health_stats(
        self, timeout_seconds: float | timedelta | None = None, queue: str | None = None
    ) -> builtins.list[WorkerHealthStats]:
        """Tells live workers from dead ones, by heartbeats older than the timeout, three
        intervals when not given: one record for each queue, or for the queue given."""
        return await self._run(
            _ops.worker_health, **queue_filter(queue), **older_than(timeout_seconds, "timeout_seconds")
        )

    async def purge_stale(self, timeout_seconds: float | timedelta | None = None) -> int:
        """Removes workers that are stopped, or whose heartbeat is older, and that hold nothing."""
        return await self._run(_ops.worker_purge, **older_than(timeout_seconds, "timeout_seconds"))


class Messages(Table):
    """The messages in their queues."""

    __slots__ = ()

    async def count(self, queue: str | None = None) -> int:
        return await self._run(_ops.message_count, **queue_filter(queue))

    async def list(
        self, limit: int | None = None, offset: int = 0, queue: str | None = None
    ) -> builtins.list[QueueMessage]:
        return await self._run(_ops.message_list, QueueMessage, **queue_filter(queue), **page(limit, offset))

    async def get(self, id: int) -> QueueMessage:
        """A message by its id. Raises MessageNotFoundError, also when it is archived."""
        return await self._run(_ops.message_get, QueueMessage, _arguments.identifier(id, "id"))

    async def count_active_by_worker(self, worker_id: int) -> int:
        """How many messages a consumer has leased."""
        return await self._run(_ops.message_count, **worker_filter(worker_id))

    async def filter_by_payload(
        self, payload: Any, limit: int | None = None, offset: int = 0, queue: str | None = None
    ) -> builtins.list[QueueMessage]:
        """The messages whose payload contains this one, as PostgreSQL's ``jsonb @>`` has it:
        ``{"kind": "mail"}`` finds every object with that member."""
        document = _payload.encode(payload)
        return await self._run(
            _ops.message_list, QueueMessage, payload=document, **queue_filter(queue), **page(limit, offset)
        )

    async def move_to_dlq(self, id: int) -> None:
        """Makes a message a dead letter. Raises MessageNotFoundError, and StateTransitionError
        while it is leased."""
        await self._run(_ops.message_dead_letter, _arguments.identifier(id, "id"))

    async def list_archived_by_queue(
        self, queue: str, limit: int | None = None, offset: int = 0
    ) -> builtins.list[ArchivedMessage]:
        """The archived messages of one queue."""
        return await self._run(_ops.archive_list, **queue_filter(queue), **page(limit, offset))


class Archive(Table):
    """The finished messages, dead letters included."""

    __slots__ = ()

    async def count(self, queue: str | None = None) -> int:
        return await self._run(_ops.archive_count, **queue_filter(queue))

    async def list(
        self, limit: int | None = None, offset: int = 0, queue: str | None = None
    ) -> builtins.list[ArchivedMessage]:
        return await self._run(_ops.archive_list, **queue_filter(queue), **page(limit, offset))

    async def get(self, id: int) -> ArchivedMessage:
        """An archived message by its id, the one it had in its queue. Raises MessageNotFoundError."""
        return await self._run(_ops.archive_get, _arguments.identifier(id, "id"))

    async def delete(self, id: int) -> None:
        """Removes one row. Raises MessageNotFoundError."""
        await self._run(_ops.archive_delete, _arguments.identifier(id, "id"))

    async def count_by_worker(self, worker_id: int) -> int:
        """How many messages a consumer has archived."""
        return await self._run(_ops.archive_count, **worker_filter(worker_id))

    async def list_by_worker(
        self, worker_id: int, limit: int | None = None, offset: int = 0
    ) -> builtins.list[ArchivedMessage]:
        """The messages a consumer has archived."""
        return await self._run(_ops.archive_list, **worker_filter(worker_id), **page(limit, offset))

    async def delete_by_worker(self, worker_id: int) -> int:
        """Removes the messages a consumer has archived and returns how many those were."""
        return await self._run(_ops.archive_purge, **worker_filter(worker_id))

    async def dlq_count(self, max_attempts: int | None = None) -> int:
        """How many dead letters there are, leased at least max_attempts times."""
        return await self._run(_ops.archive_count, **dead_filter(max_attempts))

    async def list_dlq_messages(
        self, max_attempts: int | None = None, limit: int | None = None, offset: int = 0
    ) -> builtins.list[ArchivedMessage]:
        """The dead letters, leased at least max_attempts times."""
        return await self._run(_ops.archive_list, **dead_filter(max_attempts), **page(limit, offset))

    async def replay(self, id: int) -> None:
        """Puts a dead letter back into its queue, visible at once. Raises MessageNotFoundError."""
        await self._run(_ops.archive_replay, _arguments.identifier(id, "id"))


class DeadLetters(Table):
    """The dead letters of one queue, or of all."""

    __slots__ = ("_filters",)

    def __init__(self, connection: Connection, queue: str | None = None) -> None:
        super().__init__(connection)
        self._filters = dead_filter(None) | queue_filter(queue)

    async def count(self) -> int:
        return await self._run(_ops.archive_count, **self._filters)

    async def list(self, limit: int | None = None, offset: int = 0) -> builtins.list[ArchivedMessage]:
        return await self._run(_ops.archive_list, **self._filters, **page(limit, offset))

    async def replay(self, id: int) -> None:
        """Puts a dead letter back into its queue, visible at once. Raises MessageNotFoundError."""
        await self._run(_ops.archive_replay, _arguments.identifier(id, "id"))

    async def replay_all(self) -> int:
        """Puts back what is here now and returns how many messages that were."""
        ids: builtins.list[int] = []  # first of all, because one may be dead again before the last is back
        while len(ids) % _SCAN == 0:
            found = await self.list(_SCAN, len(ids))
            ids += [message.id for message in found]
            if not found:
                break
        replayed = 0
        for id_ in ids:
            try:
                await self.replay(id_)
                replayed += 1
            except MessageNotFoundError:
                pass  # somebody else was faster
        return replayed


def older_than(seconds: float | timedelta | None, name: str) -> dict[str, Any]:
    """An age, or the operation's default."""
    return {} if seconds is None else {"older_than_ms": _arguments.span_ms(seconds, name, positive=True)}
