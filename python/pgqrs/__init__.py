"""pgqrs: a durable job queue on PostgreSQL or one SQLite file.

::

    import asyncio
    import pgqrs

    async def main():
        async with await pgqrs.connect("sqlite:///jobs.db") as store:
            await store.queue("tasks")
            await pgqrs.produce(store, "tasks", {"n": 1})
            async for msg in store.consume_iter("tasks"):
                print(msg.payload)
                break

    asyncio.run(main())

Importing this loads no shared library: the first awaited call does.
"""

from __future__ import annotations

import importlib as _importlib
import logging as _logging
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import decorators as decorators
from . import errors as errors
from ._admin import Admin
from ._builders import DequeueBuilder, EnqueueBuilder
from ._config import Config
from ._consumer import Consumer
from ._enums import StepResultStatus, WorkerStatus, WorkflowStatus
from ._functions import (
    admin,
    archive,
    archive_batch,
    consume,
    consume_batch,
    consume_iter,
    consumer,
    delete,
    dequeue,
    enqueue,
    enqueue_batch,
    enqueue_delayed,
    extend_vt,
    produce,
    produce_batch,
    producer,
)
from ._iterators import ConsumerIterator
from ._native import forbid_native_load
from ._producer import Producer
from ._retry import Retry
from ._store import Store, connect, connect_with
from ._tables import Archive, DeadLetters, Messages, Queues, Workers
from ._transaction import enqueue_batch_in, enqueue_in
from ._types import (
    ArchivedMessage,
    FlushStats,
    QueueInfo,
    QueueMessage,
    QueueMetrics,
    StoreStats,
    SystemStats,
    WorkerHealthStats,
    WorkerInfo,
    WorkerStats,
)
from ._worker import Worker
from ._workflow import Workflow
from ._workflow_tables import WorkflowRuns, Workflows, WorkflowSteps
from ._workflow_types import StepResult, WorkflowInfo, WorkflowRun, WorkflowStep
from .decorators import step, workflow
from .errors import (
    CancelledRunError,
    ClosedError,
    ConfigError,
    DatabaseError,
    ForkError,
    InternalError,
    MessageNotFoundError,
    PausedError,
    PgqrsConnectionError,
    PgqrsError,
    QueueAlreadyExistsError,
    QueueNotFoundError,
    RateLimitedError,
    RetriesExhaustedError,
    SchemaError,
    SerializationError,
    StateTransitionError,
    StepNotReadyError,
    TimeoutError,
    TransientStepError,
    ValidationError,
    WorkerNotFoundError,
)

if _TYPE_CHECKING:
    from . import sync as sync

__all__ = [
    "Admin",
    "Archive",
    "ArchivedMessage",
    "CancelledRunError",
    "ClosedError",
    "Config",
    "ConfigError",
    "Consumer",
    "ConsumerIterator",
    "DatabaseError",
    "DeadLetters",
    "DequeueBuilder",
    "EnqueueBuilder",
    "FlushStats",
    "ForkError",
    "InternalError",
    "MessageNotFoundError",
    "Messages",
    "PausedError",
    "PgqrsConnectionError",
    "PgqrsError",
    "Producer",
    "QueueAlreadyExistsError",
    "QueueInfo",
    "QueueMessage",
    "QueueMetrics",
    "QueueNotFoundError",
    "Queues",
    "RateLimitedError",
    "RetriesExhaustedError",
    "Retry",
    "SchemaError",
    "SerializationError",
    "StateTransitionError",
    "StepNotReadyError",
    "StepResult",
    "StepResultStatus",
    "Store",
    "StoreStats",
    "SystemStats",
    "TimeoutError",
    "TransientStepError",
    "ValidationError",
    "Worker",
    "WorkerHealthStats",
    "WorkerInfo",
    "WorkerNotFoundError",
    "WorkerStats",
    "WorkerStatus",
    "Workers",
    "Workflow",
    "WorkflowInfo",
    "WorkflowRun",
    "WorkflowRuns",
    "WorkflowStatus",
    "WorkflowStep",
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
    "decorators",
    "delete",
    "dequeue",
    "enqueue",
    "enqueue_batch",
    "enqueue_batch_in",
    "enqueue_delayed",
    "enqueue_in",
    "errors",
    "extend_vt",
    "forbid_native_load",
    "produce",
    "produce_batch",
    "producer",
    "step",
    "sync",
    "workflow",
]


_ON_DEMAND = frozenset({"sync"})  # modules that programs which do not use them need not wait for


def __getattr__(name: str) -> _Any:
    if name in _ON_DEMAND:
        return _importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _publish() -> None:
    """Makes tracebacks, reprs and documentation show the names users import."""
    for name in set(__all__) - _ON_DEMAND:
        public = globals()[name]
        if getattr(public, "__module__", "").startswith("pgqrs."):
            public.__module__ = "pgqrs"


_publish()
_logging.getLogger("pgqrs").addHandler(_logging.NullHandler())
