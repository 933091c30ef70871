"""procrastinate over psycopg, asynchronous, as its documentation recommends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Any

import procrastinate

from loadgen import Contender, serve

logging.disable(logging.WARNING)  # a line a job would be measured too


class Procrastinate(Contender):
    async def open(self) -> None:
        connector = procrastinate.PsycopgConnector(conninfo=self.dsn, min_size=16, max_size=16)
        self._app = procrastinate.App(connector=connector)
        self._handle: Callable[[], None] = lambda: None

        @self._app.task(name="bench", queue="bench")
        async def task(**_payload: Any) -> None:
            self._handle()

        self._task = task
        await self._app.open_async()
        await self._app.schema_manager.apply_schema_async()

    async def close(self) -> None:
        await self._app.close_async()

    async def enqueue(self, payload: Any) -> Any:
        return await self._task.defer_async(**payload)

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        return await self._task.batch_defer_async(*payloads)

    async def worker(self, handle: Callable[[], None], concurrency: int, batch: int) -> Callable[[], Awaitable[None]]:
        self._handle = handle
        running = asyncio.create_task(
            self._app.run_worker_async(queues=["bench"], concurrency=concurrency, install_signal_handlers=False)
        )

        async def stop() -> None:
            running.cancel()  # its way of stopping gracefully
            await asyncio.gather(running, return_exceptions=True)

        return stop

    def versions(self) -> dict[str, str]:
        return {"procrastinate": version("procrastinate")}


if __name__ == "__main__":
    serve(Procrastinate)
