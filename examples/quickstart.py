import asyncio
import contextlib

import pgqrs


async def main() -> None:
    async with await pgqrs.connect("sqlite:///jobs.db") as store:  # or postgresql://...
        with contextlib.suppress(pgqrs.QueueAlreadyExistsError):
            await store.queue("tasks")
        producer = await store.producer("tasks")
        print("stored as", await producer.enqueue({"send": "welcome", "to": "user@example.com"}))
        consumer = await store.consumer("tasks")
        for message in await consumer.dequeue(vt=30, wait=1):  # leased to us for 30 seconds
            print("working on", message.payload)
            await message.archive()  # without this it comes back after the lease


asyncio.run(main())
