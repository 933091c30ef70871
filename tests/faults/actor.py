"""The Python side of the fault laboratory: a producer or consumer that lives until it is killed.

    actor.py JOB     JOB is the JSON text that actor_test.go describes

Every answer goes into the ledger, a file outside the database, in one write.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from typing import Any

import pgqrs

LONGEST_SENT = 4
LONGEST_TAKEN = 8
ABANDONED = 0.15


async def wait_for(error: pgqrs.PgqrsError) -> None:
    """Gives what passes by itself the time to; anything else has no place in this laboratory."""
    if not error.transient:
        raise error
    await asyncio.sleep(0.01)


class Actor:
    """One process."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.random = random.Random(job["seed"])
        self.ledger = os.open(job["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def say(self, kind: str, **fields: Any) -> None:
        text = json.dumps({"kind": kind, "by": self.job["name"], **fields})
        os.write(self.ledger, text.encode() + b"\n")

    async def run(self) -> None:
        play = {"produce": self.produce, "consume": self.consume}[self.job["role"]]
        while True:
            try:
                async with await pgqrs.connect(self.job["dsn"]) as store:
                    await play(store)
            except Exception as error:
                if not getattr(error, "transient", False):
                    self.say("bad", text=f"{type(error).__name__}: {error}")
                    raise
                await asyncio.sleep(0.01)

    async def produce(self, store: pgqrs.Store) -> None:
        producer = await store.producer(self.job["queue"])
        n = 0
        while True:
            count = self.random.randint(1, LONGEST_SENT)
            first, n = n, n + count
            self.say("try", n=first, count=count)
            try:
                ids = await producer.enqueue_batch([{"who": self.job["name"], "n": first + i} for i in range(count)])
                self.say("sent", n=first, ids=ids)
            except pgqrs.PgqrsError as error:
                if error.safe_to_retry:
                    self.say("refused", n=first, count=count)
                await wait_for(error)
            await asyncio.sleep(self.random.random() * 2 * self.job["pause_ms"] / 1000)

    async def consume(self, store: pgqrs.Store) -> None:
        consumer = await store.consumer(self.job["queue"])
        lock = self.job["lock_ms"] / 1000
        while True:
            try:
                messages = await consumer.dequeue(
                    self.random.randint(1, LONGEST_TAKEN), vt=lock, wait=1, auto_extend=self.job["keep"]
                )
            except pgqrs.PgqrsError as error:
                await wait_for(error)
                continue
            for message in messages:
                vt = round(message.vt.timestamp() * 1e6)
                self.say(
                    "lease",
                    ids=[message.id],
                    worker=message.consumer_worker_id,
                    read_ct=message.read_ct,
                    at=vt - round(lock * 1e6),
                    vt=vt,
                    payload=message.payload,
                    keep=self.job["keep"],
                )
            for message in messages:
                if self.job["keep"] or self.random.random() >= ABANDONED:
                    await self.archive(message)

    async def archive(self, message: pgqrs.QueueMessage) -> None:
        """Acknowledges until there is an answer: an archive may be repeated."""
        while True:
            try:
                if await message.archive():
                    worker = message.consumer_worker_id
                    self.say("archived", ids=[message.id], worker=worker, read_ct=message.read_ct)
                return
            except pgqrs.PgqrsError as error:
                await wait_for(error)


if __name__ == "__main__":
    asyncio.run(Actor(json.loads(sys.argv[1])).run())
