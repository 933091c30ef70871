"""Records: what the tables hold, as plain values.

Instants are timezone-aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from . import _payload
from ._arguments import EPOCH
from ._bridge import Event
from ._enums import WorkerStatus
from .errors import StateTransitionError

if TYPE_CHECKING:
    from ._consumer import Consumer
    from ._native._codec import MessageRow

Row = Mapping[str, Any]


def moment(microseconds: int) -> datetime:
    """An instant of the library as a datetime."""
    return EPOCH + timedelta(microseconds=microseconds)


def moment_or_none(microseconds: int | None) -> datetime | None:
    """The same for one that may be absent."""
    # JSON rows leave an absent instant out, give null, or 0.
    return moment(microseconds) if microseconds else None


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue."""

    id: int
    queue_name: str
    created_at: datetime
    max_read_ct: int
    """How often a message may be leased before it becomes a dead letter."""

    @classmethod
    def from_row(cls, row: Row) -> QueueInfo:
        return cls(row["id"], row["queue_name"], moment(row["created_at"]), row["max_read_ct"])


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A registered producer or consumer."""

    id: int
    name: str
    """"producer" or "consumer"."""
    hostname: str
    port: int
    queue_id: int | None
    status: WorkerStatus
    started_at: datetime
    heartbeat_at: datetime
    shutdown_at: datetime | None

    @classmethod
    def from_row(cls, row: Row) -> WorkerInfo:
        return cls(
            row["id"],
            row["name"],
            row.get("hostname") or "",
            row.get("port") or 0,
            row.get("queue_id") or None,
            WorkerStatus(row["status"]),
            moment(row["started_at"]),
            moment(row["heartbeat_at"]),
            moment_or_none(row.get("shutdown_at")),
        )


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """The workers of one queue, counted by their states."""

    queue_id: int
    queue_name: str
    total: int
    ready: int
    polling: int
    suspended: int
    interrupted: int
    stopped: int
    producers: int
    consumers: int
    oldest_heartbeat: datetime | None
    """Of those that are not stopped; None where there are none."""
    newest_heartbeat: datetime | None

    @classmethod
    def from_row(cls, row: Row) -> WorkerStats:
        values: dict[str, Any] = {field.name: row.get(field.name) for field in fields(cls)}
        for name in ("oldest_heartbeat", "newest_heartbeat"):
            values[name] = moment_or_none(row.get(name))
        return cls(**values)


@dataclass(frozen=True, slots=True)
class WorkerHealthStats:
    """The workers of one queue, told apart by their heartbeats."""

    queue_id: int
    queue_name: str
    total: int
    healthy: int
    stale: int
    """Not stopped, and without a heartbeat for too long."""
    stopped: int

    @classmethod
    def from_row(cls, row: Row) -> WorkerHealthStats:
        return cls(**{field.name: row[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """The messages of one queue, counted at one instant of the database's clock."""

    queue_id: int
    queue_name: str
    pending: int
    """May be dequeued now, expired leases included."""
    delayed: int
    """Waiting for their visibility timeout, not leased."""
    leased: int
    archived: int
    """Archived by their consumers."""
    dead: int
    """Archived as dead letters."""
    oldest_pending: datetime | None
    """When the longest waiting pending message became eligible."""

    @classmethod
    def from_row(cls, row: Row) -> QueueMetrics:
        counts = (row["pending"], row["delayed"], row["leased"], row["archived"], row["dead"])
        return cls(row["queue_id"], row["queue_name"], *counts, moment_or_none(row.get("oldest_pending")))


@dataclass(frozen=True, slots=True)
class SystemStats:
    """Counts over the whole store."""

    queues: int
    workers: int
    """Registered and not stopped."""
    pending: int
    delayed: int
    leased: int
    archived: int
    dead: int
    schema_version: int

    @classmethod
    def from_row(cls, row: Row) -> SystemStats:
        return cls(**{field.name: row[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class FlushStats:
    """How calls of one kind have shared transactions since the store was opened."""

    flushes: int
    """Transactions."""
    rows: int
    """Rows they carried."""
    largest: int
    """Rows of the largest one."""
    waited: timedelta
    """From a call to its transaction, summed over the rows."""
    waiting: int
    """Rows that wait now."""
    flying: int
    """Transactions under way now."""

    @property
    def mean_rows(self) -> float:
        """Rows of a transaction on average; 0 before the first."""
        return self.rows / self.flushes if self.flushes else 0.0

    @property
    def mean_wait(self) -> timedelta:
        """How long a row waited on average."""
        return self.waited / self.rows if self.rows else timedelta()

    @classmethod
    def from_row(cls, row: Row) -> FlushStats:
        waited = timedelta(microseconds=row["waited_us"])
        return cls(row["flushes"], row["rows"], row["largest"], waited, row["waiting"], row["flying"])


@dataclass(frozen=True, slots=True)
class StoreStats:
    """The group commits of a store, by kind of call.

    Stores of one process whose configurations are equal share them.
    """

    enqueue: FlushStats
    claim: FlushStats
    """What dequeues, iterators and workers asked the database for: a row is one such question."""
    archive: FlushStats
    delete: FlushStats
    extend: FlushStats
    release: FlushStats

    @classmethod
    def from_row(cls, row: Row) -> StoreStats:
        return cls(**{field.name: FlushStats.from_row(row[field.name]) for field in fields(cls)})


_UNDECODED: Final = object()


class _Message:
    """What a message in its queue and one in the archive have in common."""

    __slots__ = ("_payload", "_row")

    def __init__(self, row: MessageRow) -> None:
        self._row = row
        self._payload: Any = _UNDECODED

    @property
    def id(self) -> int:
        """The id, which never changes, not even in the archive."""
        return self._row.id

    @property
    def queue_id(self) -> int:
        return self._row.queue_id

    @property
    def payload(self) -> Any:
        """The payload, decoded on the first access."""
        if self._payload is _UNDECODED:
            self._payload = _payload.decode(self._row.payload)
        return self._payload

    @property
    def enqueued_at(self) -> datetime:
        return moment(self._row.enqueued_at)

    @property
    def vt(self) -> datetime:
        """The visibility timeout: from here on it may be dequeued (again)."""
        return moment(self._row.vt)

    @property
    def read_ct(self) -> int:
        """How often it has been leased."""
        return self._row.read_ct

    @property
    def dequeued_at(self) -> datetime | None:
        """When it was leased first."""
        return moment_or_none(self._row.dequeued_at)

    @property
    def archived_at(self) -> datetime | None:
        return moment_or_none(self._row.archived_at)

    @property
    def producer_worker_id(self) -> int | None:
        return self._row.producer_worker_id or None

    @property
    def consumer_worker_id(self) -> int | None:
        return self._row.consumer_worker_id or None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Message):
            return NotImplemented
        return type(self) is type(other) and self._row == other._row

    def __hash__(self) -> int:
        return hash((self._row.id, self._row.read_ct))

    def __repr__(self) -> str:
        text = repr(self.payload)
        if len(text) > 80:
            text = text[:77] + "..."
        return f"{type(self).__name__}(id={self.id}, queue_id={self.queue_id}, read_ct={self.read_ct}, payload={text})"


class LeasedMessage(_Message):
    """A message in its queue: what the asynchronous and the sync one have in common."""

    __slots__ = ("_acknowledged", "_consumer", "_lease_lost", "_token")

    def __init__(self, row: MessageRow, consumer: Consumer | None = None) -> None:
        # As _Message.__init__, which would cost a message a call.
        self._row = row
        self._payload = _UNDECODED
        self._token: tuple[int, int] = row[:2]  # the fencing token of its lease: id and receive count
        # Keeps the consumer alive: when it goes, the library releases its leases.
        self._consumer = consumer
        self._acknowledged = False
        self._lease_lost: Any = None  # an event of the class's own kind, once somebody asks

    def _lost(self) -> bool:
        """Whether lease_lost is set, without making the event for everybody who never looks."""
        return self._lease_lost is not None and self._lease_lost.is_set()

    def _leased_by(self) -> Consumer:
        if self._consumer is None:
            raise StateTransitionError(
                f"Message {self.id} was not dequeued but read from a table, so nobody here holds its lease. "
                "Dequeue it to acknowledge it."
            )
        return self._consumer


class QueueMessage(LeasedMessage):
    """A message in its queue, leased by a consumer or found by a table call.

    The acknowledgements take effect only while its lease is this one: the consumer
    still owns the message and nobody leased it again. They return whether they did.
    """

    __slots__ = ()

    @property
    def lease_lost(self) -> Event:
        """Set when a Worker found that the lease was lost, or gave it up itself after a
        timeout or its grace period: what the handler does from then on, another one
        may be doing too. A plain handler asks ``is_set()``, an async one may also
        ``await msg.lease_lost.wait()``. Outside a Worker it is never set.
        """
        if self._lease_lost is None:
            self._lease_lost = Event()
        event: Event = self._lease_lost
        return event

    async def archive(self) -> bool:
        """Finishes the message and keeps it in the archive."""
        return await self._leased_by().archive(self)

    async def delete(self) -> bool:
        """Finishes the message without a trace."""
        return await self._leased_by().delete(self)

    async def extend_vt(self, seconds: float | timedelta) -> bool:
        """Makes the lease last at least so long from now; never shortens it."""
        return await self._leased_by().extend_vt(self, seconds)

    async def release(self) -> bool:
        """Gives the message back: it may be dequeued at once."""
        return await self._leased_by()._release(self)  # pyright: ignore[reportPrivateUsage]


class ArchivedMessage(_Message):
    """A message in the archive."""

    __slots__ = ()

    @property
    def original_msg_id(self) -> int:
        """The id it had in its queue, which is its id here."""
        return self._row.id

    @property
    def dead_reason(self) -> str | None:
        """Why it became a dead letter; None when its consumer archived it."""
        return self._row.dead_reason.decode("utf-8", "replace") or None
