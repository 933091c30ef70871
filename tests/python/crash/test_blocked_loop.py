"""Leases are kept alive by the library, not by the event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest
from children import environment

import pgqrs

pytestmark = pytest.mark.asyncio


THIEF = """
import asyncio, sys, pgqrs
async def main():
    async with await pgqrs.connect(sys.argv[1]) as store, await store.consumer("tasks") as consumer:
        print("ready", flush=True)
        print([m.payload for m in await consumer.dequeue(10, wait=float(sys.argv[2]))], flush=True)
asyncio.run(main())
"""


async def test_a_handler_that_blocks_the_loop_keeps_its_message(dsn: str) -> None:
    config = pgqrs.Config(dsn, default_lock_time_seconds=1)
    async with await pgqrs.connect_with(config, bootstrap=True) as store:
        await store.queue("tasks")
        await pgqrs.produce(store, "tasks", "mine")

        def handler(_msg: pgqrs.QueueMessage) -> None:
            with subprocess.Popen(
                [sys.executable, "-c", THIEF, dsn, "3"], stdout=subprocess.PIPE, text=True, env=environment()
            ) as thief:
                assert thief.stdout
                assert thief.stdout.readline() == "ready\n"
                time.sleep(2)  # blocks the loop, which is the point
                stolen.append(thief.stdout.readline())

        stolen: list[str] = []
        assert await pgqrs.consume(store, "tasks", handler) is True
        assert stolen == ["[]\n"]
        metrics = await store.admin().queue_metrics("tasks")
        assert (metrics.archived, metrics.pending, metrics.leased) == (1, 0, 0)


async def test_a_plain_lease_expires_even_so(dsn: str) -> None:
    config = pgqrs.Config(dsn, default_lock_time_seconds=0.2)
    async with await pgqrs.connect_with(config, bootstrap=True) as store:
        await store.queue("tasks")
        await pgqrs.produce(store, "tasks", 1)
        async with await store.consumer("tasks") as one, await store.consumer("tasks") as two:
            (msg,) = await one.dequeue()
            (again,) = await two.dequeue(wait=10)
            assert again.id == msg.id
            assert await msg.archive() is False
            (kept,) = await asyncio.gather(two.archive(again))
            assert kept is True


async def test_auto_extend_keeps_a_plain_lease(dsn: str) -> None:
    config = pgqrs.Config(dsn, default_lock_time_seconds=0.5)
    async with await pgqrs.connect_with(config, bootstrap=True) as store:
        await store.queue("tasks")
        await pgqrs.produce(store, "tasks", 1)
        async with await store.consumer("tasks") as one, await store.consumer("tasks") as two:
            (msg,) = await one.dequeue(auto_extend=True)
            assert await two.dequeue(wait=2) == []
            assert await msg.archive() is True


BLOCKING_WORKER = """
import asyncio, sys, time, pgqrs
async def handler(msg):
    print("handling", flush=True)
    time.sleep(30)  # blocks the event loop for six lock times
async def main():
    async with await pgqrs.connect(sys.argv[1]) as store:
        worker = pgqrs.Worker(store, {"tasks": handler})
        asyncio.get_running_loop().call_later(31, worker.stop)
        await worker.run()
asyncio.run(main())
"""


async def test_thirty_blocked_seconds_under_the_default_lock_deliver_nothing_twice(
    pg_dsn: str, sqlite_dsn: str
) -> None:
    """Both engines at once, because it takes as long as it says."""

    async def blocked(dsn: str) -> None:
        async with await pgqrs.connect(dsn, bootstrap=True) as store:
            await store.queue("tasks")
            await pgqrs.produce(store, "tasks", "mine")
            command = (sys.executable, "-c", BLOCKING_WORKER, dsn)
            worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment())
            try:
                assert worker.stdout
                assert await worker.stdout.readline() == b"handling\n"
                async with await store.consumer("tasks") as other:
                    assert await other.dequeue(wait=29) == []
                assert await asyncio.wait_for(worker.wait(), 30) == 0
            finally:
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()
            (archived,) = await (await store.get_archive()).list()
            assert (archived.payload, archived.read_ct) == ("mine", 1)

    await asyncio.gather(blocked(pg_dsn), blocked(sqlite_dsn))
