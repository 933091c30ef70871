"""pgqueuer over asyncpg, as its documentation runs it, with the batch size it is best at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from loadgen import Consumer, Contender, serve

ENTRYPOINT = "bench"


class PgqueuerConsumer(Consumer):
    """Its worker, one message at a time: pgqueuer has no fetch of its own."""

    def __init__(self, contender: PgqueuerContender) -> None:
        self._contender = contender
        self._came: asyncio.Queue[int] = asyncio.Queue()
        self._stop: Callable[[], Awaitable[None]] | None = None

    async def wait(self) -> Any:
        if self._stop is None:
            self._stop = await self._contender.worker(lambda: self._came.put_nowait(1), 0, 1)
        return await self._came.get()

    async def acknowledge(self, messages: Sequence[Any]) -> int:
        return len(messages)  # the worker does, when the handler returns

    async def close(self) -> None:
        if self._stop is not None:
            await self._stop()


class PgqueuerContender(Contender):
    async def open(self) -> None:
        pool = await asyncpg.create_pool(self.dsn, min_size=16, max_size=16)
        self._queries = Queries(AsyncpgPoolDriver(pool))
        await self._queries.install()

    async def enqueue(self, payload: Any) -> Any:
        return await self._queries.enqueue(ENTRYPOINT, json.dumps(payload).encode())

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        number = len(payloads)
        documents = [json.dumps(payload).encode() for payload in payloads]
        return await self._queries.enqueue([ENTRYPOINT] * number, documents, [0] * number)

    async def consumer(self) -> PgqueuerConsumer:
        return PgqueuerConsumer(self)

    async def worker(self, handle: Callable[[], None], concurrency: int, batch: int) -> Callable[[], Awaitable[None]]:
        connection = await asyncpg.connect(self.dsn)
        queuer = PgQueuer(AsyncpgDriver(connection))

        @queuer.entrypoint(ENTRYPOINT)
        async def handler(job: Job) -> None:
            json.loads(job.payload or b"")
            handle()

        running = asyncio.create_task(queuer.run(dequeue_timeout=timedelta(seconds=30), batch_size=batch or 10))

        async def stop() -> None:
            queuer.shutdown.set()
            await running

        return stop

    def versions(self) -> dict[str, str]:
        return {"pgqueuer": version("pgqueuer")}


if __name__ == "__main__":
    serve(PgqueuerContender)
