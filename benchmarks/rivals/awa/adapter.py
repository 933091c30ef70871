"""awa with its asynchronous client and its queue storage, as a fresh installation has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import awa

from loadgen import Contender, serve

QUEUE = "bench"


@dataclass
class SendEmail:
    task: str
    to: str
    n: int


class Awa(Contender):
    async def open(self) -> None:
        self._client = awa.AsyncClient(self.dsn, max_connections=16)
        await self._client.migrate()
        await self._client.install_queue_storage()  # the faster of its two engines
        self._handle: Callable[[], None] = lambda: None
        self._declare(self._client)

    def _declare(self, client: Any) -> None:
        @client.task(SendEmail, queue=QUEUE)
        async def send_email(_job: Any) -> None:
            self._handle()

    async def close(self) -> None:
        await self._client.close()

    async def enqueue(self, payload: Any) -> Any:
        return await self._client.insert(SendEmail(**payload), queue=QUEUE)

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        return await self._client.enqueue_many_copy([SendEmail(**payload) for payload in payloads], queue=QUEUE)

    async def worker(self, handle: Callable[[], None], concurrency: int, batch: int) -> Callable[[], Awaitable[None]]:
        self._handle = handle
        client = awa.AsyncClient(self.dsn, max_connections=16)
        self._declare(client)
        await client.start([(QUEUE, concurrency)], poll_interval_ms=50)

        async def stop() -> None:
            await client.shutdown()
            await client.close()

        return stop

    def versions(self) -> dict[str, str]:
        return {"awa": version("awa-pg")}


if __name__ == "__main__":
    serve(Awa)
