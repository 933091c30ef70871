"""The same queue without asyncio: for Django, Flask, scripts and notebooks.

::

    import pgqrs.sync

    with pgqrs.sync.connect("sqlite:///jobs.db", bootstrap=True) as store:
        store.queue("tasks")
        pgqrs.sync.produce(store, "tasks", {"n": 1})
        for msg in store.consume_iter("tasks"):
            print(msg.payload)
            break

Every class and function has the name and the arguments of the one in pgqrs, and
what is awaited there blocks here. Many threads may share each object; Ctrl-C ends
a call that waits. There is no event loop behind it. Records and exceptions are
those of pgqrs.
"""

# These classes are the other half of the package's own, whose private parts they use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final, Self, TypeAlias, TypeVar, cast, overload

from . import _admin, _builders, _consumer, _functions, _iterators, _producer, _store, _types
from ._bridge import drive
from ._config import Config
from ._connection import Connected, Connection, Source, shared_connection
from ._consumer import MessageOrId
from ._lifecycle import Registered
from ._native import forked
from ._twin import ClosableTwin, Twin, function, method, plain, publish, step
from ._twin_tables import Archive, DeadLetters, Leasing, Messages, QueueMessage, Queues, Workers
from ._twin_worker import Worker
from ._twin_workflows import WorkflowRuns, Workflows, WorkflowSteps

__all__ = [
    "Admin",
    "Archive",
    "Consumer",
    "ConsumerIterator",
    "DeadLetters",
    "DequeueBuilder",
    "EnqueueBuilder",
    "Messages",
    "Producer",
    "QueueMessage",
    "Queues",
    "Store",
    "Worker",
    "Workers",
    "WorkflowRuns",
    "WorkflowSteps",
    "Workflows",
    "admin",
    "archive",
    "archive_batch",
    "connect",
    "connect_with",
    "consume",
    "consume_batch",
    "consume_iter",
    "consumer",
    "delete",
    "dequeue",
    "enqueue",
    "enqueue_batch",
    "enqueue_delayed",
    "extend_vt",
    "produce",
    "produce_batch",
    "producer",
]

R = TypeVar("R", bound=Registered)

_MISSING: Final = object()


Handler: TypeAlias = Callable[[QueueMessage], object]
"""What processes one message: a plain function. Only an explicit False keeps the message."""
BatchHandler: TypeAlias = Callable[[list[QueueMessage]], object]


class _Iterating(_iterators.ConsumerIterator):
    """An iterator whose messages are the twin's."""

    __slots__ = ()

    _consumer_type = Leasing


def _ours(messages: list[_types.QueueMessage]) -> list[QueueMessage]:
    """What Leasing leased, by its type."""
    return cast("list[QueueMessage]", messages)


# --- workers ----------------------------------------------------------------------


class _Worker(ClosableTwin[R]):
    """What producers and consumers have in common: a registration as a worker."""

    __slots__ = ()

    @property
    def queue(self) -> str:
        """The name of the queue."""
        return self._async.queue

    @property
    def worker_id(self) -> int:
        """The id of the registration. Raises StateTransitionError before there is one."""
        return self._async.worker_id

    heartbeat = method(Registered.heartbeat)
    suspend = method(Registered.suspend)
    interrupt = method(Registered.interrupt)
    resume = method(Registered.resume)
    shutdown = method(Registered.shutdown)
    status = method(Registered.status)
    is_healthy = method(Registered.is_healthy)
    close = method(Registered.close)


class Producer(_Worker[_producer.Producer]):
    """Stores messages in one queue; see pgqrs.Producer."""

    __slots__ = ("__weakref__", "_async")

    def __init__(self, dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> None:
        self._async = _producer.Producer(dsn, queue, hostname, port)

    @staticmethod
    def new_producer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Producer:
        """A producer of a DSN, Config, Store or Admin, registered as a worker."""
        return Producer._of(drive(_producer.Producer.new_producer(dsn, queue, hostname, port)))

    enqueue = method(_producer.Producer.enqueue)
    enqueue_delayed = method(_producer.Producer.enqueue_delayed)
    enqueue_at = method(_producer.Producer.enqueue_at)
    enqueue_batch = method(_producer.Producer.enqueue_batch)


class Consumer(_Worker[_consumer.Consumer]):
    """Leases messages of one queue and acknowledges them; see pgqrs.Consumer."""

    __slots__ = ("__weakref__", "_async")

    def __init__(self, dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> None:
        self._async = Leasing(dsn, queue, hostname, port)

    @classmethod
    def _register(
        cls,
        connection: Connection,
        queue: str,
        hostname: str | None = None,
        port: int | None = None,
        *,
        ephemeral: bool = False,
    ) -> Self:
        return cls._of(drive(Leasing._register(connection, queue, hostname, port, ephemeral=ephemeral)))

    @staticmethod
    def new_consumer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Consumer:
        """A consumer of a DSN, Config, Store or Admin, registered as a worker."""
        return Consumer._of(drive(Leasing._create(dsn, queue, hostname, port)))

    dequeue = method(_consumer.Consumer.dequeue, _ours)
    dequeue_batch = method(_consumer.Consumer.dequeue_batch, _ours)
    dequeue_batch_with_delay = method(_consumer.Consumer.dequeue_batch_with_delay, _ours)
    dequeue_many_with_delay = method(_consumer.Consumer.dequeue_many_with_delay, _ours)
    dequeue_at = method(_consumer.Consumer.dequeue_at, _ours)
    archive = method(_consumer.Consumer.archive)
    archive_batch = method(_consumer.Consumer.archive_batch)
    archive_many = method(_consumer.Consumer.archive_many)
    delete = method(_consumer.Consumer.delete)
    delete_batch = method(_consumer.Consumer.delete_batch)
    delete_many = method(_consumer.Consumer.delete_many)
    extend_vt = method(_consumer.Consumer.extend_vt)
    extend_visibility = method(_consumer.Consumer.extend_visibility)
    release_messages = method(_consumer.Consumer.release_messages)
    release_with_visibility = method(_consumer.Consumer.release_with_visibility)

    def consume(self, handler: Handler) -> bool:
        """Processes at most one message; returns at once when the queue is empty.

        The message is archived when the handler returns, released when it returns
        an explicit False, and released when it raises, which is raised here too.
        Its lease is kept alive meanwhile. Returns whether there was a message.
        """
        return drive(self._async.consume(plain(handler)))

    def consume_batch(self, batch_size: int | None = None, handler: BatchHandler | None = None) -> int:
        """Processes up to batch_size messages, the rules of consume holding for all
        together. Returns how many there were."""
        return drive(self._async.consume_batch(batch_size, plain(handler)))


class ConsumerIterator(ClosableTwin[_iterators.ConsumerIterator]):
    """Messages of one queue for ``for``; waits when there are none. See pgqrs.ConsumerIterator."""

    __slots__ = ("__weakref__", "_async")

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> QueueMessage:
        try:
            return cast("QueueMessage", drive(self._async.__anext__()))
        except StopAsyncIteration:
            raise StopIteration from None

    archive = method(_iterators.ConsumerIterator.archive)
    delete = method(_iterators.ConsumerIterator.delete)
    extend_vt = method(_iterators.ConsumerIterator.extend_vt)
    close = method(_iterators.ConsumerIterator.close)

    def __del__(self) -> None:
        # `break` reaches only this. As with a generator, what is held has been
        # released when the statement after the loop runs.
        if not forked() and not sys.is_finalizing():
            drive(self._async.close())


# --- builders ---------------------------------------------------------------------


class EnqueueBuilder(Twin[_builders.EnqueueBuilder]):
    """Stores messages; made by ``enqueue()``. See pgqrs.EnqueueBuilder."""

    __slots__ = ("_async",)

    def __init__(self) -> None:
        self._async = _builders.EnqueueBuilder()

    def worker(self, worker: Producer) -> Self:
        """Through this producer."""
        self._async.worker(_asynchronous(worker, Producer))
        return self

    message = step(_builders.EnqueueBuilder.message)
    messages = step(_builders.EnqueueBuilder.messages)
    to = step(_builders.EnqueueBuilder.to)
    delay = step(_builders.EnqueueBuilder.delay)
    at = step(_builders.EnqueueBuilder.at)
    execute = method(_builders.EnqueueBuilder.execute)


class _Dequeueing(_builders.DequeueBuilder):
    """A builder whose messages are those above."""

    __slots__ = ()

    _consumer_type = Leasing


class DequeueBuilder(Twin[_builders.DequeueBuilder]):
    """Leases messages, and handles them if told how; made by ``dequeue()``. See pgqrs.DequeueBuilder."""

    __slots__ = ("_async",)

    def __init__(self) -> None:
        self._async = _Dequeueing()

    def worker(self, worker: Consumer) -> Self:
        """Through this consumer."""
        self._async.worker(_asynchronous(worker, Consumer))
        return self

    from_queue = step(_builders.DequeueBuilder.from_queue)
    batch = step(_builders.DequeueBuilder.batch)
    vt = step(_builders.DequeueBuilder.vt)
    vt_offset = step(_builders.DequeueBuilder.vt_offset)
    at = step(_builders.DequeueBuilder.at)
    wait = step(_builders.DequeueBuilder.wait)
    poll_interval = step(_builders.DequeueBuilder.poll_interval)

    def handle(self, handler: Handler) -> Self:
        """Calls this for each message; the result rules are those of Consumer.consume."""
        self._async.handle(plain(handler))
        return self

    def handle_batch(self, handler: BatchHandler) -> Self:
        """Calls this for each batch; the result holds for all of it."""
        self._async.handle_batch(plain(handler))
        return self

    fetch_one = method(_builders.DequeueBuilder.fetch_one, lambda message: cast("QueueMessage | None", message))
    fetch_all = method(_builders.DequeueBuilder.fetch_all, _ours)
    execute = method(_builders.DequeueBuilder.execute)
    poll = method(_builders.DequeueBuilder.poll)


def _asynchronous(worker: _Worker[R], kind: type[object]) -> R:
    if not isinstance(worker, kind):
        raise TypeError(f"worker must be a pgqrs.sync.{kind.__name__}, not {type(worker).__name__}")
    return worker._async


# --- stores -----------------------------------------------------------------------


class Admin(Connected, ClosableTwin[_admin.Admin]):
    """Manages the schema, the queues and what is in them; see pgqrs.Admin."""

    __slots__ = ("__weakref__", "_async")

    def __init__(self, dsn: Source, schema: str | None = None) -> None:
        self._async = _admin.Admin(dsn, schema)
        self._connection = shared_connection(self._async)

    install = method(_admin.Admin.install)
    verify = method(_admin.Admin.verify)
    uninstall = method(_admin.Admin.uninstall)
    create_queue = method(_admin.Admin.create_queue)
    get_queue = method(_admin.Admin.get_queue)
    delete_queue = method(_admin.Admin.delete_queue)
    purge_queue = method(_admin.Admin.purge_queue)
    queue_metrics = method(_admin.Admin.queue_metrics)
    all_queues_metrics = method(_admin.Admin.all_queues_metrics)
    create_workflow = method(_admin.Admin.create_workflow)
    system_stats = method(_admin.Admin.system_stats)
    inspect = method(_admin.Admin.inspect)
    reclaim_messages = method(_admin.Admin.reclaim_messages)
    release_worker_messages = method(_admin.Admin.release_worker_messages)
    delete_worker = method(_admin.Admin.delete_worker)
    purge_old_workers = method(_admin.Admin.purge_old_workers)
    worker_stats = method(_admin.Admin.worker_stats)
    worker_health_stats = method(_admin.Admin.worker_health_stats)

    def dlq(self, queue: str | None = None) -> DeadLetters:
        """The dead letters of one queue, or of all, to list, count and replay."""
        return DeadLetters._of(self._async.dlq(queue))

    dlq_messages = method(_admin.Admin.dlq_messages)
    replay = method(_admin.Admin.replay)
    get_queues = method(_admin.Admin.get_queues, Queues._of)
    get_workers = method(_admin.Admin.get_workers, Workers._of)
    get_messages = method(_admin.Admin.get_messages, Messages._of)
    get_archive = method(_admin.Admin.get_archive, Archive._of)
    close = method(_admin.Admin.close)


class Store(Connected, ClosableTwin[_store.Store]):
    """One database with its queues; see pgqrs.Store."""

    __slots__ = ("__weakref__", "_async")

    def __init__(self, config: str | Config, *, bootstrap: bool = False) -> None:
        self._adopt(_store.Store(config, bootstrap=bootstrap))

    def _adopt(self, store: _store.Store) -> Self:
        self._async = store
        self._connection = shared_connection(store)
        return self

    @property
    def config(self) -> Config:
        return self._async.config

    bootstrap = method(_store.Store.bootstrap)
    queue = method(_store.Store.queue)
    producer = method(_store.Store.producer, Producer._of)

    def consumer(self, queue: str, hostname: str | None = None, port: int | None = None) -> Consumer:
        """A consumer of a queue, registered as a worker. Raises QueueNotFoundError."""
        return Consumer._register(self._connection, queue, hostname, port)

    def consume_iter(
        self,
        queue: str,
        *,
        batch_size: int = 1,
        vt: float | timedelta | None = None,
        poll_interval_ms: float | None = None,
    ) -> ConsumerIterator:
        """The messages of a queue for ``for`` or ``with``; see ConsumerIterator."""
        return consume_iter(self, queue, batch_size=batch_size, vt=vt, poll_interval_ms=poll_interval_ms)

    def admin(self) -> Admin:
        """An Admin that shares this store."""
        return Admin(self)

    stats = method(_store.Store.stats)
    get_queues = method(_store.Store.get_queues, Queues._of)
    get_workers = method(_store.Store.get_workers, Workers._of)
    get_messages = method(_store.Store.get_messages, Messages._of)
    get_archive = method(_store.Store.get_archive, Archive._of)
    trigger = method(_store.Store.trigger)
    get_workflows = method(_store.Store.get_workflows, Workflows._of)
    get_workflow_runs = method(_store.Store.get_workflow_runs, WorkflowRuns._of)
    get_workflow_steps = method(_store.Store.get_workflow_steps, WorkflowSteps._of)
    close = method(_store.Store.close)


def connect(dsn: str, *, bootstrap: bool = False) -> Store:
    """Opens a store; a host that cannot be reached raises here.

    With bootstrap the tables are created or upgraded too.
    """
    return Store.__new__(Store)._adopt(drive(_store.connect(dsn, bootstrap=bootstrap)))


def connect_with(config: Config, *, bootstrap: bool = False) -> Store:
    """Opens a store as a Config says."""
    return Store.__new__(Store)._adopt(drive(_store.connect_with(config, bootstrap=bootstrap)))


# --- module functions ---------------------------------------------------------------


def admin(dsn: Source, schema: str | None = None) -> Admin:
    """An Admin of a DSN, Config, Store or Admin."""
    return Admin(dsn, schema)


def producer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Producer:
    """A Producer of a DSN, Config, Store or Admin."""
    return Producer(dsn, queue, hostname, port)


def consumer(dsn: Source, queue: str, hostname: str | None = None, port: int | None = None) -> Consumer:
    """A Consumer of a DSN, Config, Store or Admin."""
    return Consumer(dsn, queue, hostname, port)


produce = function(_functions.produce)
produce_batch = function(_functions.produce_batch)


def consume(store: Connected, queue: str, handler: Handler) -> bool:
    """Processes at most one message; returns at once when the queue is empty. See Consumer.consume."""
    with _ephemeral_consumer(store, queue) as worker:
        return worker.consume(handler)


def consume_batch(store: Connected, queue: str, batch_size: int, handler: BatchHandler) -> int:
    """Processes up to batch_size messages at once, the rules of consume holding for
    all together. Returns how many there were."""
    with _ephemeral_consumer(store, queue) as worker:
        return worker.consume_batch(batch_size, handler)


def _ephemeral_consumer(store: Connected, queue: str) -> Consumer:
    return Consumer._register(shared_connection(store), queue, ephemeral=True)


def consume_iter(
    store: Connected,
    queue: str,
    *,
    batch_size: int = 1,
    vt: float | timedelta | None = None,
    poll_interval_ms: float | None = None,
) -> ConsumerIterator:
    """The messages of a queue for ``for`` or ``with``; see ConsumerIterator.

    batch_size        how many messages are fetched at once
    vt                how long a lease lasts before it is renewed, in seconds
    poll_interval_ms  look at least so often; the library's choice when not given
    """
    core = _Iterating(shared_connection(store), queue, batch_size, vt, poll_interval_ms)
    return ConsumerIterator._of(core)


@overload
def enqueue() -> EnqueueBuilder: ...
@overload
def enqueue(producer: Producer, payload: Any, *, dedup_key: str | None = None) -> int: ...
def enqueue(producer: Any = _MISSING, payload: Any = _MISSING, *, dedup_key: str | None = None) -> EnqueueBuilder | int:
    """Stores one message and returns its id. Without arguments: a builder, see EnqueueBuilder."""
    if producer is _MISSING and payload is _MISSING:
        return EnqueueBuilder()
    if producer is _MISSING or payload is _MISSING:
        raise TypeError("enqueue takes a producer and a payload, or no argument for a builder")
    id_: int = producer.enqueue(payload, dedup_key=dedup_key)
    return id_


def enqueue_batch(
    producer: Producer, payloads: Iterable[Any], *, dedup_keys: Iterable[str | None] | None = None
) -> list[int]:
    """Stores all messages or none and returns their ids in input order."""
    return producer.enqueue_batch(payloads, dedup_keys=dedup_keys)


def enqueue_delayed(
    producer: Producer, payload: Any, delay_seconds: float | timedelta, *, dedup_key: str | None = None
) -> int:
    """Stores one message that is visible only after a delay."""
    return producer.enqueue_delayed(payload, delay_seconds, dedup_key=dedup_key)


@overload
def dequeue() -> DequeueBuilder: ...
@overload
def dequeue(consumer: Consumer, batch_size: int = 1, vt: float | timedelta | None = None) -> list[QueueMessage]: ...
def dequeue(
    consumer: Any = _MISSING, batch_size: int = 1, vt: float | timedelta | None = None
) -> DequeueBuilder | list[QueueMessage]:
    """Leases up to batch_size eligible messages, for vt seconds when given.

    Without arguments: a builder, see DequeueBuilder.
    """
    if consumer is _MISSING:
        return DequeueBuilder()
    leased: list[QueueMessage] = consumer.dequeue(batch_size, vt)
    return leased


def archive(consumer: Consumer, message: MessageOrId) -> bool:
    """Finishes a message and keeps it in the archive; True iff it took effect."""
    return consumer.archive(message)


def archive_batch(consumer: Consumer, messages: Iterable[MessageOrId]) -> list[bool]:
    """Archives several messages; one bool each, in input order."""
    return consumer.archive_batch(messages)


def delete(consumer: Consumer, message: MessageOrId) -> bool:
    """Finishes a message without a trace; True iff it took effect."""
    return consumer.delete(message)


def extend_vt(consumer: Consumer, message: MessageOrId, seconds: float | timedelta) -> bool:
    """Makes a lease last at least so long from now; True iff it took effect."""
    return consumer.extend_vt(message, seconds)


publish(Archive, DeadLetters, Messages, QueueMessage, Queues, Worker, Workers, WorkflowRuns, Workflows, WorkflowSteps)
