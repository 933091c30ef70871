"""Worker: what becomes of messages, by what their handlers do."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from waiting import eventually

import pgqrs

pytestmark = pytest.mark.asyncio

AT_ONCE = pgqrs.Retry(initial_seconds=0)


async def metrics(store: pgqrs.Store, queue: str = "tasks") -> pgqrs.QueueMetrics:
    return await store.admin().queue_metrics(queue)


async def finished(store: pgqrs.Store, count: int, queue: str = "tasks") -> None:
    """Waits until so many messages are archived and none is left."""

    async def check() -> bool:
        now = await metrics(store, queue)
        return now.archived + now.dead == count and now.pending + now.leased + now.delayed == 0

    await eventually(check)


@asynccontextmanager
async def opened(dsn: str, **config: Any) -> AsyncIterator[pgqrs.Store]:
    """A store with settings of its own and the queue "tasks"."""
    async with await pgqrs.connect_with(pgqrs.Config(dsn, **config), bootstrap=True) as store:
        await store.queue("tasks")
        yield store


# --- outcomes -----------------------------------------------------------------------


async def test_async_and_plain_handlers_of_several_queues(store: pgqrs.Store) -> None:
    await store.queue("mails")
    await pgqrs.produce_batch(store, "tasks", range(300))
    await pgqrs.produce_batch(store, "mails", range(30))
    seen: dict[str, list[Any]] = {"tasks": [], "mails": []}

    async def task(msg: pgqrs.QueueMessage) -> str:
        assert threading.current_thread() is threading.main_thread()
        seen["tasks"].append(msg.payload)
        return "whatever but False"

    def mail(msg: pgqrs.QueueMessage) -> int:
        assert threading.current_thread() is not threading.main_thread()
        seen["mails"].append(msg.payload)
        return 0  # equal to False, but not an explicit one

    async with pgqrs.Worker(store, {"tasks": task, "mails": mail}):
        await finished(store, 300)
        await finished(store, 30, "mails")
    assert {name: sorted(payloads) for name, payloads in seen.items()} == {
        "tasks": list(range(300)),
        "mails": list(range(30)),
    }
    workers = await (await store.get_workers()).list()
    assert {w.status for w in workers} == {pgqrs.WorkerStatus.Stopped}


async def test_an_explicit_false_releases(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", 1)
    attempts: list[int] = []

    async def handler(msg: pgqrs.QueueMessage) -> bool:
        attempts.append(msg.read_ct)
        return msg.read_ct == 3

    async with pgqrs.Worker(store, {"tasks": handler}):
        await finished(store, 1)
    assert attempts == [1, 2, 3]


async def test_a_handler_may_acknowledge_itself(store: pgqrs.Store, caplog: pytest.LogCaptureFixture) -> None:
    await pgqrs.produce_batch(store, "tasks", ["delete", "later", "fail"])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    done = asyncio.Event()

    async def handler(msg: pgqrs.QueueMessage) -> None:
        if msg.payload == "delete":
            await msg.delete()
        elif msg.payload == "later":
            await consumer_of(msg).release_with_visibility(msg, tomorrow)
        else:
            await msg.archive()
            done.set()
            raise RuntimeError("after the fact")

    def consumer_of(msg: pgqrs.QueueMessage) -> pgqrs.Consumer:
        assert msg._consumer
        return msg._consumer

    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=1):
        await asyncio.wait_for(done.wait(), 20)
    now = await metrics(store)
    assert (now.archived, now.delayed, now.pending, now.leased) == (1, 1, 0, 0)
    assert "lease was lost" not in caplog.text
    assert "after the fact" in caplog.text


@pytest.mark.parametrize("plain", [False, True])
async def test_a_failure_is_logged_and_tried_again_later(
    store: pgqrs.Store, caplog: pytest.LogCaptureFixture, plain: bool
) -> None:
    id_ = await pgqrs.produce(store, "tasks", {"secret": "in the payload"})

    def fail(_msg: pgqrs.QueueMessage) -> None:
        raise ValueError("no such customer")

    async def fail_too(msg: pgqrs.QueueMessage) -> None:
        fail(msg)

    retry = pgqrs.Retry(initial_seconds=200, factor=3, jitter=0)
    before = datetime.now(UTC)
    async with pgqrs.Worker(store, {"tasks": fail if plain else fail_too}, retry=retry):

        async def released() -> bool:
            return (await metrics(store)).delayed == 1

        await eventually(released)
    message = await (await store.get_messages()).get(id_)
    assert (message.read_ct, message.consumer_worker_id) == (1, None)
    assert timedelta(seconds=195) < message.vt - before < timedelta(seconds=230)
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.name == "pgqrs"
    assert record.exc_info
    assert isinstance(record.exc_info[1], ValueError)
    assert f"message {id_} (attempt 1 of 5, next in 200.0 s): no such customer" in record.getMessage()
    assert "in the payload" not in caplog.text


async def test_attempts_back_off_until_the_message_is_dead(store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.admin().create_queue("thrice", max_read_ct=3)
    id_ = await pgqrs.produce(store, "thrice", 1)
    attempts: list[float] = []
    pauses: list[float] = []
    release = pgqrs.Consumer.release_with_visibility

    async def asked(consumer: pgqrs.Consumer, message: Any, when: datetime) -> bool:
        pauses.append((when - datetime.now(UTC)).total_seconds())
        return await release(consumer, message, when)

    # What the worker asks for, beside what comes of it: a busy machine may be late, but never early.
    monkeypatch.setattr(pgqrs.Consumer, "release_with_visibility", asked)

    async def fail(_msg: pgqrs.QueueMessage) -> None:
        attempts.append(time.monotonic())
        raise ValueError("never works")

    retry = pgqrs.Retry(initial_seconds=0.3, factor=3, jitter=0)
    async with pgqrs.Worker(store, {"thrice": fail}, retry=retry):
        await finished(store, 1, "thrice")
    assert len(attempts) == 3
    assert attempts[1] - attempts[0] >= 0.3
    assert attempts[2] - attempts[1] >= 0.9
    assert pauses[0] < 1.5
    assert pauses[1] < 2.5
    (dead,) = await store.admin().dlq_messages("thrice")
    assert (dead.id, dead.read_ct) == (id_, 3)
    assert dead.dead_reason


async def test_handlers_of_every_kind(store: pgqrs.Store) -> None:
    seen: list[str] = []

    class Callable:
        async def __call__(self, msg: pgqrs.QueueMessage) -> None:
            seen.append(f"object {msg.payload}")

    async def two(word: str, msg: pgqrs.QueueMessage) -> None:
        seen.append(f"{word} {msg.payload}")

    handlers: dict[str, Any] = {
        "a": Callable(),
        "b": functools.partial(two, "partial"),
        "c": lambda msg: two("lambda", msg),
    }
    for queue in handlers:
        await store.queue(queue)
        await pgqrs.produce(store, queue, queue)
    async with pgqrs.Worker(store, handlers):
        for queue in handlers:
            await finished(store, 1, queue)
    assert sorted(seen) == ["lambda c", "object a", "partial b"]


# --- limits --------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True])
async def test_no_more_handlers_at_once_than_allowed(store: pgqrs.Store, plain: bool) -> None:
    await store.queue("mails")
    for queue in ("tasks", "mails"):
        await pgqrs.produce_batch(store, queue, range(30))
    running, most, lock = 0, 0, threading.Lock()

    def count(change: int) -> None:
        nonlocal running, most
        with lock:
            running += change
            most = max(most, running)

    async def handler(_msg: pgqrs.QueueMessage) -> None:
        count(1)
        await asyncio.sleep(0.005)
        count(-1)

    def in_thread(_msg: pgqrs.QueueMessage) -> None:
        count(1)
        time.sleep(0.005)
        count(-1)

    use = in_thread if plain else handler
    async with pgqrs.Worker(store, {"tasks": use, "mails": use}, concurrency=4):
        for queue in ("tasks", "mails"):
            await finished(store, 30, queue)
    assert most == 4


async def test_a_full_worker_leaves_messages_to_others(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(10))
    started, go = asyncio.Event(), asyncio.Event()

    async def handler(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        await go.wait()

    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=2):
        await asyncio.wait_for(started.wait(), 20)
        async with await store.consumer("tasks") as other:
            assert len(await other.dequeue(10)) == 8
            go.set()


async def test_a_handler_that_takes_too_long(store: pgqrs.Store, caplog: pytest.LogCaptureFixture) -> None:
    id_ = await pgqrs.produce(store, "tasks", 1)
    cancelled = asyncio.Event()

    async def slow(_msg: pgqrs.QueueMessage) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    retry = pgqrs.Retry(initial_seconds=60, jitter=0)
    async with pgqrs.Worker(store, {"tasks": slow}, timeout_seconds=0.1, retry=retry):

        async def released() -> bool:
            return (await metrics(store)).delayed == 1

        await eventually(released)
    assert cancelled.is_set()
    assert f"message {id_} (attempt 1 of 5, next in 60.0 s): The handler took longer than 0.1 s." in caplog.text


async def test_a_thread_that_takes_too_long_keeps_its_place(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", ["slow", "quick"])
    told, order = threading.Event(), []

    def handler(msg: pgqrs.QueueMessage) -> None:
        if msg.payload == "slow" and not told.is_set():
            while not msg.lease_lost.is_set():
                time.sleep(0.01)
            time.sleep(0.2)
            order.append("slow ends")
            told.set()
        else:
            order.append(msg.payload)

    worker = pgqrs.Worker(store, {"tasks": handler}, concurrency=1, timeout_seconds=0.1, retry=AT_ONCE)
    async with worker:
        await finished(store, 2)
    assert order[0] == "slow ends"
    assert sorted(order[1:]) == ["quick", "slow"]


async def test_the_handlers_own_timeout_is_a_failure_like_any_other(
    store: pgqrs.Store, caplog: pytest.LogCaptureFixture
) -> None:
    await pgqrs.produce(store, "tasks", 1)

    async def handler(msg: pgqrs.QueueMessage) -> None:
        if msg.read_ct == 1:
            raise TimeoutError("the other service")
        if msg.read_ct == 2:
            raise asyncio.CancelledError

    async with pgqrs.Worker(store, {"tasks": handler}, timeout_seconds=30, retry=AT_ONCE):
        await finished(store, 1)
    assert "the other service" in caplog.text
    assert "attempt 2 of 5" in caplog.text


# --- leases --------------------------------------------------------------------------


async def test_a_lease_outlives_a_blocked_loop(dsn: str) -> None:
    async with opened(dsn, default_lock_time_seconds=1) as store:
        await pgqrs.produce(store, "tasks", 1)
        attempts: list[int] = []

        async def handler(msg: pgqrs.QueueMessage) -> None:
            attempts.append(msg.read_ct)
            time.sleep(3)  # noqa: ASYNC251 (blocks the loop, which is the point)

        async with pgqrs.Worker(store, {"tasks": handler}), pgqrs.Worker(store, {"tasks": handler}):
            await finished(store, 1)
        assert attempts == [1]


@pytest.mark.parametrize("plain", [False, True])
async def test_a_handler_is_told_that_its_lease_was_lost(
    dsn: str, caplog: pytest.LogCaptureFixture, plain: bool
) -> None:
    async with opened(dsn) as store:
        id_ = await pgqrs.produce(store, "tasks", 1)
        started, told = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def in_thread(msg: pgqrs.QueueMessage) -> None:
            loop.call_soon_threadsafe(started.set)
            while not msg.lease_lost.is_set():
                time.sleep(0.01)
            told.set()

        async def in_loop(msg: pgqrs.QueueMessage) -> None:
            started.set()
            await msg.lease_lost.wait()
            told.set()

        handler = in_thread if plain else in_loop
        async with pgqrs.Worker(store, {"tasks": handler}, concurrency=1, lock_seconds=1):
            await asyncio.wait_for(started.wait(), 20)
            message = await (await store.get_messages()).get(id_)
            assert message.consumer_worker_id
            async with await store.consumer("tasks") as thief:
                stealing = asyncio.create_task(thief.dequeue(vt=60, wait=20))
                await store.admin().release_worker_messages(message.consumer_worker_id)
                while not (stolen := await stealing) or stolen[0].read_ct != 2:
                    raise AssertionError("the thief got nothing")

                async def is_told() -> bool:
                    return told.is_set()

                await eventually(is_told)
                assert await stolen[0].archive() is True, "the handler acknowledged nothing"
        assert f"the lease of message {id_} of queue 'tasks' was lost" in caplog.text
        assert "was not archived" in caplog.text


async def test_a_worker_that_was_stopped_by_others_registers_anew(
    store: pgqrs.Store, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    async def handler(msg: pgqrs.QueueMessage) -> None:
        seen.append(msg.payload)

    async with pgqrs.Worker(store, {"tasks": handler}):
        (first,) = await (await store.get_workers()).list()
        await store.admin().release_worker_messages(first.id)
        await pgqrs.produce(store, "tasks", 1)
        await finished(store, 1)
        statuses = [worker.status for worker in await (await store.get_workers()).list()]
        assert statuses == ["stopped", "polling"]
    assert seen == [1]
    assert "registered anew" in caplog.text


async def test_a_suspended_worker_waits(store: pgqrs.Store) -> None:
    async def handler(_msg: pgqrs.QueueMessage) -> None:
        pass

    worker = pgqrs.Worker(store, {"tasks": handler})
    async with worker:
        consumer = worker._queues[0]._consumer
        await consumer.suspend()
        await pgqrs.produce(store, "tasks", 1)
        await asyncio.sleep(0.5)
        assert (await metrics(store)).archived == 0
        await consumer.resume()
        await finished(store, 1)
        assert await (await store.get_workers()).count() == 1


async def test_its_consumers_say_polling_while_it_runs(store: pgqrs.Store) -> None:
    async with pgqrs.Worker(store, {"tasks": print}) as worker:
        consumer = worker._queues[0]._consumer
        assert await consumer.status() == pgqrs.WorkerStatus.Polling
        await consumer.suspend()
        await consumer.resume()
        assert await consumer.status() == pgqrs.WorkerStatus.Polling
    assert [w.status for w in await (await store.get_workers()).list()] == [pgqrs.WorkerStatus.Stopped]


async def test_an_interruption_ends_it(store: pgqrs.Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.queue("mails")
    started, go = asyncio.Event(), asyncio.Event()

    async def handler(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        await go.wait()

    await pgqrs.produce(store, "mails", 1)
    worker = pgqrs.Worker(store, {"tasks": print, "mails": handler})
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(started.wait(), 20)
    await worker._queues[0]._consumer.interrupt()

    async def told() -> bool:
        return "consumer of queue 'tasks' was interrupted" in caplog.text

    await eventually(told)
    assert not running.done()
    go.set()
    await asyncio.wait_for(running, 20)
    assert (await metrics(store, "mails")).archived == 1, "as with stop(), handlers may finish"


# --- the end -------------------------------------------------------------------------


async def test_stop_while_idle_returns_at_once(store: pgqrs.Store) -> None:
    worker = pgqrs.Worker(store, {"tasks": print})
    running = asyncio.create_task(worker.run())

    async def registered() -> bool:
        return await (await store.get_workers()).count() == 1

    await eventually(registered)
    start = time.monotonic()
    worker.stop()
    await running
    assert time.monotonic() - start < 2
    worker.stop()


async def test_stop_before_the_start(store: pgqrs.Store) -> None:
    worker = pgqrs.Worker(store, {"tasks": print})
    worker.stop()
    await asyncio.wait_for(worker.run(), 10)
    with pytest.raises(pgqrs.StateTransitionError, match="make a new one"):
        await worker.run()


async def test_stop_while_the_server_does_not_answer() -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # accepts, and never says a word
    with silent:
        dsn = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db?sslmode=disable"
        worker = pgqrs.Worker(pgqrs.Store(dsn), {"tasks": print})
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(0.1)
        assert not running.done()
        worker.stop()
        await asyncio.wait_for(running, 5)


async def test_stop_lets_handlers_finish(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(50))
    started = asyncio.Event()

    async def handler(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        await asyncio.sleep(0.3)

    worker = pgqrs.Worker(store, {"tasks": handler}, concurrency=5)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(started.wait(), 20)
    worker.stop()
    await running
    now = await metrics(store)
    assert (now.archived, now.leased) == (5, 0)
    assert now.pending == 45
    assert {m.read_ct for m in await (await store.get_messages()).list()} == {0}


@pytest.mark.parametrize("plain", [False, True])
async def test_handlers_that_outlast_the_grace_period_are_released(store: pgqrs.Store, plain: bool) -> None:
    await pgqrs.produce(store, "tasks", 1)
    started, ended = threading.Event(), threading.Event()

    async def in_loop(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    def in_thread(msg: pgqrs.QueueMessage) -> None:
        started.set()
        while not msg.lease_lost.is_set():
            time.sleep(0.01)
        ended.set()

    worker = pgqrs.Worker(store, {"tasks": in_thread if plain else in_loop}, grace_seconds=0.2)
    running = asyncio.create_task(worker.run())
    await asyncio.to_thread(started.wait, 20)
    start = time.monotonic()
    worker.stop()
    await running
    assert time.monotonic() - start < 5
    assert await asyncio.to_thread(ended.wait, 5)
    now = await metrics(store)
    assert (now.archived, now.leased, now.pending) == (0, 0, 1)


async def test_a_cancelled_run_releases_at_once(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", 1)
    started = asyncio.Event()

    async def handler(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        await asyncio.sleep(60)

    running = asyncio.create_task(pgqrs.Worker(store, {"tasks": handler}).run())
    await asyncio.wait_for(started.wait(), 20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    now = await metrics(store)
    assert (now.archived, now.leased, now.pending) == (0, 0, 1)


async def test_a_handler_may_stop_its_worker(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(3))
    worker = pgqrs.Worker(store, {"tasks": lambda _msg: worker.stop()}, concurrency=1)
    await asyncio.wait_for(worker.run(), 20)
    assert (await metrics(store)).archived == 1


async def test_many_messages_and_two_workers_in_a_row(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(2000))
    seen: list[int] = []

    async def handler(msg: pgqrs.QueueMessage) -> None:
        seen.append(msg.payload)
        if len(seen) == 700:
            first.stop()

    first = pgqrs.Worker(store, {"tasks": handler}, concurrency=100)
    await first.run()
    now = await metrics(store)
    assert now.leased == 0
    assert now.archived == len(seen) < 2000
    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=100):
        await finished(store, 2000)
    assert sorted(seen) == list(range(2000))


# --- mistakes ------------------------------------------------------------------------


async def test_an_unknown_queue_is_told_at_the_start(store: pgqrs.Store) -> None:
    with pytest.raises(pgqrs.QueueNotFoundError, match="mails"):
        await pgqrs.Worker(store, {"tasks": print, "mails": print}).run()
    with pytest.raises(pgqrs.QueueNotFoundError, match="mails"):
        async with pgqrs.Worker(store, {"mails": print}):
            raise AssertionError("never entered")
    live = [w for w in await (await store.get_workers()).list() if w.status != "stopped"]
    assert live == []


async def test_a_store_that_is_closed_ends_the_worker(dsn: str) -> None:
    async with opened(dsn) as store:
        running = asyncio.create_task(pgqrs.Worker(store, {"tasks": print}).run())

        async def registered() -> bool:
            return await (await store.get_workers()).count() == 1

        await eventually(registered)
        await store.close()
        with pytest.raises(pgqrs.ClosedError):
            await asyncio.wait_for(running, 20)


@pytest.mark.parametrize(
    ("handlers", "options", "kind", "named"),
    [
        ({}, {}, pgqrs.ValidationError, "handlers"),
        (print, {}, TypeError, "handlers"),
        ({"tasks": 1}, {}, TypeError, r"handlers\['tasks'\]"),
        ({1: print}, {}, TypeError, "handlers"),
        ({"tasks": print}, {"concurrency": 0}, pgqrs.ValidationError, "concurrency"),
        ({"tasks": print}, {"concurrency": True}, TypeError, "concurrency"),
        ({"tasks": print}, {"lock_seconds": 0}, pgqrs.ValidationError, "lock_seconds"),
        ({"tasks": print}, {"timeout_seconds": -1}, pgqrs.ValidationError, "timeout_seconds"),
        ({"tasks": print}, {"grace_seconds": "long"}, TypeError, "grace_seconds"),
        ({"tasks": print}, {"retry": 3}, TypeError, "retry"),
    ],
)
async def test_wrong_arguments(
    store: pgqrs.Store, handlers: Any, options: dict[str, Any], kind: type[Exception], named: str
) -> None:
    with pytest.raises(kind, match=named):
        pgqrs.Worker(store, handlers, **options)
