"""The package of the same name on the package index, in its own environment."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import pgqrs

from loadgen import Consumer, Contender, serve

assert "site-packages" in pgqrs.__file__, f"this is not the package of the index: {pgqrs.__file__}"

QUEUE = "bench"


class UpstreamConsumer(Consumer):
    def __init__(self, store: Any, consumer: Any) -> None:
        self._store = store
        self._consumer = consumer

    async def dequeue(self, batch: int) -> Sequence[Any]:
        return await self._consumer.dequeue(batch)

    async def acknowledge(self, messages: Sequence[Any]) -> int:
        if len(messages) == 1:
            return int(await self._consumer.archive(messages[0].id))
        return sum(await self._consumer.archive_many([message.id for message in messages]))

    async def wait(self) -> Any:
        # Its iterator is the documented way to wait; it polls.
        return await anext(self._store.consume_iter(QUEUE))


class Upstream(Contender):
    async def open(self) -> None:
        config = pgqrs.Config(self.dsn)
        config.max_connections = 16
        config.default_lock_time_seconds = 300
        config.max_enqueue_per_second = 10_000_000  # by default it refuses more than a hundred
        config.max_enqueue_burst = 10_000_000
        self._store = await pgqrs.connect_with(config)
        await pgqrs.admin(self._store).install()
        await self._store.queue(QUEUE)
        self._producer = await self._store.producer(QUEUE)
        self.enqueue = self._producer.enqueue  # type: ignore[method-assign]

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        return await pgqrs.enqueue_batch(self._producer, list(payloads))

    async def consumer(self) -> UpstreamConsumer:
        return UpstreamConsumer(self._store, await self._store.consumer(QUEUE))

    def versions(self) -> dict[str, str]:
        return {"pgqrs of the index": version("pgqrs")}


if __name__ == "__main__":
    serve(Upstream)
