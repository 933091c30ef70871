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
