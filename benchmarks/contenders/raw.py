"""The floor of PostgreSQL through Python: bare statements over asyncpg.

It keeps no promise a queue makes (no lease, no receive count, no archive): a message
is a row, taken by SKIP LOCKED and deleted in the same transaction.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import asyncpg

from loadgen import Consumer, Contender, serve

CONNECTIONS = 16  # as many as our own pool has by default
CREATE = """
create sequence f_id;
create table f (id bigint primary key default nextval('f_id'), payload jsonb);
"""
INSERT = "insert into f (payload) values ($1::jsonb) returning id"
INSERT_ALL = "insert into f (payload) select x::jsonb from unnest($1::text[]) x returning id"
TAKE = "select id, payload from f order by id limit $1 for update skip locked"
DELETE = "delete from f where id = any($1::bigint[])"
TAKE_ONE = """
delete from f where id = (select id from f order by id limit 1 for update skip locked) returning id, payload
"""
CHANNEL = "f"
# One round trip: a BEGIN and a COMMIT of their own would be two more.
INSERT_AND_NOTIFY = f"insert into f (payload) select $1::jsonb from pg_notify('{CHANNEL}', '') returning id"


class RawConsumer(Consumer):
    """One connection. A fetch opens the transaction that the acknowledgement ends."""

    def __init__(self, connection: Any, listener: Any = None) -> None:
        self._connection = connection
        self._listener = listener
        self._news = asyncio.Event()

    async def listen(self) -> None:
        await self._connection.add_listener(CHANNEL, lambda *_: self._news.set())

    async def dequeue(self, batch: int) -> Sequence[Any]:
        self._transaction = self._connection.transaction()
        await self._transaction.start()
        rows = await self._connection.fetch(TAKE, batch)
        if not rows:
            await self._transaction.rollback()
        return [(row[0], json.loads(row[1])) for row in rows]

    async def acknowledge(self, messages: Sequence[Any]) -> int:
        if isinstance(messages[0], asyncpg.Record):  # wait() has deleted it
            return 1
        await self._connection.execute(DELETE, [message[0] for message in messages])
        await self._transaction.commit()
        return len(messages)

    async def wait(self) -> Any:
        while True:
            self._news.clear()
            row = await self._connection.fetchrow(TAKE_ONE)
            if row is not None:
                return row
            await self._news.wait()

    async def close(self) -> None:
        await self._connection.close()


class Raw(Contender):
    async def open(self) -> None:
        self._first = await asyncpg.connect(self.dsn)
        await self._first.execute(CREATE)
        await self._first.fetchval(INSERT, "{}")  # prepared
        await self._first.execute("truncate f")
        self._idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        self._idle.put_nowait(self._first)
        for _ in range(CONNECTIONS - 1):
            self._idle.put_nowait(await asyncpg.connect(self.dsn))
        self._insert = INSERT

    async def enqueue(self, payload: Any) -> Any:
        # No asyncpg.Pool: it resets a connection with each release, one more round trip.
        connection = await self._idle.get()
        try:
            return await connection.fetchval(self._insert, json.dumps(payload))
        finally:
            self._idle.put_nowait(connection)

    async def enqueue_batch(self, payloads: Sequence[Any]) -> Any:
        connection = await self._idle.get()
        try:
            return await connection.fetch(INSERT_ALL, [json.dumps(payload) for payload in payloads])
        finally:
            self._idle.put_nowait(connection)

    async def consumer(self) -> RawConsumer:
        consumer = RawConsumer(await asyncpg.connect(self.dsn))
        if self.options.get("notify"):
            self._insert = INSERT_AND_NOTIFY
            await consumer.listen()
        return consumer

    def versions(self) -> dict[str, str]:
        return {"asyncpg": asyncpg.__version__}


if __name__ == "__main__":
    serve(Raw)
