"""Several processes at one queue: the contender's process starts copies of itself and
speaks to them in the protocol the suite speaks to it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from .contender import Consumer
from .workloads import Workload, clock, fill


class Crew(Workload):
    """What one process of a fleet does: `consumers`, each fetching `batch` messages,
    working `work_ms` on them and acknowledging them; with `produce` each of them stores
    a message before it fetches one, so that everybody writes."""

    async def prepare(self) -> None:
        self._consumers = [await self.contender.consumer() for _ in range(self.params["consumers"])]
        await self._load(self.params.get("warmup", 0.3))

    async def run(self) -> dict[str, float]:
        return await self._load(self.seconds)

    async def _load(self, seconds: float) -> dict[str, float]:
        batch, work = self.params.get("batch", 1), self.params.get("work_ms", 0) / 1e3
        done, worst = 0, 0.0

        async def consume(consumer: Consumer) -> None:
            nonlocal done, worst
            while clock() < deadline:
                began = clock()
                if self.params.get("produce"):
                    await self.contender.enqueue(self.contender.payload)
                    worst = max(worst, clock() - began)
                    began = clock()
                messages = await consumer.dequeue(batch)
                worst = max(worst, clock() - began)
                if not messages:
                    return
                if work:
                    await asyncio.sleep(work)
                began = clock()
                acknowledged = await consumer.acknowledge(messages)
                done += acknowledged  # not in one: += reads before it waits
                worst = max(worst, clock() - began)

        start = clock()
        deadline = start + seconds
        await asyncio.gather(*map(consume, self._consumers))
        return {"messages": done, "seconds": clock() - start, "worst_wait_ms": worst * 1e3}

    async def close(self) -> None:
        for consumer in self._consumers:
            await consumer.close()


class Fleet(Workload):
    """`processes` crews at once; the rate is of all, from the first start to the last end."""

    async def prepare(self) -> None:
        self._children: list[asyncio.subprocess.Process] = []
        await fill(self.contender, self.params.get("backlog", 0))
        for _ in range(self.params["processes"]):
            self._children.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, *sys.argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
                )
            )
        options = {**self.contender.options, "shared": True}
        await self._all({"dsn": self.contender.dsn, "options": options})
        await self._all({"prepare": "crew", "params": self.params})

    async def run(self) -> dict[str, float]:
        start = clock()
        crews = await self._all({"run": True})
        took = clock() - start
        rates = [crew["messages"] / crew["seconds"] for crew in crews]
        return {
            "messages": sum(crew["messages"] for crew in crews),
            "seconds": took,
            "client_cpu": sum(crew["client_cpu"] for crew in crews),
            "slowest_share": min(rates) / max(rates),
            "worst_wait_ms": max(crew["worst_wait_ms"] for crew in crews),
        }

    async def _all(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        return await asyncio.gather(*(self._ask(child, command) for child in self._children))

    @staticmethod
    async def _ask(child: asyncio.subprocess.Process, command: dict[str, Any]) -> dict[str, Any]:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps(command).encode() + b"\n")
        await child.stdin.drain()
        answer = json.loads(await child.stdout.readline() or '{"error": "a process of the fleet ended"}')
        if "ok" not in answer:
            raise RuntimeError(str(answer))
        return dict(answer["ok"])

    async def close(self) -> None:
        for child in self._children:
            assert child.stdin is not None
            child.stdin.close()
        for child in self._children:
            await asyncio.wait_for(child.wait(), 10)
