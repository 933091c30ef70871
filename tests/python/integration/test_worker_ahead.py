"""A worker fetches ahead of fast handlers, and only of those."""

from __future__ import annotations

import asyncio
import math

import pytest
from waiting import eventually

import pgqrs
from pgqrs import _places
from pgqrs._places import Places

pytestmark = pytest.mark.asyncio


async def test_what_was_fetched_ahead_is_given_back_as_it_was(store: pgqrs.Store) -> None:
    count, concurrency = 3000, 20
    ids = await pgqrs.produce_batch(store, "tasks", range(count))
    stuck, handled = asyncio.Event(), 0

    async def handler(message: pgqrs.QueueMessage) -> None:
        nonlocal handled
        if handled >= 1500:
            await stuck.wait()
        handled += 1

    worker = pgqrs.Worker(store, {"tasks": handler}, concurrency=concurrency, grace_seconds=0)
    async with worker:
        metrics = store.admin().queue_metrics

        async def more_is_held_than_handled() -> bool:
            return handled >= 1500 and (await metrics("tasks")).leased > concurrency

        await eventually(more_is_held_than_handled)
    assert (await metrics("tasks")).leased == 0
    left = await (await store.get_messages()).list(count)
    assert len(left) == count - handled
    seen = [m for m in left if m.read_ct == 1]  # by handlers that did not finish
    assert 1 <= len(seen) <= concurrency
    unseen = {m.id for m in left if m.read_ct == 0}
    assert len(seen) + len(unseen) == len(left)
    async with await store.consumer("tasks") as consumer:
        following = await consumer.dequeue(5)
    assert [m.id for m in following] == [id for id in ids if id in unseen][:5], "they have their old place in the queue"


async def test_slow_handlers_leave_messages_to_others(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(50))
    never = asyncio.Event()

    async def handler(message: pgqrs.QueueMessage) -> None:
        await never.wait()

    async with pgqrs.Worker(store, {"tasks": handler}, concurrency=10, grace_seconds=0):

        async def ten_are_leased() -> bool:
            return (await store.admin().queue_metrics("tasks")).leased == 10

        await eventually(ten_are_leased)
        async with await store.consumer("tasks") as other:
            assert len(await other.dequeue(100)) == 40


@pytest.mark.parametrize("queues", [1, 2])
async def test_a_queue_waits_with_all_places_only_where_no_other_needs_them(
    store: pgqrs.Store, monkeypatch: pytest.MonkeyPatch, queues: int
) -> None:
    asked: list[tuple[object, object]] = []
    dequeue = pgqrs.Consumer.dequeue

    async def recording(self: pgqrs.Consumer, most: int, lock: object, wait: object, **options: object) -> object:
        asked.append((most, wait))
        return await dequeue(self, most, lock, wait, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pgqrs.Consumer, "dequeue", recording)
    handled: list[object] = []

    async def handler(message: pgqrs.QueueMessage) -> None:
        handled.append(message.payload)

    names = ["tasks", "mails"][:queues]
    for name in names[1:]:
        await store.queue(name)
    async with pgqrs.Worker(store, dict.fromkeys(names, handler), concurrency=10):
        for name in names:
            await pgqrs.produce(store, name, name)

        async def all_handled() -> bool:
            return sorted(map(str, handled)) == sorted(names)

        await eventually(all_handled)
    waits = [most for most, wait in asked if wait == math.inf]
    assert waits and all(most > 1 for most in waits) == (queues == 1)
    assert all(wait == math.inf for _, wait in asked) == (queues == 1)


# --- the arithmetic -------------------------------------------------------------------


async def test_places_are_the_concurrency_until_handlers_prove_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, now = asyncio.get_running_loop(), 100.0
    monkeypatch.setattr(loop, "time", lambda: now)
    places = Places(10)
    assert await places.take_all() == 10
    for _ in range(10):  # ten handlers in 1/32 s: sixteen in 50 ms
        places.working += 1
        places.ended()
        places.settled()
    places._since, now = now, now + 0.03125
    assert await places.take_all() == 26
    places.give(26)
    now += 10  # nothing ended for long
    assert await places.take_all() == 10


async def test_fetching_ahead_waits_for_a_batch_worth_while(monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(10)
    places._ahead, places._since = 40, asyncio.get_running_loop().time() + 3600
    assert await places.take_all() == 50
    fetching = asyncio.create_task(places.take_all())
    await asyncio.sleep(0)
    places.give(20)
    await asyncio.sleep(0)
    assert not fetching.done()
    places.give(1)
    assert await fetching == 21


async def test_a_single_place_is_one_of_a_handler() -> None:
    places = Places(2)
    assert await places.take_all() == 2
    waiting = asyncio.create_task(places.take_one())
    await asyncio.sleep(0)
    assert not waiting.done()
    cancelled = asyncio.create_task(places.take_one())
    await asyncio.sleep(0)
    cancelled.cancel()
    places.give()
    await asyncio.wait_for(waiting, 5)
    places.give(2)
    assert await places.take_all() == 2


async def test_unacknowledged_messages_stop_the_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_places, "SETTLING_MIN", 3)
    places = Places(2)
    for _ in range(2):
        assert await places.take_all() == 2
        for _ in range(2):
            places.working += 1
            places.ended()
    waiting = asyncio.create_task(places.take_all())
    await asyncio.sleep(0)
    assert not waiting.done(), "four are being acknowledged"
    places.settled()
    assert await asyncio.wait_for(waiting, 5) == 2
