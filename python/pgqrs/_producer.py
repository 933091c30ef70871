"""Producer: stores messages in one queue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from . import _arguments, _ops, _payload
from ._lifecycle import Registered
from .errors import ValidationError

BATCH_MAX = 100_000  # messages of one enqueue; twin of the limit in pgqrs.h


class Producer(Registered):
    """Stores messages in one queue.

    Made from a DSN or Config it opens nothing until its first await, so it may be
    built when a module is imported. Made from a Store or Admin that is connected it
    has registered when the constructor returns; ``await store.producer(…)`` does
    the same without blocking.

    Every enqueue returns after the commit: a returned id survives any crash. A call
    that raised may or may not have stored its message, and says so.
    """

    __slots__ = ()

    _kind = "producer"
    _open_op = staticmethod(_ops.producer_open)

    async def enqueue(self, payload: Any) -> int:
        """Stores one message and returns its id."""
        document = _payload.encode(payload)
        return (await self._run(_ops.enqueue, [document]))[0]

    async def enqueue_delayed(self, payload: Any, delay_seconds: float | timedelta) -> int:
        """Stores one message that is visible only after a delay, in seconds or as a timedelta."""
        document = _payload.encode(payload)
        delay_ms = _arguments.span_ms(delay_seconds, "delay_seconds")
        return (await self._run(_ops.enqueue, [document], delay_ms=delay_ms))[0]

    async def enqueue_at(self, payload: Any, when: datetime) -> int:
        """Stores one message that is visible from an instant on, a timezone-aware datetime."""
        document = _payload.encode(payload)
        at = _arguments.instant(when, "when")
        return (await self._run(_ops.enqueue, [document], at=at))[0]

    async def enqueue_batch(self, payloads: Iterable[Any]) -> list[int]:
        """Stores all messages or none and returns their ids in input order."""
        documents = [
            _payload.encode(payload, f"payloads[{n}]")
            for n, payload in enumerate(_arguments.items(payloads, "payloads"))
        ]
        if len(documents) > BATCH_MAX:
            raise ValidationError(
                f"payloads has {len(documents)} items; at most {BATCH_MAX} fit into one transaction.", field="payloads"
            )
        if not documents:
            return []
        return await self._run(_ops.enqueue, documents)
