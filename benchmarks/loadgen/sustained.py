"""Workloads that keep a state going: a backlog of constant size, a long time at full
speed, a given pace, several queues at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from .contender import Consumer, Contender
from .workloads import EndToEnd, Workload, clock, fill, latencies, percentile


class Standing(Workload):
    """Fetches `batch` and acknowledges it at a `backlog` that stays.

    Whenever some of the backlog is used up, the clock stands still and as much is put
    back: a backlog of a thousand can be measured as long as one of a million. With
    `acknowledge` false only the fetches are timed.
    """

    CHUNK = 500

    async def prepare(self) -> None:
        self._consumer = await self.contender.consumer()
        await fill(self.contender, self.params["backlog"])
        for _ in range(self.params.get("warmup", 1)):
            await self._round([])

    async def run(self) -> dict[str, float]:
        fetches: list[float] = []
        done, spent = 0, 0.0
        while spent < self.seconds:
            messages, seconds = await self._round(fetches)
            done, spent = done + messages, spent + seconds
        # What was put back belongs to no message: costs cannot be told.
        return {"messages": done, "seconds": spent, "costs_unknown": 1} | latencies(fetches, "dequeue_")

    async def _round(self, fetches: list[float]) -> tuple[int, float]:
        """Messages fetched and the seconds that took; the backlog is whole again afterwards."""
        batch, timed = self.params["batch"], self.params.get("acknowledge", True)
        enough = max(batch, min(self.params["backlog"] // 2, self.CHUNK))
        held: list[Sequence[Any]] = []
        taken, start = 0, clock()
        while taken < enough:
            asked = clock()
            messages = await self._consumer.dequeue(batch)
            fetches.append(clock() - asked)
            taken += len(messages)
            if timed:
                await self._consumer.acknowledge(messages)
            else:
                held.append(messages)
        spent = clock() - start
        for messages in held:
            await self._consumer.acknowledge(messages)
        await fill(self.contender, taken)
        return taken, spent

    async def close(self) -> None:
        await self._consumer.close()


class FlatOut(Workload):
    """Producers of batches and consumers as fast as they can, for long; how the last
    `window` seconds compare with the first.

    The producers pause while `backlog` messages wait, so that only what the database
    piles up can slow the consumers down.
    """

    PRODUCERS, PRODUCED, CONSUMERS, FETCHED = 2, 100, 4, 50

    async def prepare(self) -> None:
        self._consumers = [await self.contender.consumer() for _ in range(self.CONSUMERS)]
        await fill(self.contender, self.params["backlog"])
        await self._load(self.params.get("warmup", 1.0))

    async def run(self) -> dict[str, float]:
        window: float = self.params["window"]
        start, fetched, acknowledged = await self._load(self.seconds)
        took = clock() - start

        def figures(since: float, until: float) -> tuple[float, float]:
            """Rate and 99th percentile of the fetches between two instants."""
            rate = sum(n for at, n in acknowledged if since <= at - start < until) / (until - since)
            return rate, percentile([spent for at, spent in fetched if since <= at - start < until], 0.99)

        (first, first_p99), (last, last_p99) = figures(0, window), figures(self.seconds - window, self.seconds)
        return {
            "messages": sum(n for _, n in acknowledged),
            "seconds": took,
            "first_rate": first,
            "last_rate": last,
            "kept_rate": last / first,
            "first_p99_ms": first_p99 * 1e3,
            "last_p99_ms": last_p99 * 1e3,
            "grown_p99": last_p99 / first_p99,
        }

    async def _load(self, seconds: float) -> tuple[float, list[tuple[float, float]], list[tuple[float, int]]]:
        """Start, when and how long each fetch was, when and how many were acknowledged."""
        waiting: int = self.params["backlog"]
        fetched: list[tuple[float, float]] = []
        acknowledged: list[tuple[float, int]] = []

        async def produce() -> None:
            nonlocal waiting
            batch = [self.contender.payload] * self.PRODUCED
            while clock() < deadline:
                if waiting >= self.params["backlog"]:
                    await asyncio.sleep(0.002)
                else:
                    waiting += len(batch)
                    await self.contender.enqueue_batch(batch)

        async def consume(consumer: Consumer) -> None:
            nonlocal waiting
            while clock() < deadline:
                asked = clock()
                messages = await consumer.dequeue(self.FETCHED)
                if not messages:
                    await asyncio.sleep(0.002)
                    continue
                fetched.append((asked, clock() - asked))
                waiting -= len(messages)
                count = await consumer.acknowledge(messages)
                acknowledged.append((clock(), count))

        start = clock()
        deadline = start + seconds
        await asyncio.gather(*(produce() for _ in range(self.PRODUCERS)), *map(consume, self._consumers))
        return start, fetched, acknowledged

    async def close(self) -> None:
        for consumer in self._consumers:
            await consumer.close()


class Paced(EndToEnd):
    """From before an enqueue until the handler holds the message, at `share` of what
    this contender does end to end flat out, which the preparation finds out."""

    async def prepare(self) -> None:
        flat_out = await self._load(self.params.get("calibration", 3.0))
        self._pace = flat_out["messages"] / flat_out["seconds"] * self.params["share"]
        await self._paced(1.0)

    async def run(self) -> dict[str, float]:
        return await self._paced(self.seconds)

    async def _paced(self, seconds: float) -> dict[str, float]:
        producers: int = self.params["producers"]
        interval = producers / self._pace
        sent: dict[int, float] = {}
        all_taken, ended = asyncio.Event(), False
        taken: list[float] = []
        numbers = iter(range(1 << 62))

        def handle(payload: Any) -> None:
            taken.append(clock() - sent.pop(payload["n"]))
            if ended and not sent:
                all_taken.set()

        async def produce(place: int) -> None:
            due = start + interval * place / producers
            while due < deadline:
                early = due - clock()
                if early > 0:
                    await asyncio.sleep(early)
                number = next(numbers)
                sent[number] = clock()
                await self.contender.enqueue({**self.contender.payload, "n": number})
                due += interval

        stop = await self.contender.reading_worker(handle, self.params["concurrency"])
        start = clock()
        deadline = start + seconds
        await asyncio.gather(*map(produce, range(producers)))
        took, ended = clock() - start, True
        if sent:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(all_taken.wait(), self.params.get("patience", 10.0))
        await stop()
        if sent:
            raise RuntimeError(f"{len(sent)} messages were not handled in time")
        return {"messages": len(taken), "seconds": took, "offered": self._pace} | latencies(taken)


class Queues(Workload):
    """`producers` and `consumers`, spread evenly over `queues`, enqueue one by one and
    fetch by fifty; counts what was acknowledged."""

    FETCHED = 50

    async def prepare(self) -> None:
        count: int = self.params["queues"]
        self._queues = [await self.contender.at(number) for number in range(count)]
        self._consumers = [await self._queues[n % count].consumer() for n in range(self.params["consumers"])]
        for queue in self._queues:
            await fill(queue, self.params["backlog"] // count)
        await self._load(self.params.get("warmup", 0.5))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        done: deque[int] = deque()

        async def produce(queue: Contender) -> None:
            while clock() < deadline:
                await queue.enqueue(queue.payload)

        async def consume(consumer: Consumer) -> None:
            while clock() < deadline:
                messages = await consumer.dequeue(self.FETCHED)
                if messages:
                    done.append(await consumer.acknowledge(messages))
                else:
                    await asyncio.sleep(0.002)

        start = clock()
        deadline = start + seconds
        producers = (produce(self._queues[n % len(self._queues)]) for n in range(self.params["producers"]))
        await asyncio.gather(*producers, *map(consume, self._consumers))
        return {"messages": sum(done), "seconds": clock() - start}

    async def close(self) -> None:
        for consumer in self._consumers:
            await consumer.close()
