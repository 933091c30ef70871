"""The bridge between the completion queue and event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from waiting import eventually

import pgqrs
from pgqrs import _bridge, _ops
from pgqrs._native import _codec
from pgqrs._native._cq import Call

pytestmark = pytest.mark.asyncio


def nop() -> Call[None]:
    return Call("pgqrs_cq_nop", (), _codec.read_nothing)


async def leased(store: pgqrs.Store) -> int:
    return (await store.admin().queue_metrics("tasks")).leased


async def test_a_storm_of_completions_leaves_the_loop_its_turn() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticker = asyncio.create_task(tick())
    await asyncio.gather(*[_bridge.run(nop()) for _ in range(5000)])
    ticker.cancel()
    assert ticks > 3


async def test_a_full_queue_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bridge, "MAX_PENDING", 4)
    # A bridge of its own: this loop may have one with the usual limit.
    bridge = _bridge.Bridge(asyncio.get_running_loop())
    monkeypatch.setattr(_bridge, "_bridge", lambda _loop: bridge)
    await asyncio.wait_for(asyncio.gather(*[_bridge.run(nop()) for _ in range(500)]), 20)
    waiting = [asyncio.create_task(_bridge.run(nop())) for _ in range(50)]
    await asyncio.sleep(0)
    for task in waiting[10:20]:  # cancelled while waiting for room
        task.cancel()
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)
    assert [isinstance(r, asyncio.CancelledError) for r in results].count(True) <= 10
    assert await asyncio.wait_for(_bridge.run(nop()), 10) is None
    bridge.close(pgqrs.ClosedError())


async def test_a_decoder_that_fails_fails_its_own_await_only() -> None:
    def broken(_result: int) -> None:
        raise ZeroDivisionError

    results = await asyncio.gather(
        _bridge.run(nop()), _bridge.run(Call("pgqrs_cq_nop", (), broken)), _bridge.run(nop()), return_exceptions=True
    )
    assert [type(r) for r in results] == [type(None), ZeroDivisionError, type(None)]


async def test_a_refused_call_raises_at_once() -> None:
    with pytest.raises(pgqrs.InternalError, match="handle"):
        await _bridge.run(_ops.store_stats(12345))


async def test_closing_a_bridge_fails_what_is_pending(consumer: pgqrs.Consumer) -> None:
    waiting = asyncio.create_task(consumer.dequeue(wait=60))
    await asyncio.sleep(0.05)
    loop = asyncio.get_running_loop()
    _bridge._bridges[loop].close(pgqrs.ClosedError("gone"))
    with pytest.raises(pgqrs.ClosedError, match="gone"):
        await waiting
    assert await consumer.dequeue() == [], "the next call has a new bridge"


@pytest.mark.parametrize("stage", ["at once", "after a turn", "on the wire", "completed"])
async def test_a_cancelled_dequeue_leaves_no_lease(
    store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer, stage: str
) -> None:
    for _ in range(20):
        await producer.enqueue(1)
        task = asyncio.create_task(consumer.dequeue(10, vt=600))
        if stage == "after a turn":
            await asyncio.sleep(0)
        elif stage == "on the wire":
            await asyncio.sleep(0.001)
        elif stage == "completed":
            # Cancelled between the arrival of the result and the turn of the awaiting task.
            done = asyncio.Event()
            original = _bridge.Bridge._complete

            def complete(self: Any, completion: Any, original: Any = original, done: Any = done) -> None:
                original(self, completion)
                task.cancel()  # noqa: B023
                done.set()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(_bridge.Bridge, "_complete", complete)
                await done.wait()
        task.cancel()
        try:
            messages = await task
        except asyncio.CancelledError:
            continue
        await consumer.delete_batch(messages)

    async def as_if_never_leased() -> bool:
        messages = await (await store.get_messages()).list(1000)
        return await leased(store) == 0 and all(m.read_ct == 0 for m in messages)

    await eventually(as_if_never_leased)
    await asyncio.sleep(0.2)  # a claim that was under way all the time would show now
    await eventually(as_if_never_leased)


async def test_a_cancelled_wait_takes_nothing(
    store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer
) -> None:
    waiting = [asyncio.create_task(consumer.dequeue(wait=60, vt=600)) for _ in range(10)]
    await asyncio.sleep(0.1)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await producer.enqueue(1)
    assert len(await consumer.dequeue(wait=10)) == 1


async def test_a_cancelled_enqueue_leaves_a_stored_message_or_none(
    store: pgqrs.Store, producer: pgqrs.Producer
) -> None:
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(100)]
    await asyncio.sleep(0.001)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    ids = {r for r in results if isinstance(r, int)}
    assert len(ids) >= 50

    async def nothing_in_flight() -> bool:
        before = await (await store.get_messages()).count()
        await producer.enqueue("marker")
        return await (await store.get_messages()).count() == before + 1

    await eventually(nothing_in_flight)
    stored = await (await store.get_messages()).list(1000)
    assert ids <= {m.id for m in stored}
    kept = [m.payload for m in stored if m.payload != "marker"]
    assert len(set(kept)) == len(kept) <= 100


async def test_a_dropped_coroutine_is_cancelled(store: pgqrs.Store, consumer: pgqrs.Consumer) -> None:
    coroutine = consumer.dequeue(wait=60)
    coroutine.send(None)  # submitted, and never awaited to its end
    coroutine.close()
    await pgqrs.produce(store, "tasks", 1)
    assert len(await consumer.dequeue(wait=10)) == 1


async def test_several_awaits_open_once_even_when_one_is_cancelled(dsn: str, store: pgqrs.Store) -> None:
    producer = pgqrs.Producer(dsn, "tasks")
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(20)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(r) for r in results].count(int) == 19
    assert await (await store.get_workers()).count() == 1
    await producer.close()


# --- loops and threads ------------------------------------------------------------------


def in_a_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine on a loop of its own in a thread of its own."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(asyncio.run(coroutine)))
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "hangs"
    assert result, "failed; see the thread's traceback"
    return result[0]


async def test_two_loops_in_two_threads_share_one_store(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    async def elsewhere() -> list[int]:
        return list(await asyncio.gather(*[producer.enqueue(n) for n in range(200)]))

    there = asyncio.create_task(asyncio.to_thread(in_a_thread, elsewhere()))
    here = await asyncio.gather(*[producer.enqueue(n) for n in range(200)])
    assert len({*here, *await there}) == 400
    assert await (await store.get_messages()).count() == 400


async def test_objects_outlive_the_loop_they_were_made_on(dsn: str, store: pgqrs.Store) -> None:
    made: list[pgqrs.Producer] = []

    async def first() -> int:
        made.append(pgqrs.Producer(dsn, "tasks"))
        return await made[0].enqueue(1)

    async def second() -> int:
        return await made[0].enqueue(2)

    one = await asyncio.to_thread(in_a_thread, first())
    two = await asyncio.to_thread(in_a_thread, second())
    assert two > one
    await made[0].close()


async def test_a_loop_closed_with_operations_pending_harms_nobody(store: pgqrs.Store) -> None:
    async def leave() -> bool:
        consumer = await store.consumer("tasks")
        tasks.extend(asyncio.create_task(consumer.dequeue(wait=60, vt=600)) for _ in range(20))
        await asyncio.sleep(0.05)
        return True

    def abrupt() -> bool:
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(leave())
        finally:
            loop.close()  # without cancelling anything

    tasks: list[asyncio.Task[Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert await asyncio.to_thread(abrupt)
        tasks.clear()
        gc.collect()
    await pgqrs.produce(store, "tasks", 1)

    async def available() -> bool:
        async with await store.consumer("tasks") as consumer:
            return len(await consumer.dequeue()) == 1

    await eventually(available)


async def test_rounds_of_everything_leave_nothing_behind(store: pgqrs.Store) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def round_() -> bool:
        async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
            await producer.enqueue_batch(range(10))
            for msg in await consumer.dequeue(5):
                await msg.archive()
            async for msg in store.consume_iter("tasks", batch_size=5):
                if msg.payload >= 8:
                    break
            await store.admin().purge_queue("tasks")
        return True

    sizes = []
    for _ in range(5):
        await asyncio.to_thread(in_a_thread, round_())
        gc.collect()
        await asyncio.sleep(0.2)
        sizes.append((descriptors(), len(_bridge._bridges), len(gc.get_objects())))
    assert sizes[-1][0] <= sizes[1][0] + 1
    assert sizes[-1][1] <= sizes[1][1]
    assert sizes[-1][2] <= sizes[1][2] + 500


# --- constructors that wait -------------------------------------------------------------


async def test_constructors_wait_beside_awaits_in_flight(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    for _ in range(4):
        tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(100)]
        await asyncio.sleep(0)
        workers = [pgqrs.Producer(store, "tasks") for _ in range(25)]
        await asyncio.gather(*tasks)
        assert len({w.worker_id for w in workers}) == 25
        await asyncio.gather(*[w.close() for w in workers])


# --- forgetting to close ----------------------------------------------------------------


async def test_a_forgotten_store_warns(sqlite_dsn: str) -> None:
    store = await pgqrs.connect(sqlite_dsn)
    with pytest.warns(ResourceWarning, match="unclosed store"):
        del store
        gc.collect()
    asyncio.get_running_loop().set_debug(True)
    store = await pgqrs.connect(sqlite_dsn)
    with pytest.warns(ResourceWarning, match="(?s)unclosed store.*test_a_forgotten_store_warns"):
        del store
        gc.collect()


async def test_a_closed_store_does_not_warn(sqlite_dsn: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        async with await pgqrs.connect(sqlite_dsn):
            pass
        gc.collect()


async def test_the_queue_descriptor_is_not_inherited(store: pgqrs.Store) -> None:
    bridge = _bridge._bridges[asyncio.get_running_loop()]
    assert not os.get_inheritable(bridge._queue.fd)


async def test_a_store_that_another_thread_closes_at_the_same_moment(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await pgqrs.connect(dsn, bootstrap=True)
    stop = _ops.store_stop

    def stop_after_another(number: int) -> Any:
        other = threading.Thread(target=store._connection._handle.close)
        other.start()
        other.join()
        return stop(number)

    monkeypatch.setattr(_ops, "store_stop", stop_after_another)
    await store.close()
