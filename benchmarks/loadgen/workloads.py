"""The workloads: what is done to a contender while the clock runs.

A workload prepares (connections, backlog, warm-up) and then runs. Runs that have no
natural end last for a given time and count; the rate is what was done by the time
it took.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

from .contender import Consumer, Contender, Unsupported

clock = time.perf_counter


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies; the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def latencies(values: list[float], prefix: str = "") -> dict[str, float]:
    """Percentiles in milliseconds."""
    return {
        f"{prefix}p50_ms": percentile(values, 0.50) * 1e3,
        f"{prefix}p99_ms": percentile(values, 0.99) * 1e3,
        f"{prefix}max_ms": max(values, default=float("nan")) * 1e3,
    }


class Workload:
    def __init__(self, contender: Contender, params: dict[str, Any]) -> None:
        self.contender = contender
        self.params = params
        self.seconds: float = params.get("seconds", 2.0)

    async def prepare(self) -> None: ...

    async def run(self) -> dict[str, float]:
        raise NotImplementedError

    async def close(self) -> None: ...


# --- storing --------------------------------------------------------------------


class Concurrent(Workload):
    """`coroutines` of them, each awaiting one enqueue after the other; 1 is sequential."""

    async def prepare(self) -> None:
        await self._load(self.params.get("warmup", 0.5))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        enqueue, payload = self.contender.enqueue, self.contender.payload
        done = 0

        async def produce() -> None:
            nonlocal done
            while clock() < deadline:
                await enqueue(payload)
                done += 1

        start = clock()
        deadline = start + seconds
        await asyncio.gather(*(produce() for _ in range(self.params["coroutines"])))
        return {"messages": done, "seconds": clock() - start}


class Batches(Workload):
    """Batches of `size`, one after the other."""

    async def prepare(self) -> None:
        self._batch = [self.contender.payload] * self.params["size"]
        await self._load(self.params.get("warmup", 0.5))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        done, start = 0, clock()
        while clock() - start < seconds:
            await self.contender.enqueue_batch(self._batch)
            done += len(self._batch)
        return {"messages": done, "seconds": clock() - start}


async def fill(contender: Contender, messages: int) -> None:
    """Makes a backlog, by batches where there are any."""
    size = max(1, min(1000, 4_000_000 // max(1, contender.options.get("payload_bytes", 0))))
    try:
        while messages > 0:
            await contender.enqueue_batch([contender.payload] * min(size, messages))
            messages -= size
    except Unsupported:
        for _ in range(messages):
            await contender.enqueue(contender.payload)


# --- fetching and acknowledging -------------------------------------------------


class Drain(Workload):
    """`consumers` fetch `batch` and acknowledge what they got, until the `backlog` is
    gone or the time is over.

    So that the fast do not run dry in an instant, a contender gets what it will need
    by the rate of its warm-up, at most GENEROUS times the backlog.
    """

    GENEROUS = 4

    async def prepare(self) -> None:
        backlog: int = self.params["backlog"]
        self._consumers = [await self.contender.consumer() for _ in range(self.params.get("consumers", 1))]
        await fill(self.contender, backlog)
        await self._warm_up()  # statements prepared, plans made, caches warm
        start = clock()
        taken = await self._warm_up()
        needed = taken / (clock() - start) * self.seconds * 1.2
        missing = min(max(backlog, int(needed)), self.GENEROUS * backlog) - (backlog - 2 * taken)
        await fill(self.contender, missing)

    async def _warm_up(self) -> int:
        batch: int = self.params["batch"]

        async def consume(consumer: Consumer) -> int:
            rounds = range(self.params.get("warmup", 10))
            return sum([await consumer.acknowledge(await consumer.dequeue(batch)) for _ in rounds])

        return sum(await asyncio.gather(*map(consume, self._consumers)))

    async def run(self) -> dict[str, float]:
        batch: int = self.params["batch"]
        done = 0
        fetches: list[float] = []

        async def consume(consumer: Consumer) -> None:
            nonlocal done
            while clock() < deadline:
                asked = clock()
                messages = await consumer.dequeue(batch)
                fetches.append(clock() - asked)
                if not messages:
                    return
                acknowledged = await consumer.acknowledge(messages)
                done += acknowledged  # not in one: += reads before it waits

        start = clock()
        deadline = start + self.seconds
        await asyncio.gather(*map(consume, self._consumers))
        return {"messages": done, "seconds": clock() - start} | latencies(fetches, "dequeue_")

    async def close(self) -> None:
        for consumer in self._consumers:
            await consumer.close()


class WorkerDrain(Workload):
    """The product's own worker with a handler that does nothing empties a backlog.

    The clock starts when the worker is started and stops at the last handled message;
    a worker that needs longer than the time given is measured by what it did in it.
    """

    async def prepare(self) -> None:
        await fill(self.contender, self.params["backlog"])

    async def run(self) -> dict[str, float]:
        backlog: int = self.params["backlog"]
        done, last = 0, clock()
        empty = asyncio.Event()

        def handle() -> None:
            nonlocal done, last
            done += 1
            if done >= backlog:
                empty.set()
            last = clock()

        start = clock()
        stop = await self.contender.worker(handle, self.params["concurrency"], self.params.get("batch", 0))
        try:
            await asyncio.wait_for(empty.wait(), self.seconds)
        except TimeoutError:
            last = clock()
        handled = done
        await stop()  # acknowledges the rest, within the time that is counted
        return {"messages": handled, "seconds": max(last, clock()) - start}


class EndToEnd(Workload):
    """`producers` coroutines enqueue beside the product's own worker; counts what was
    handled, and says how far the worker fell behind."""

    async def prepare(self) -> None:
        await self._load(self.params.get("warmup", 1.0))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        produced = handled = 0
        caught_up = asyncio.Event()
        expected: int | None = None  # once production has ended

        def handle() -> None:
            nonlocal handled
            handled += 1
            if handled == expected:
                caught_up.set()

        async def produce() -> None:
            nonlocal produced
            while clock() < deadline:
                await self.contender.enqueue(self.contender.payload)
                produced += 1

        stop = await self.contender.worker(handle, self.params["concurrency"], self.params.get("batch", 0))
        start = clock()
        deadline = start + seconds
        await asyncio.gather(*(produce() for _ in range(self.params["producers"])))
        took, done = clock() - start, handled
        expected = produced
        if handled < expected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(caught_up.wait(), self.params.get("patience", 10.0))
        result = {"messages": done, "seconds": took, "produced": produced, "behind": produced - done}
        await stop()
        return result


# --- waiting --------------------------------------------------------------------


class Wakeup(Workload):
    """One message at a time to a consumer that waits: from before the enqueue until
    the consumer holds the message."""

    async def prepare(self) -> None:
        self._consumer = await self.contender.consumer()
        await self._load(5)

    async def run(self) -> dict[str, float]:
        start = clock()
        taken = await self._load(self.params["messages"])
        return {"messages": len(taken), "seconds": clock() - start} | latencies(taken)

    async def _load(self, messages: int) -> list[float]:
        taken: list[float] = []
        for _ in range(messages):
            waiting = asyncio.ensure_future(self._consumer.wait())
            await asyncio.sleep(random.uniform(0.02, 0.06))  # it has to be idle, and out of step
            start = clock()
            sent = asyncio.ensure_future(self.contender.enqueue(self.contender.payload))
            message = await asyncio.wait_for(waiting, 30)
            taken.append(clock() - start)
            await sent
            await self._consumer.acknowledge([message])
        return taken

    async def close(self) -> None:
        await self._consumer.close()


class Idle(Workload):
    """A consumer waits and nothing comes: the suite counts the statements meanwhile."""

    async def prepare(self) -> None:
        self._consumer = await self.contender.consumer()
        self._waiting = asyncio.ensure_future(self._consumer.wait())
        await asyncio.sleep(self.params.get("warmup", 6.0))

    async def run(self) -> dict[str, float]:
        start = clock()
        await asyncio.sleep(self.seconds)
        return {"messages": 0, "seconds": clock() - start}

    async def close(self) -> None:
        self._waiting.cancel()
        await asyncio.gather(self._waiting, return_exceptions=True)
        await self._consumer.close()


# --- the rest -------------------------------------------------------------------


class Cycle(Workload):
    """Enqueue one, dequeue one, acknowledge it, over and over."""

    async def prepare(self) -> None:
        self._consumer = await self.contender.consumer()
        await self._load(self.params.get("warmup", 0.5))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        done, start = 0, clock()
        while clock() - start < seconds:
            await self.contender.enqueue(self.contender.payload)
            done += await self._consumer.acknowledge(await self._consumer.dequeue(1))
        return {"messages": done, "seconds": clock() - start}

    async def close(self) -> None:
        await self._consumer.close()


class Probe(Workload):
    """Something that only one contender knows, by its name."""

    async def prepare(self) -> None:
        await self._load(self.params.get("warmup", 0.3))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        known = {"seconds", "warmup", "name"}
        params = {key: value for key, value in self.params.items() if key not in known}
        return await self.contender.probe(self.params["name"], seconds, **params)
