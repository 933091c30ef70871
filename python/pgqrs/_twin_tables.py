"""The sync twin's messages and tables: what calls return, and what administration reads."""

# These classes are the other half of the package's own, whose private parts they use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import threading
from datetime import timedelta

from . import _consumer, _tables, _types
from ._bridge import drive
from ._native._codec import MessageRow
from ._twin import Twin, method


class QueueMessage(_types.LeasedMessage):
    """A message in its queue; see pgqrs.QueueMessage."""

    __slots__ = ()

    @property
    def lease_lost(self) -> threading.Event:
        """Set when a Worker found that the lease was lost, or gave it up itself after a
        timeout or its grace period: what the handler does from then on, another one
        may be doing too. Outside a Worker it is never set.
        """
        if self._lease_lost is None:
            self._lease_lost = threading.Event()
        event: threading.Event = self._lease_lost
        return event

    def archive(self) -> bool:
        """Finishes the message and keeps it in the archive."""
        return drive(self._leased_by().archive(self))

    def delete(self) -> bool:
        """Finishes the message without a trace."""
        return drive(self._leased_by().delete(self))

    def extend_vt(self, seconds: float | timedelta) -> bool:
        """Makes the lease last at least so long from now; never shortens it."""
        return drive(self._leased_by().extend_vt(self, seconds))

    def release(self) -> bool:
        """Gives the message back: it may be dequeued at once."""
        return drive(self._leased_by().release_messages([self]))[0]


class Leasing(_consumer.Consumer):
    """A consumer whose messages are those above."""

    __slots__ = ()

    def _wrap(self, row: MessageRow) -> QueueMessage:
        return QueueMessage(row, self)


def _found(message: _types.QueueMessage) -> QueueMessage:
    """What a table call found."""
    return QueueMessage(message._row)


def _all_found(messages: list[_types.QueueMessage]) -> list[QueueMessage]:
    return [_found(message) for message in messages]


class Queues(Twin[_tables.Queues]):
    """The queues."""

    __slots__ = ("_async",)

    count = method(_tables.Queues.count)
    list = method(_tables.Queues.list)
    get = method(_tables.Queues.get)
    purge = method(_tables.Queues.purge)
    metrics = method(_tables.Queues.metrics)
    list_metrics = method(_tables.Queues.list_metrics)


class Workers(Twin[_tables.Workers]):
    """The registered producers and consumers, stopped ones included."""

    __slots__ = ("_async",)

    count = method(_tables.Workers.count)
    list = method(_tables.Workers.list)
    get = method(_tables.Workers.get)
    filter_by_queue = method(_tables.Workers.filter_by_queue)
    health_stats = method(_tables.Workers.health_stats)
    purge_stale = method(_tables.Workers.purge_stale)


class Messages(Twin[_tables.Messages]):
    """The messages in their queues."""

    __slots__ = ("_async",)

    count = method(_tables.Messages.count)
    list = method(_tables.Messages.list, _all_found)
    get = method(_tables.Messages.get, _found)
    count_active_by_worker = method(_tables.Messages.count_active_by_worker)
    filter_by_payload = method(_tables.Messages.filter_by_payload, _all_found)
    move_to_dlq = method(_tables.Messages.move_to_dlq)
    list_archived_by_queue = method(_tables.Messages.list_archived_by_queue)


class Archive(Twin[_tables.Archive]):
    """The finished messages, dead letters included."""

    __slots__ = ("_async",)

    count = method(_tables.Archive.count)
    list = method(_tables.Archive.list)
    get = method(_tables.Archive.get)
    delete = method(_tables.Archive.delete)
    count_by_worker = method(_tables.Archive.count_by_worker)
    list_by_worker = method(_tables.Archive.list_by_worker)
    delete_by_worker = method(_tables.Archive.delete_by_worker)
    dlq_count = method(_tables.Archive.dlq_count)
    list_dlq_messages = method(_tables.Archive.list_dlq_messages)
    replay = method(_tables.Archive.replay)


class DeadLetters(Twin[_tables.DeadLetters]):
    """The dead letters of one queue, or of all."""

    __slots__ = ("_async",)

    count = method(_tables.DeadLetters.count)
    list = method(_tables.DeadLetters.list)
    replay = method(_tables.DeadLetters.replay)
    replay_all = method(_tables.DeadLetters.replay_all)
