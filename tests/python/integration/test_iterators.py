"""Iterators: both forms, and how a loop can end."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest
from waiting import eventually

import pgqrs
from pgqrs import _loops

pytestmark = pytest.mark.asyncio


async def counts(store: pgqrs.Store) -> tuple[int, int, int]:
    metrics = await store.admin().queue_metrics("tasks")
    return metrics.pending, metrics.leased, metrics.archived


async def settled(store: pgqrs.Store, pending: int, leased: int, archived: int) -> None:
    """Waits until the counts are these and no ephemeral worker is left."""

    async def reached() -> bool:
        gc.collect()
        workers = await (await store.get_workers()).count()
        return (await counts(store), workers) == ((pending, leased, archived), 0)

    await eventually(reached)


async def test_break_releases_what_is_held(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(10))
    seen = []
    async for msg in pgqrs.consume_iter(store, "tasks", batch_size=4):
        seen.append(msg.payload)
        if msg.payload == 2:
            break
        assert await msg.archive() is True
    assert seen == [0, 1, 2]
    # The loop variable is still here and keeps its consumer; what it held is free all the same.
    await settled(store, pending=8, leased=0, archived=2)
    messages = await (await store.get_messages()).list()
    assert [m.read_ct for m in messages] == [1] + [0] * 7, "prefetched and never seen: as if never leased"
    with pytest.raises(pgqrs.ClosedError):
        await msg.archive()


async def test_a_body_that_ends_archives_what_it_left(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(4))
    async with store.consume_iter("tasks") as iterator:
        async for msg in iterator:
            if msg.payload == 1:
                await msg.delete()
            if msg.payload == 2:
                await msg.release()
                break
    await settled(store, pending=2, leased=0, archived=1)


async def test_an_exception_in_the_body_releases(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(3))
    with pytest.raises(LookupError):
        async with store.consume_iter("tasks", batch_size=3) as iterator:
            async for msg in iterator:
                await iterator.archive(msg.id)
                raise LookupError
    await settled(store, pending=2, leased=0, archived=1)
    with pytest.raises(LookupError):
        async for _msg in store.consume_iter("tasks", batch_size=3):
            raise LookupError
    await settled(store, pending=2, leased=0, archived=1)


async def test_cancelling_a_waiting_loop_leaves_nothing(store: pgqrs.Store) -> None:
    async def loop() -> None:
        async for msg in store.consume_iter("tasks"):
            seen.append(msg.id)

    seen: list[int] = []
    task = asyncio.create_task(loop())
    await pgqrs.produce(store, "tasks", 1)
    await eventually(lambda: archived(store, 1))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await pgqrs.produce(store, "tasks", 2)
    await settled(store, pending=1, leased=0, archived=1)
    assert len(seen) == 1


async def archived(store: pgqrs.Store, wanted: int) -> bool:
    return (await counts(store))[2] == wanted


async def test_a_timed_out_advance_can_be_repeated(store: pgqrs.Store) -> None:
    iterator = store.consume_iter("tasks", poll_interval_ms=50)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(iterator), 0.2)
    await pgqrs.produce(store, "tasks", "x")
    assert (await asyncio.wait_for(anext(iterator), 10)).payload == "x"
    await iterator.close()
    await iterator.close()
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)
    with pytest.raises(pgqrs.ClosedError):
        await iterator.archive(1)
    await settled(store, pending=1, leased=0, archived=0)


async def test_acknowledging_through_the_iterator(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(3))
    async with store.consume_iter("tasks", vt=30) as iterator:
        msg = await anext(iterator)
        assert await iterator.extend_vt(msg.id, 60) is True
        assert await iterator.archive(msg.id) is True
        assert await iterator.archive(msg) is False
        msg = await anext(iterator)
        assert await iterator.delete(msg.id) is True
        assert (await anext(iterator)).payload == 2
    await settled(store, pending=1, leased=0, archived=1)


async def test_unknown_queues_raise(store: pgqrs.Store) -> None:
    with pytest.raises(pgqrs.QueueNotFoundError, match="none"):
        async for _msg in store.consume_iter("none"):
            pass
    with pytest.raises(pgqrs.QueueNotFoundError):
        async with store.consume_iter("none"):
            pass


async def test_several_loops_share_a_queue(store: pgqrs.Store) -> None:
    async def loop() -> None:
        async for msg in store.consume_iter("tasks", batch_size=5):
            seen.append(msg.id)
            await msg.archive()

    seen: list[int] = []
    tasks = [asyncio.create_task(loop()) for _ in range(4)]
    ids = await pgqrs.produce_batch(store, "tasks", range(200))
    await eventually(lambda: archived(store, 200))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(seen) == ids
    await settled(store, pending=0, leased=0, archived=200)


async def test_leases_outlive_their_lock_time_while_the_body_runs(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", 1)
    # Long enough for a machine that stands still for a moment: what is kept alive is renewed each third of it.
    async with store.consume_iter("tasks", vt=1.5) as iterator, await store.consumer("tasks") as thief:
        msg = await anext(iterator)
        assert await thief.dequeue(wait=4) == []
        assert await msg.archive() is True


async def test_a_long_body_keeps_its_lease_and_a_forgotten_loop_does_not(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_loops, "KEEP_SECONDS", 1.5)  # 15 minutes, for an impatient test
    config = pgqrs.Config(dsn, default_lock_time_seconds=0.6)
    async with await pgqrs.connect_with(config, bootstrap=True) as store:
        await store.queue("tasks")
        await pgqrs.produce_batch(store, "tasks", [1, 2, 3])
        async with await store.consumer("tasks") as other:
            iterator = store.consume_iter("tasks", batch_size=2)

            async def work() -> pgqrs.QueueMessage:
                message = await anext(iterator)
                assert [m.payload for m in await other.dequeue(10, vt=60)] == [3]
                await asyncio.sleep(2)
                time.sleep(2)  # noqa: ASYNC251 (blocks the loop, which is allowed)
                assert await other.dequeue(10) == [], "the body runs, for longer than a loop is kept without a sign"
                return message

            message = await asyncio.create_task(work())
            # The task that advanced the iterator has ended, and nobody else does.
            (first, second) = await other.dequeue(1, wait=10), await other.dequeue(1, wait=10)
            assert sorted(m.payload for m in first + second) == [1, 2]
            assert {m.read_ct for m in first + second} == {2}
            assert await message.archive() is False
            await iterator.close()
            assert not _loops._watch._loops


async def test_a_loop_is_polling_until_it_is_interrupted(store: pgqrs.Store) -> None:
    async with store.consume_iter("tasks") as iterator:
        (worker,) = await (await store.get_workers()).list()
        assert worker.status == pgqrs.WorkerStatus.Polling
        waiting = asyncio.create_task(anext(iterator))
        assert iterator._held
        await asyncio.sleep(0.1)
        await iterator._held.consumer.interrupt()
        with pytest.raises(pgqrs.StateTransitionError, match="interrupted"):
            await asyncio.wait_for(waiting, 10)
