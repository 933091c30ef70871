"""A worker of the demo: takes messages, measures the files they name, archives them.

    worker.py QUEUE ROOT RESULTS    the store is named by PGQRS_DSN and PGQRS_SCHEMA

It prints its worker id when it is registered, and works until its standard input
ends. It knows nothing of the demo's plan to kill it, and does nothing about it:
what it had taken is taken by somebody else when the lease runs out.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pgqrs
from files import Facts, measure
from results import ResultFile

BATCH = 50
LEASE_SECONDS = 3.0  # far longer than a batch takes, and how long a dead worker's batch waits
IDLE_SECONDS = 0.5  # how long to wait for a first message before looking whether to stop


def measure_all(root: Path, batch: list[pgqrs.QueueMessage]) -> list[tuple[int, Facts]]:
    return [(message.id, measure(root, message.payload["path"])) for message in batch]


async def work(store: pgqrs.Store, queue: str, root: Path, results: ResultFile, stop: asyncio.Event) -> None:
    async with await store.consumer(queue) as consumer:
        print(consumer.worker_id, flush=True)

        async def take() -> list[pgqrs.QueueMessage]:
            return await consumer.dequeue(batch_size=BATCH, vt=LEASE_SECONDS, wait=IDLE_SECONDS)

        batch = await take()
        while batch or not stop.is_set():
            upcoming = asyncio.create_task(take())  # the next batch arrives while we compute
            if batch:
                results.add(await asyncio.to_thread(measure_all, root, batch))
                # False for a message means that its lease ran out and another worker has
                # it now. Nothing to do: both results are the same and count once.
                await consumer.archive_batch(batch)
            batch = await upcoming


async def main(queue: str, root: Path, results: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    config = pgqrs.Config(os.environ["PGQRS_DSN"], schema=os.environ.get("PGQRS_SCHEMA"))
    async with await pgqrs.connect_with(config) as store:
        with ResultFile(results) as file:
            await work(store, queue, root, file, stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
