"""A naive group commit in Python over asyncpg: what a user could write in an hour.

Whoever enqueues adds to a list; one task on one connection writes what has gathered.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
from raw import CREATE, INSERT_ALL

from loadgen import Contender, serve


class Coalescer(Contender):
    async def open(self) -> None:
        self._connection = await asyncpg.connect(self.dsn)
        await self._connection.execute(CREATE)
        self._gathered: list[tuple[str, asyncio.Future[int]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def enqueue(self, payload: Any) -> int:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._gathered.append((json.dumps(payload), future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered, []
            rows = await self._connection.fetch(INSERT_ALL, [payload for payload, _ in batch])
            for (_, future), row in zip(batch, rows, strict=True):
                future.set_result(row[0])
        self._flusher = None

    def versions(self) -> dict[str, str]:
        return {"asyncpg": asyncpg.__version__}


if __name__ == "__main__":
    serve(Coalescer)
