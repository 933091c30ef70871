"""Promises of the documents that no single feature's tests show."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import psycopg
import pytest
from children import run_child

import pgqrs

# The reference's "Complete Example" with the page's own error handling around create_queue.
COMPLETE_EXAMPLE = """
import asyncio, sys
from pgqrs import Admin, Producer, Consumer

async def main(dsn):
    admin = Admin(dsn)
    await admin.install()
    try:
        queue = await admin.create_queue("demo")
    except RuntimeError as e:
        if "already exists" in str(e):
            print("Queue already exists")
        else:
            raise

    producer = Producer(dsn, "demo", "localhost", 3000)
    for i in range(5):
        msg_id = await producer.enqueue({"task": i})
        print(f"Sent task {i}: {msg_id}")

    consumer = Consumer(dsn, "demo", "localhost", 3001)
    messages = await consumer.dequeue()
    for msg in messages:
        print(f"Processing: {msg.payload}")
        await consumer.archive(msg.id)

    print("Done!")

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.asyncio
async def test_the_complete_example_runs_again_and_twice_at_once(dsn: str) -> None:
    # The same host name and ports each time; 25 processes an engine, each ends with status 0.
    for copies in (1, 2, 2, 5, 5, 5, 5):
        ended = await asyncio.gather(*(asyncio.to_thread(run_child, COMPLETE_EXAMPLE, dsn) for _ in range(copies)))
        for child in ended:
            assert child.check().out.endswith("Done!\n")


@pytest.mark.asyncio
async def test_who_lost_the_default_lease_cannot_archive(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", "once")
    silent, other = await store.consumer("tasks"), await store.consumer("tasks")
    (message,) = await silent.dequeue()
    (again,) = await other.dequeue(wait=15)
    assert (again.vt - message.vt).total_seconds() >= 5  # leased again when 5 s were over
    assert (again.id, again.read_ct) == (message.id, 2)
    assert await silent.archive(message) is False
    assert await silent.archive(message.id) is False
    assert await again.archive() is True


@pytest.mark.asyncio
async def test_the_archive_is_read_by_anybody(dsn: str, store: pgqrs.Store) -> None:
    payload = {"task": "send_email", "to": "user@example.com", "n": 2**70}
    id = await pgqrs.produce(store, "tasks", payload)
    assert await pgqrs.consume(store, "tasks", lambda message: True)
    (archived,) = await (await store.get_archive()).list()
    assert (archived.id, archived.original_msg_id, archived.payload) == (id, id, payload)

    query = "select id, original_msg_id, payload{cast} from {schema}pgqrs_archive"
    if dsn.startswith("sqlite:///"):
        with sqlite3.connect(dsn.removeprefix("sqlite:///")) as plain:
            (row,) = plain.execute(query.format(cast="", schema="")).fetchall()
    else:
        server, _, schema = dsn.rpartition("pgqrs_schema=")
        with psycopg.connect(server.rstrip("?&")) as connection:
            (row,) = connection.execute(query.format(cast="::text", schema=f"{schema}.").encode()).fetchall()
    assert (row[0], row[1], json.loads(row[2])) == (id, id, payload)
