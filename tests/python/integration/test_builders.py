"""The builders of upstream's style, on both engines."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from waiting import eventually

import pgqrs

pytestmark = pytest.mark.asyncio


async def metrics(store: pgqrs.Store) -> tuple[int, int, int, int]:
    counted = await store.admin().queue_metrics("tasks")
    return counted.pending, counted.delayed, counted.leased, counted.archived


# --- enqueue ---------------------------------------------------------------------------


async def test_enqueue_to_a_queue(store: pgqrs.Store) -> None:
    ids = await pgqrs.enqueue().message({"n": 1}).messages(["two", 3]).to("tasks").execute(store)
    assert ids == sorted(ids)
    assert [m.payload for m in await (await store.get_messages()).list()] == [{"n": 1}, "two", 3]
    assert await pgqrs.enqueue().to("tasks").execute(store) == []
    assert await (await store.get_workers()).count() == 0
    with pytest.raises(pgqrs.QueueNotFoundError, match="none"):
        await pgqrs.enqueue().message(1).to("none").execute(store)


async def test_enqueue_by_a_producer_later(store: pgqrs.Store) -> None:
    async with await store.producer("tasks") as producer:
        when = datetime.now(UTC) + timedelta(hours=1)
        (first,) = await pgqrs.enqueue().message(1).worker(producer).delay(300).execute(store)
        (second,) = await pgqrs.enqueue().message(2).worker(producer).at(when).execute(store.admin())
        messages = await store.get_messages()
        delayed = await messages.get(first)
        assert delayed.producer_worker_id == producer.worker_id
        assert delayed.vt - delayed.enqueued_at == timedelta(seconds=300)
        assert (await messages.get(second)).vt == when


@pytest.mark.parametrize(
    "wrong",
    [
        lambda store: pgqrs.enqueue().message(1).execute(store),
        lambda store: pgqrs.enqueue().message(1).to("tasks").delay(1).at(datetime.now(UTC)).execute(store),
        lambda store: pgqrs.dequeue().fetch_all(store),
        lambda store: pgqrs.dequeue().from_queue("tasks").execute(store),
        lambda store: pgqrs.dequeue().from_queue("tasks").poll(store),
        lambda store: pgqrs.dequeue().from_queue("tasks").handle(print).at(datetime.now(UTC)).poll(store),
    ],
)
async def test_what_is_missing_or_contradicts_itself(
    store: pgqrs.Store, wrong: Callable[[pgqrs.Store], Awaitable[object]]
) -> None:
    with pytest.raises(pgqrs.ValidationError, match=r"(Give either|Say what|single fetch)"):
        await wrong(store)


async def test_each_step_checks_its_argument() -> None:
    wrong: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: pgqrs.enqueue().messages("text"), TypeError, "payloads"),
        (lambda: pgqrs.enqueue().delay(-1), ValueError, "seconds"),
        (lambda: pgqrs.enqueue().at(datetime.now()), ValueError, "when"),
        (lambda: pgqrs.enqueue().worker("tasks"), TypeError, "worker"),  # type: ignore[arg-type]
        (lambda: pgqrs.dequeue().from_queue(""), ValueError, "queue"),
        (lambda: pgqrs.dequeue().batch(0), ValueError, "size"),
        (lambda: pgqrs.dequeue().vt(0), ValueError, "seconds"),
        (lambda: pgqrs.dequeue().poll_interval(0), ValueError, "seconds"),
        (lambda: pgqrs.dequeue().handle(None), TypeError, "handler"),  # type: ignore[arg-type]
        (lambda: pgqrs.enqueue(1), TypeError, "builder"),  # type: ignore[call-overload]
    ]
    for call, kind, text in wrong:
        with pytest.raises(kind, match=text):
            call()


# --- dequeue ---------------------------------------------------------------------------


async def test_fetching(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(5))
    async with await store.consumer("tasks") as consumer:
        builder = pgqrs.dequeue().worker(consumer).vt_offset(300)
        one = await builder.fetch_one(store)
        assert one is not None
        assert (one.payload, one.consumer_worker_id) == (0, consumer.worker_id)
        assert 290 < (one.vt - datetime.now(UTC)).total_seconds() < 310
        assert [m.payload for m in await builder.batch(2).fetch_all(store)] == [1, 2]
        rest = await pgqrs.dequeue().from_queue("tasks").vt(30).fetch_all(store)
        assert [m.payload for m in rest] == [3, 4], "as many as a batch has by default"
        assert all([await m.archive() for m in rest])
        del rest
        gc.collect()
        assert await builder.wait(0.05).fetch_one(store) is None
        assert await pgqrs.dequeue().from_queue("tasks").fetch_all(store) == []
        soon = datetime.now(UTC) + timedelta(seconds=60)
        await consumer.release_with_visibility(one, datetime.now(UTC) + timedelta(seconds=50))
        assert [m.id for m in await pgqrs.dequeue().worker(consumer).at(soon).fetch_all(store)] == [one.id]


async def test_handling_once(store: pgqrs.Store) -> None:
    seen: list[Any] = []

    async def handler(msg: pgqrs.QueueMessage) -> object:
        seen.append(msg.payload)
        if msg.payload == "bad":
            raise LookupError("bad")
        return msg.payload != "keep"

    builder = pgqrs.dequeue().from_queue("tasks").handle(handler)
    assert await builder.execute(store) == 0
    await pgqrs.produce_batch(store, "tasks", ["a", "keep", "b", "c", "bad", "d"])
    assert await builder.execute(store) == 1, "one message when no batch is given"
    assert await builder.batch(3).execute(store) == 3
    assert await metrics(store) == (3, 0, 0, 3)
    with pytest.raises(LookupError, match="bad"):
        await builder.execute(store)
    assert seen == ["a", "keep", "b", "c", "bad"]
    assert [(m.payload, m.read_ct) for m in await (await store.get_messages()).list()] == [
        ("keep", 1),
        ("bad", 1),
        ("d", 0),  # what no handler saw is as if it had never been leased
    ]
    sizes: list[int] = []
    assert await builder.handle_batch(lambda messages: sizes.append(len(messages))).execute(store) == 3
    assert sizes == [3]
    assert await metrics(store) == (0, 0, 0, 6)
    assert await (await store.get_workers()).count() == 0


async def test_polling_until_interrupted(
    store: pgqrs.Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The message that fails must not come back while this test is under way, however slow the machine is.
    monkeypatch.setattr("pgqrs._builders.Retry", lambda: pgqrs.Retry(initial_seconds=3600, max_seconds=3600))
    done = asyncio.Event()

    def handler(msg: pgqrs.QueueMessage) -> None:
        if msg.payload == "bad":
            raise LookupError("bad luck")
        if msg.payload == "last":
            done.set()

    async with await store.consumer("tasks") as consumer:
        poll = pgqrs.dequeue().worker(consumer).batch(4).handle(handler).poll(store)
        polling = asyncio.create_task(poll)
        with caplog.at_level(logging.ERROR, "pgqrs"):
            await pgqrs.produce_batch(store, "tasks", ["a", "bad", "b"])
            await pgqrs.produce(store, "tasks", "last")
            await asyncio.wait_for(done.wait(), 10)
        await eventually(lambda: _is(store, (0, 1, 0, 3)))
        assert await consumer.status() == pgqrs.WorkerStatus.Polling
        assert "bad luck" in caplog.text
        await consumer.interrupt()
        assert await asyncio.wait_for(polling, 10) == 4
        assert await consumer.status() == pgqrs.WorkerStatus.Interrupted
        assert await pgqrs.dequeue().worker(consumer).handle(handler).poll(store) == 0
        await consumer.resume()
        assert await consumer.dequeue() == []


async def test_a_consumer_is_ready_again_after_its_polls(store: pgqrs.Store) -> None:
    async with await store.consumer("tasks") as consumer:
        polls = [
            asyncio.create_task(pgqrs.dequeue().worker(consumer).handle(print).poll(store)),
            asyncio.create_task(pgqrs.dequeue().worker(consumer).handle(print).poll(store)),
        ]

        async def polling() -> bool:
            return await consumer.status() == pgqrs.WorkerStatus.Polling

        await eventually(polling)
        for poll in polls:
            poll.cancel()
        await asyncio.wait(polls)
        assert await consumer.status() == pgqrs.WorkerStatus.Ready


async def test_a_poll_that_is_cancelled_while_it_begins_leaves_its_consumer_ready(store: pgqrs.Store) -> None:
    async with await store.consumer("tasks") as consumer:
        for step in range(40):  # of a quarter of a millisecond, through all that a poll begins with
            poll = asyncio.create_task(pgqrs.dequeue().worker(consumer).handle(print).poll(store))
            await asyncio.sleep(step / 4000)
            poll.cancel()
            await asyncio.wait([poll])
            assert poll.cancelled()
            assert await consumer.status() == pgqrs.WorkerStatus.Ready, step


async def _is(store: pgqrs.Store, wanted: tuple[int, int, int, int]) -> bool:
    return await metrics(store) == wanted


@pytest.mark.parametrize("interval", [0.05, math.inf])
async def test_polling_until_cancelled(store: pgqrs.Store, interval: float) -> None:
    started = asyncio.Event()

    async def handler(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        await asyncio.Event().wait()

    builder = pgqrs.dequeue().from_queue("tasks").batch(2).handle(handler)
    if interval != math.inf:
        builder.poll_interval(interval)
    polling = asyncio.create_task(builder.poll(store))
    await asyncio.sleep(0.2)
    await pgqrs.produce_batch(store, "tasks", range(2))
    await asyncio.wait_for(started.wait(), 10)
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling
    assert await metrics(store) == (2, 0, 0, 0)
    assert await (await store.get_workers()).count() == 0


async def test_a_suspended_consumer_does_not_poll(store: pgqrs.Store) -> None:
    async with await store.consumer("tasks") as consumer:
        await consumer.suspend()
        with pytest.raises(pgqrs.StateTransitionError):
            await pgqrs.dequeue().worker(consumer).handle(print).poll(store)
