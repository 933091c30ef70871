"""pgqrs itself, through its public API."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pgqrs

from loadgen import Consumer, Contender, Unsupported, serve

QUEUE = "bench"
LEASE_SECONDS = 300.0  # nothing is redelivered within a run, to nobody


class OurConsumer(Consumer):
    def __init__(self, consumer: pgqrs.Consumer, *, read: bool) -> None:
        self._consumer = consumer
        self._read = read

    async def dequeue(self, batch: int) -> Sequence[pgqrs.QueueMessage]:
        messages = await self._consumer.dequeue(batch, vt=LEASE_SECONDS)
        if self._read:  # payloads are decoded when they are looked at
            for message in messages:
                message.payload  # noqa: B018
        return messages

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
        await self._open_queue(QUEUE, create=not self.options.get("shared"))  # another process may have made it

    async def _open_queue(self, name: str, *, create: bool) -> None:
        self._queue = name
        if create:
            await self._store.queue(name)
        self._producer = await self._store.producer(name)
        self.enqueue = self._producer.enqueue  # type: ignore[method-assign] # no frame of ours in between
        self.enqueue_batch = self._producer.enqueue_batch  # type: ignore[method-assign]

    async def at(self, queue: int) -> Ours:
        another = Ours(self.dsn, self.options)
        another._store = self._store
        await another._open_queue(f"{QUEUE}-{queue}", create=True)
        return another

    async def close(self) -> None:
        await self._store.close()

    async def consumer(self) -> OurConsumer:
        return OurConsumer(await self._store.consumer(self._queue), read=self.options.get("read", False))

    async def worker(self, handle: Callable[[], None], concurrency: int, batch: int) -> Callable[[], Awaitable[None]]:
        async def handler(_message: pgqrs.QueueMessage) -> None:
            handle()

        return await self._work(handler, concurrency)

    async def reading_worker(self, handle: Callable[[Any], None], concurrency: int) -> Callable[[], Awaitable[None]]:
        async def handler(message: pgqrs.QueueMessage) -> None:
            handle(message.payload)

        return await self._work(handler, concurrency)

    async def _work(
        self, handler: Callable[[pgqrs.QueueMessage], Awaitable[None]], concurrency: int
    ) -> Callable[[], Awaitable[None]]:
        worker = pgqrs.Worker(self._store, {self._queue: handler}, concurrency=concurrency)
        await worker.__aenter__()

        async def stop() -> None:
            await worker.__aexit__(None, None, None)

        return stop

    async def probe(self, name: str, seconds: float, **params: Any) -> dict[str, float]:
        if name == "round trip":
            return await nops(seconds, params["in_flight"])
        if name == "start":
            return await starts(seconds, self.dsn)
        raise Unsupported(name)

    def versions(self) -> dict[str, str]:
        try:
            return {"pgqrs": version("pgqrs")}
        except PackageNotFoundError:  # measured in a checkout
            return {}


# What a program pays that does nothing but connect. -I would drop PYTHONPATH.
START = """
import sys, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
import asyncio, json
try:
    import uvloop
except ImportError:
    pass
before, start = resident(), time.perf_counter()
import pgqrs
imported = time.perf_counter()
async def main():
    async with await pgqrs.connect(sys.argv[1], bootstrap=False):
        return time.perf_counter()
connected = asyncio.run(main())
after = resident()
print(json.dumps({"import_ms": (imported - start) * 1e3, "connect_ms": (connected - imported) * 1e3,
    "added_mb": (after - before) / 1e6}))
"""


async def starts(seconds: float, dsn: str) -> dict[str, float]:
    """Medians over fresh interpreters: the import, loading the library with the first
    connection, and what both add to the memory."""
    from statistics import median

    from loadgen.workloads import clock

    found: list[dict[str, float]] = []
    start = clock()
    while clock() - start < seconds or len(found) < 3:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", START, dsn, stdout=asyncio.subprocess.PIPE)
        found.append(json.loads((await child.communicate())[0]))
    return {
        "messages": len(found),
        "seconds": clock() - start,
        "library_mb": library_bytes() / 1e6,
        **{key: median(one[key] for one in found) for key in found[0]},
    }


def library_bytes() -> int:
    """The size of the library this process has loaded."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        loaded = next(line.split(maxsplit=5)[5].strip() for line in file if "libpgqrs" in line)
    return os.stat(loaded).st_size


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
