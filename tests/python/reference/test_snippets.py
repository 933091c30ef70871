"""One test a snippet of the reference documents, on both engines."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys

import pytest
import snippets
from children import environment, run_child
from waiting import eventually

import pgqrs

pytestmark = pytest.mark.asyncio


async def execute(name: str, dsn: str, **names: object) -> dict[str, object]:
    return await snippets.execute(name, dsn, **names)


async def payloads(store: pgqrs.Store) -> list[object]:
    return [message.payload for message in await (await store.get_messages()).list()]


async def archived(store: pgqrs.Store) -> list[object]:
    return [message.payload for message in await (await store.get_archive()).list()]


async def has_archived(store: pgqrs.Store, *wanted: object) -> bool:
    return await archived(store) == list(wanted)


# --- Producer API (000, 002) ----------------------------------------------------


@pytest.mark.parametrize("name", ["000_quick_start", "002_quick_start"])
async def test_producer_quick_start(
    name: str, dsn: str, store: pgqrs.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    names = await execute(name, dsn)
    assert re.fullmatch(r"Enqueued message ID: \d+\n", capsys.readouterr().out)
    assert (await payloads(store))[0]["task"] == "send_email"
    await names["store"].close()


@pytest.mark.parametrize("name", ["000_managed_producers", "002_managed_producers"])
async def test_managed_producers(name: str, dsn: str, store: pgqrs.Store) -> None:
    names = await execute(name, dsn, store=store)
    worker = await (await store.get_workers()).get(names["producer"].worker_id)
    assert (worker.hostname, worker.port, worker.name) == ("my-service", 3000, "producer")
    assert await payloads(store) == [{"task": "process_order"}]


@pytest.mark.parametrize("name", ["000_batch_messages", "002_batch_messages"])
async def test_batch_messages(name: str, dsn: str, store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    await execute(name, dsn, producer=producer)
    assert await payloads(store) == [{"user_id": 1}, {"user_id": 2}]


@pytest.mark.parametrize("name", ["000_delayed_messages", "002_delayed_messages"])
async def test_delayed_messages(name: str, dsn: str, store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    await execute(name, dsn, producer=producer)
    (message,) = await (await store.get_messages()).list()
    assert (message.vt - message.enqueued_at).total_seconds() == pytest.approx(300, abs=0.01)
    assert (await store.admin().queue_metrics("tasks")).delayed == 1


# --- Producer & Consumer (001) ----------------------------------------------------


async def test_single_message(dsn: str, store: pgqrs.Store) -> None:
    child = await asyncio.to_thread(run_child, snippets.source("001_single_message", dsn))
    assert re.fullmatch(r"Message ID: \d+\n", child.check().out)
    assert (await payloads(store))[0]["action"] == "send_email"


async def test_delayed_messages_through_functions(
    dsn: str, store: pgqrs.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    names = await execute("001_delayed_messages", dsn)
    assert re.fullmatch(r"Scheduled message \d+ for 5 minutes from now\n", capsys.readouterr().out)
    assert (await store.admin().queue_metrics("tasks")).delayed == 1
    await names["admin"].close()


async def test_dequeue_messages(dsn: str, store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    """The loop never ends by itself; the process is ended once it has printed."""
    await producer.enqueue({"n": 1})
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", snippets.source("001_dequeue_messages", dsn), stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout
    try:
        async with asyncio.timeout(30):
            lines = [(await process.stdout.readline()).decode() for _ in range(3)]
            assert lines[1] == "Payload: {'n': 1}\n"
            assert re.fullmatch(r"Enqueued at: \d{4}-.*\+00:00\n", lines[2])
            await eventually(lambda: has_archived(store, {"n": 1}))
    finally:
        process.kill()
        await process.wait()


# --- Consumer API (003) -------------------------------------------------------------


async def test_consumer_quick_start(
    dsn: str, store: pgqrs.Store, producer: pgqrs.Producer, capsys: pytest.CaptureFixture[str]
) -> None:
    await producer.enqueue({"n": 1})
    await execute("003_quick_start", dsn, store=store, pgqrs=pgqrs)
    assert capsys.readouterr().out == "Processing: {'n': 1}\n"
    assert await archived(store) == [{"n": 1}]
    await execute("003_quick_start", dsn, store=store, pgqrs=pgqrs)  # an empty queue: returns at once


async def test_managed_consumers(dsn: str, store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    await producer.enqueue_batch(range(12))
    names = await execute("003_managed_consumers", dsn, store=store, pgqrs=pgqrs)
    assert [message.payload for message in names["messages"]] == list(range(10))


async def test_batch_fetch(dsn: str, producer: pgqrs.Producer, consumer: pgqrs.Consumer) -> None:
    await producer.enqueue_batch(range(3))
    names = await execute("003_batch_fetch", dsn, consumer=consumer, pgqrs=pgqrs)
    assert [message.payload for message in names["messages"]] == [0, 1, 2]


async def test_archive(dsn: str, store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer) -> None:
    await producer.enqueue({"n": 1})
    (msg,) = await consumer.dequeue()
    await execute("003_archive", dsn, consumer=consumer, msg=msg, pgqrs=pgqrs)
    assert await archived(store) == [{"n": 1}]


async def test_delete(dsn: str, store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer) -> None:
    await producer.enqueue({"n": 1})
    (msg,) = await consumer.dequeue()
    await execute("003_delete", dsn, consumer=consumer, msg=msg, pgqrs=pgqrs)
    assert await payloads(store) == await archived(store) == []


async def test_extend_visibility(
    dsn: str, store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer
) -> None:
    await producer.enqueue({"n": 1})
    (msg,) = await consumer.dequeue()
    await execute("003_extend_visibility", dsn, consumer=consumer, msg=msg, pgqrs=pgqrs)
    extended = await (await store.get_messages()).get(msg.id)
    assert 20 < (extended.vt - msg.vt).total_seconds() < 30.5


async def test_iterator_pattern(
    dsn: str, store: pgqrs.Store, producer: pgqrs.Producer, capsys: pytest.CaptureFixture[str]
) -> None:
    await producer.enqueue_batch([{"n": 1}, {"n": 2}])
    loop = asyncio.create_task(execute("003_iterator_pattern", dsn, store=store))
    await eventually(lambda: has_archived(store, {"n": 1}, {"n": 2}))
    loop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await loop
    assert capsys.readouterr().out == "{'n': 1}\n{'n': 2}\n"


# --- Python API (004) -----------------------------------------------------------------


async def test_setup_and_its_error_handling(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = snippets.source("004_setup", dsn)
    assert (await asyncio.to_thread(run_child, code)).check().out == "Created queue: tasks\n"
    again = await asyncio.to_thread(run_child, code)
    assert again.status == 1
    assert "already exists" in again.err
    names = await execute("004_error_handling", dsn)
    await names["safe_create_queue"]()
    assert capsys.readouterr().out == "Queue already exists\n"


async def test_error_handling_creates_the_queue_the_first_time(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with pgqrs.Admin(dsn) as admin:
        await admin.install()
    names = await execute("004_error_handling", dsn)
    for _ in range(2):
        await names["safe_create_queue"]()
    assert capsys.readouterr().out == "Created: tasks\nQueue already exists\n"


async def test_producing_and_consuming_messages(
    dsn: str, store: pgqrs.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # with the same host name and port
        names = await execute("004_producing_messages", dsn, Producer=pgqrs.Producer)
        await names["produce_messages"]()
        names = await execute("004_consuming_messages", dsn, Consumer=pgqrs.Consumer)
        await names["consume_messages"]()
        out = capsys.readouterr().out
        assert re.fullmatch(r"Sent message: \d+\nProcessing: {.*}\n", out)
    assert [p["data"] for p in await archived(store)] == [123, 123]


async def test_async_support(dsn: str) -> None:
    child = await asyncio.to_thread(run_child, snippets.source("004_async_support", dsn))
    assert child.check().out == "Created: my-queue\n"


async def test_complete_example(dsn: str) -> None:
    code = snippets.source("004_complete_example", dsn)
    first = (await asyncio.to_thread(run_child, code)).check()
    assert re.sub(r"\d+\n", "N\n", first.out) == (
        "".join(f"Sent task {i}: N\n" for i in range(5)) + "Processing: {'task': 0}\nDone!\n"
    )
    again = await asyncio.to_thread(run_child, code)
    assert again.status == 1
    assert "RuntimeError" in again.err or "QueueAlreadyExistsError" in again.err
    assert "already exists" in again.err


async def test_every_snippet_is_run_somewhere() -> None:
    code = "".join(path.read_text() for path in snippets.DIRECTORY.parent.rglob("test_*.py"))
    code += (snippets.DIRECTORY.parents[1] / "typing" / "test_types.py").read_text()
    assert [name for name in snippets.NAMES if f'"{name}"' not in code] == []
