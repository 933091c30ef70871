"""Python's own sqlite3 may use the same file in the same process."""

from __future__ import annotations

from pathlib import Path

import pytest
from children import run_child

PRELUDE = """
import asyncio, os, sqlite3, sys, threading, time
import pgqrs
path = sys.argv[1]
dsn = "sqlite:///" + path

def rows(sql="select count(*) from pgqrs_messages"):
    connection = sqlite3.connect(path, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()   # drops every POSIX lock this process holds on the file
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "jobs.db")


def test_reading_along(path: str) -> None:
    done = run_child(
        PRELUDE
        + """
async def main():
    async with await pgqrs.connect(dsn) as store:
        await store.queue("tasks")
        producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
        for n in range(50):
            await producer.enqueue({"n": n})
            assert rows() == [(1,)]
            (message,) = await consumer.dequeue()
            assert rows("select read_ct from pgqrs_messages") == [(1,)]
            assert await message.archive()
            assert rows() == [(0,)]
        archived = rows("select id, payload from pgqrs_archive order by id")
        print(len(archived), archived[0][1])
asyncio.run(main())
print(rows("pragma integrity_check"))
""",
        path,
    ).check()
    assert done.out == "50 {\"n\":0}\n[('ok',)]\n"


def test_an_exclusive_lock_is_waited_for(path: str) -> None:
    done = run_child(
        PRELUDE
        + """
async def main():
    async with await pgqrs.connect(dsn) as store:
        await store.queue("tasks")
        producer = await store.producer("tasks")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin exclusive")
        task = asyncio.create_task(producer.enqueue(1))
        await asyncio.sleep(0.5)
        print("done too early" if task.done() else "waiting")
        other.execute("commit")
        other.close()
        print(await asyncio.wait_for(task, 20) > 0)
asyncio.run(main())
""",
        path,
    ).check()
    assert done.out == "waiting\nTrue\n"


def test_an_unlinked_file_is_no_crash(path: str) -> None:
    done = run_child(
        PRELUDE
        + """
async def main():
    async with await pgqrs.connect(dsn) as store:
        await store.queue("tasks")
        producer = await store.producer("tasks")
        await producer.enqueue(1)
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
        try:
            await asyncio.wait_for(producer.enqueue(2), 20)
            print("stored or refused")
        except pgqrs.PgqrsError as problem:
            print("stored or refused")
    # A new store makes a new file.
    async with await pgqrs.connect(dsn) as store:
        await store.queue("tasks")
        print(await pgqrs.produce(store, "tasks", 3) > 0)
asyncio.run(main())
""",
        path,
    ).check()
    assert done.out == "stored or refused\nTrue\n"


def test_stress_loses_nothing(path: str) -> None:
    """Opening and closing the file beside us, which drops POSIX locks, while we write."""
    done = run_child(
        PRELUDE
        + """
stop = threading.Event()
writes = []
def bystander():
    while not stop.is_set():
        rows("select count(*), max(id) from pgqrs_messages")
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        connection.execute("begin immediate")
        connection.execute("create table if not exists mine (n)")
        connection.execute("insert into mine values (?)", (len(writes),))
        connection.execute("commit")
        connection.close()
        writes.append(1)

async def main():
    async with await pgqrs.connect(dsn) as store:
        await store.queue("tasks")
        producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
        threads = [threading.Thread(target=bystander) for _ in range(2)]
        for thread in threads:
            thread.start()
        acknowledged, archived = set(), set()
        end = time.monotonic() + 5
        n = 0
        while time.monotonic() < end:
            batch = [producer.enqueue(n + k) for k in range(20)]
            n += 20
            acknowledged.update(await asyncio.gather(*batch))
            messages = await consumer.dequeue(10, vt=60)
            for message, took in zip(messages, await consumer.archive_batch(messages)):
                if took:
                    archived.add(message.id)
        stop.set()
        for thread in threads:
            thread.join()
        return acknowledged, archived

acknowledged, archived = asyncio.run(main())
assert rows("pragma integrity_check") == [("ok",)]
assert rows("select count(*) from mine") == [(len(writes),)]
left = {r[0] for r in rows("select id from pgqrs_messages")}
done = {r[0] for r in rows("select id from pgqrs_archive")}
assert archived == done, (len(archived), len(done))
assert left | done == acknowledged, (len(left), len(done), len(acknowledged))
assert not left & done
print(len(acknowledged) > 100, len(writes) > 5)
""",
        path,
        timeout=90,
    ).check()
    assert done.out == "True True\n"
