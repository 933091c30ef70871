"""Worker: acknowledgements that no task waits for, and what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
import copy
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from waiting import eventually

import pgqrs
from pgqrs import _ops, _serving
from pgqrs._places import AHEAD_MAX
from pgqrs._tasks import Tasks

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def held_up(
    pg_server: str, pg_schema: str, pg_dsn: str, count: int, **options: Any
) -> AsyncIterator[tuple[pgqrs.Worker, asyncio.Task[None]]]:
    """Handles so many messages whose acknowledgements wait until the end of the block, after which the worker
    has to end."""
    begun, go = asyncio.Semaphore(0), asyncio.Event()

    async def handler(_message: pgqrs.QueueMessage) -> None:
        begun.release()
        await go.wait()

    async with await pgqrs.connect(pg_dsn, bootstrap=True) as store:
        await store.queue("tasks")
        await pgqrs.produce_batch(store, "tasks", range(count))
        worker = pgqrs.Worker(store, {"tasks": handler}, concurrency=count, **options)
        run, host = asyncio.create_task(worker.run()), worker._host
        for _ in range(count):
            await asyncio.wait_for(begun.acquire(), 20)
        async with await psycopg.AsyncConnection.connect(pg_server) as other:  # which ends its transaction
            await other.execute(f'select id from "{pg_schema}".pgqrs_messages for update'.encode())
            go.set()

            async def nothing_runs() -> bool:
                return len(host._receipts) == count and not host._running

            await eventually(nothing_runs)
            yield worker, run
        await asyncio.wait_for(run, 20)
        assert host.unfinished == 0
        pending, leased, archived = await counts(store)
        assert leased == 0 and pending + archived == count, "each is one or the other"


async def counts(store: pgqrs.Store) -> tuple[int, int, int]:
    now = await store.admin().queue_metrics("tasks")
    return now.pending, now.leased, now.archived


async def archived(store: pgqrs.Store, count: int) -> None:
    """Waits until so many messages are archived."""

    async def check() -> bool:
        return (await counts(store))[2] == count

    await eventually(check)


async def test_stop_waits_for_acknowledgements(pg_server: str, pg_schema: str, pg_dsn: str) -> None:
    async with held_up(pg_server, pg_schema, pg_dsn, 3) as (worker, run):
        worker.stop()
        _, waiting = await asyncio.wait([run], timeout=0.3)
        assert waiting, "there are no outcomes yet"
        assert worker._host.unfinished == 3
    async with await pgqrs.connect(pg_dsn) as store:
        assert await counts(store) == (0, 0, 3)


async def test_acknowledgements_that_outlast_the_grace_period_are_given_up(
    pg_server: str, pg_schema: str, pg_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def told() -> bool:
        return "3 handlers did not finish within the grace period" in caplog.text

    async with held_up(pg_server, pg_schema, pg_dsn, 3, grace_seconds=0.1) as (worker, _):
        worker.stop()
        await eventually(told)


async def test_one_whose_operation_was_cancelled_is_released(pg_server: str, pg_schema: str, pg_dsn: str) -> None:
    async with held_up(pg_server, pg_schema, pg_dsn, 2) as (worker, _):
        worker.stop()
        for receipt in list(worker._host._receipts._groups):
            receipt.cancel()  # as a group does whose operation ended so, before it reached the database
            receipt.cancel()  # it does not ask who has left already: others may still wait for it
        assert len(worker._host._running) == 2


def failing(monkeypatch: pytest.MonkeyPatch, problem: Exception, times: int) -> Callable[[], int]:
    """Makes as many archive operations fail when they are submitted; returns how many did."""
    archive, failed = _ops.archive, 0

    def broken(*args: Any, **options: Any) -> Any:
        nonlocal failed
        if failed < times:
            failed += 1
            raise copy.copy(problem)
        return archive(*args, **options)

    monkeypatch.setattr(_ops, "archive", broken)
    return lambda: failed


@pytest.mark.parametrize("count", [1, 40], ids=["in a turn of the loop", "at once"])
async def test_what_fails_for_the_moment_is_tried_again(
    store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    monkeypatch.setattr(_serving, "TROUBLE", pgqrs.Retry(initial_seconds=0.01))
    failed = failing(monkeypatch, pgqrs.PgqrsError("no route", transient=True), 2)
    await pgqrs.produce_batch(store, "tasks", range(count))
    handled: list[int] = []

    async def handler(message: pgqrs.QueueMessage) -> None:
        handled.append(message.id)

    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=40) as worker:
        await archived(store, count)
    assert failed() == 2
    assert worker._host.unfinished == 0
    assert len(handled) == len(set(handled)) == count
    assert "is not archived yet: no route" in caplog.text
    assert "was not archived" not in caplog.text


async def test_what_is_refused_for_good_is_told(
    store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing(monkeypatch, pgqrs.PgqrsError("for good"), 1)
    await pgqrs.produce(store, "tasks", 1)

    async def told() -> bool:
        return "was not archived" in caplog.text

    async with pgqrs.Worker(store, {"tasks": print}):
        await eventually(told)
    (record,) = [each for each in caplog.records if "was not archived" in each.getMessage()]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None and str(record.exc_info[1]) == "for good"
    assert await counts(store) == (1, 0, 0), "the end of the consumer gave it back"


async def test_what_fails_by_a_bug_is_given_back(store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("a bug"), 1)
    await pgqrs.produce(store, "tasks", 1)
    attempts: list[int] = []

    async with pgqrs.Worker(store, {"tasks": lambda message: attempts.append(message.read_ct)}):
        await archived(store, 1)
    assert attempts == [1, 2]


async def test_a_handler_that_cancels_itself_at_the_last_moment_has_succeeded(store: pgqrs.Store) -> None:
    async def handler(_message: pgqrs.QueueMessage) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    await pgqrs.produce(store, "tasks", 1)

    async with pgqrs.Worker(store, {"tasks": handler}):
        await archived(store, 1)


EAGER = pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks before Python 3.12")


def eager() -> None:
    asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))


@EAGER
async def test_eager_tasks(store: pgqrs.Store) -> None:
    eager()
    count, go = 3000, asyncio.Event()

    async def handler(message: pgqrs.QueueMessage) -> None:
        if message.payload < 20:
            await go.wait()

    await pgqrs.produce_batch(store, "tasks", range(count))
    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=30) as worker:
        await archived(store, count - 20)
        go.set()
        await archived(store, count)
    assert worker._host.unfinished == 0


@EAGER
async def test_eager_tasks_of_what_was_fetched_ahead_do_not_start_one_another(store: pgqrs.Store) -> None:
    eager()
    count, go = AHEAD_MAX, asyncio.Event()
    await pgqrs.produce_batch(store, "tasks", range(count))
    handled: list[int] = []

    async def handler(message: pgqrs.QueueMessage) -> None:
        if message.payload == 0:
            await go.wait()
        handled.append(message.id)

    worker = pgqrs.Worker(store, {"tasks": handler}, concurrency=1)
    places = worker._host._places
    places._ahead, places._since = count, asyncio.get_running_loop().time() + 3600  # as if handlers had proved fast
    async with worker:

        async def fetched() -> bool:
            return len(worker._host._ahead) == count - 1

        await eventually(fetched)
        go.set()
        await archived(store, count)
    assert sorted(handled) == sorted(set(handled)) and len(handled) == count


def cancelled_before_it_begins(monkeypatch: pytest.MonkeyPatch, method: str, times: int = 1) -> asyncio.Event:
    """Cancels the tasks that a method of Tasks begins before their first step, as who cancels
    all tasks of a loop may; the event tells that it was done."""
    begin, done = getattr(Tasks, method), asyncio.Event()

    def begin_and_cancel(host: Tasks, *args: Any) -> None:
        nonlocal times
        begin(host, *args)
        if times:
            times -= 1
            for task in host._running:
                task.cancel()
            done.set()

    monkeypatch.setattr(Tasks, method, begin_and_cancel)
    return done


async def test_a_handler_that_was_cancelled_before_it_began_does_not_hold_the_end_up(
    store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = asyncio.Event()

    async def handler(_message: pgqrs.QueueMessage) -> None:
        handled.set()

    cancelled = cancelled_before_it_begins(monkeypatch, "_launch", 1000)
    worker = pgqrs.Worker(store, {"tasks": handler})
    run = asyncio.create_task(worker.run())
    await pgqrs.produce(store, "tasks", 1)
    await asyncio.wait_for(cancelled.wait(), 20)
    worker.stop()
    await asyncio.wait_for(run, 20)
    assert not handled.is_set()
    assert await counts(store) == (1, 0, 0)


async def test_a_handler_that_was_cancelled_before_it_began_leaves_message_and_place_to_the_next(
    store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    async def handler(message: pgqrs.QueueMessage) -> None:
        attempts.append(message.read_ct)

    cancelled = cancelled_before_it_begins(monkeypatch, "_launch")
    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=1) as worker:
        await pgqrs.produce(store, "tasks", 1)
        await asyncio.wait_for(cancelled.wait(), 20)
        await archived(store, 1)
    assert attempts == [1], "the first lease does not count: no handler saw it"
    assert worker._host.unfinished == 0


async def test_an_archive_that_was_cancelled_before_it_was_tried_again_releases_its_message(
    store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    async def handler(message: pgqrs.QueueMessage) -> None:
        attempts.append(message.read_ct)

    failing(monkeypatch, pgqrs.PgqrsError("no route", transient=True), 1)
    cancelled = cancelled_before_it_begins(monkeypatch, "_received")
    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=1) as worker:
        await pgqrs.produce(store, "tasks", 1)
        await asyncio.wait_for(cancelled.wait(), 20)
        await archived(store, 1)
    assert attempts == [1, 2]
    assert worker._host.unfinished == 0
