"""Archives what is left and waits for nothing: mixed.py DSN."""

import asyncio
import sys

import pgqrs


async def main(dsn: str) -> None:
    async with await pgqrs.connect(dsn) as store:
        consumer = await store.consumer("tasks")
        for message in await consumer.dequeue(1000, vt=60):
            assert message.read_ct == 2, message
            assert await message.archive(), message


asyncio.run(main(sys.argv[1]))
