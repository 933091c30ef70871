"""pgqrs itself, through its public API."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pgqrs

from loadgen import Consumer, Contender, Unsupported, serve

QUEUE = "bench"
LEASE_SECONDS = 300.0  # nothing is redelivered within a run, to nobody


class OurConsumer(Consumer):
    def __init__(self, consumer: pgqrs.Consumer) -> None:
        self._consumer = consumer

    async def dequeue(self, batch: int) -> Sequence[pgqrs.QueueMessage]:
        return await self._consumer.dequeue(batch, vt=LEASE_SECONDS)

    async def acknowledge(self, messages: Sequence[pgqrs.QueueMessage]) -> int:
        if len(messages) == 1:
            return int(await self._consumer.archive(messages[0]))
        return sum(await self._consumer.archive_many(messages))

    async def wait(self) -> pgqrs.QueueMessage:
        return (await self._consumer.dequeue(1, vt=LEASE_SECONDS, wait=math.inf))[0]

    async def close(self) -> None:
        await self._consumer.close()


class Ours(Contender):
    async def open(self) -> None:
        config = pgqrs.Config(self.dsn, default_lock_time_seconds=LEASE_SECONDS, **self.options.get("config", {}))
        self._store = await pgqrs.connect_with(config, bootstrap=True)
        if not self.options.get("shared"):  # otherwise another process has made it
            await self._store.queue(QUEUE)
        self._producer = await self._store.producer(QUEUE)
        self.enqueue = self._producer.enqueue  # type: ignore[method-assign] # no frame of ours in between
        self.enqueue_batch = self._producer.enqueue_batch  # type: ignore[method-assign]

    async def close(self) -> None:
        await self._store.close()

    async def consumer(self) -> OurConsumer:
        return OurConsumer(await self._store.consumer(QUEUE))

    async def worker(self, handle: Callable[[], None], concurrency: int, batch: int) -> Callable[[], Awaitable[None]]:
        async def handler(_message: pgqrs.QueueMessage) -> None:
            handle()

        worker = pgqrs.Worker(self._store, {QUEUE: handler}, concurrency=concurrency)
        await worker.__aenter__()

        async def stop() -> None:
            await worker.__aexit__(None, None, None)

        return stop

    async def probe(self, name: str, seconds: float, **params: Any) -> dict[str, float]:
        if name == "round trip":
            return await nops(seconds, params["in_flight"])
        raise Unsupported(name)

    def versions(self) -> dict[str, str]:
        try:
            return {"pgqrs": version("pgqrs")}
        except PackageNotFoundError:  # measured in a checkout
            return {}


async def nops(seconds: float, in_flight: int) -> dict[str, float]:
    """Operations that do nothing, through the whole bridge. The public API has none:
    this is the one measurement that reaches below it."""
    try:
        from pgqrs._bridge import run
        from pgqrs._native._codec import read_nothing
        from pgqrs._native._cq import Call
    except ImportError as moved:
        raise Unsupported(f"the bridge's no-op: {moved}") from None
    from loadgen.workloads import clock

    done = 0

    async def submit() -> None:
        nonlocal done
        while clock() < deadline:
            await run(Call("pgqrs_cq_nop", (), read_nothing))
            done += 1

    start = clock()
    deadline = start + seconds
    await asyncio.gather(*(submit() for _ in range(in_flight)))
    return {"messages": done, "seconds": clock() - start}


if __name__ == "__main__":
    serve(Ours)
