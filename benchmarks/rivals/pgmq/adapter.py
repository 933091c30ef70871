"""pgmq: its Python client over asyncpg, and its SQL as the client's package carries it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pgmq import install_pgmq_from_sql
from pgmq.async_queue import PGMQueue

from loadgen import Consumer, Contender, serve

QUEUE = "bench"


class PgmqConsumer(Consumer):
    def __init__(self, queue: Any) -> None:
        self._queue = queue

    async def dequeue(self, batch: int) -> Sequence[Any]:
        return await self._queue.read_batch(QUEUE, vt=300, batch_size=batch)

    async def acknowledge(self, messages: Sequence[Any]) -> int:
        if len(messages) == 1:
            return int(await self._queue.archive(QUEUE, messages[0].msg_id))
        return len(await self._queue.archive_batch(QUEUE, [message.msg_id for message in messages]))


class Pgmq(Contender):
    async def open(self) -> None:
        self._sql = install_pgmq_from_sql(dsn=self.dsn)
        self._queue = PGMQueue(conn_string=self.dsn, pool_size=16, init_extension=False)
        await self._queue.init()
        await self._queue.create_queue(QUEUE)

    async def close(self) -> None:
        await self._queue.close()

    async def enqueue(self, payload: Any) -> Any:
        return await self._queue.send(QUEUE, payload)

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        return await self._queue.send_batch(QUEUE, list(payloads))

    async def consumer(self) -> PgmqConsumer:
        return PgmqConsumer(self._queue)

    def versions(self) -> dict[str, str]:
        return {"pgmq client": version("pgmq"), "pgmq SQL": self._sql}


if __name__ == "__main__":
    serve(Pgmq)
