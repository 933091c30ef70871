"""What a contender can do: the verbs the workloads are written in."""

from __future__ import annotations

import random
import string
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

PAYLOAD = {"task": "send_email", "to": "user@example.com", "n": 123}


def document(size: int) -> dict[str, Any]:
    """The payload of every measurement, or one of about so many bytes, which no server can compress."""
    if not size:
        return PAYLOAD
    letters = string.ascii_letters + string.digits + "-_"
    return {**PAYLOAD, "body": "".join(random.Random(size).choices(letters, k=size - 72))}


class Unsupported(Exception):
    """The contender has no such verb; the row says so instead of a figure."""


class Consumer:
    """Fetches messages of the one queue and acknowledges them."""

    async def dequeue(self, batch: int) -> Sequence[Any]:
        """Up to batch messages, leased; an empty sequence when there is none."""
        raise Unsupported("dequeue")

    async def acknowledge(self, messages: Sequence[Any]) -> int:
        """Finishes messages, keeping them where the contender can; how many it was."""
        raise Unsupported("acknowledge")

    async def wait(self) -> Any:
        """The next message, waited for by the contender's best means, and leased."""
        raise Unsupported("wait")

    async def close(self) -> None:
        """Ends the consumer."""


class Contender:
    """One product on one empty database. Verbs it lacks raise Unsupported."""

    def __init__(self, dsn: str, options: dict[str, Any]) -> None:
        self.dsn = dsn
        self.options = options
        self.payload = document(options.get("payload_bytes", 0))

    async def open(self) -> None:
        """Connects, installs the schema, makes the queue."""

    async def close(self) -> None:
        """Disconnects."""

    async def enqueue(self, payload: Any) -> Any:
        """Stores one message; returns after its commit."""
        raise Unsupported("enqueue")

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        """Stores all messages in one transaction; returns after its commit."""
        raise Unsupported("enqueue_batch")

    async def consumer(self) -> Consumer:
        """A consumer with whatever of its own it needs to run beside others."""
        raise Unsupported("consumer")

    async def worker(self, handle: Callable[[], None], concurrency: int, batch: int) -> Callable[[], Awaitable[None]]:
        """Starts the product's own worker loop with an async handler that calls
        handle() once a message; returns what stops it."""
        raise Unsupported("worker")

    async def reading_worker(self, handle: Callable[[Any], None], concurrency: int) -> Callable[[], Awaitable[None]]:
        """The same with a handler that looks at the payload: handle(payload)."""
        raise Unsupported("reading_worker")

    async def at(self, queue: int) -> Contender:
        """The same product in the same process on another queue, by its number."""
        raise Unsupported("several queues")

    async def probe(self, name: str, seconds: float, **params: Any) -> dict[str, float]:
        """A measurement only this contender knows: floors that are no queue."""
        raise Unsupported(name)

    def versions(self) -> dict[str, str]:
        """Names and versions of what is measured."""
        return {}
