"""Table objects, dead letters and worker statistics, on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

import pgqrs

pytestmark = pytest.mark.asyncio


async def test_queues(store: pgqrs.Store) -> None:
    queues = await store.get_queues()
    other = await store.queue("other")
    assert await queues.count() == 2
    assert await queues.get(other.id) == await queues.get("other") == other
    for missing in (other.id + 1000, "none"):
        with pytest.raises(pgqrs.QueueNotFoundError):
            await queues.get(missing)
    with pytest.raises(TypeError, match="id"):
        await queues.get(1.5)  # type: ignore[arg-type]


async def test_worker_stats(store: pgqrs.Store) -> None:
    admin, workers = store.admin(), await store.get_workers()
    await store.queue("idle")
    before = datetime.now(UTC) - timedelta(minutes=1)
    async with await store.producer("tasks"), await store.consumer("tasks") as suspended:
        await suspended.suspend()
        stopped, interrupted = await store.consumer("tasks"), await store.consumer("tasks")
        await stopped.shutdown()
        await interrupted.interrupt()
        idle, tasks = sorted(await admin.worker_stats(), key=lambda stats: stats.queue_name)
        assert (tasks.queue_name, tasks.total, tasks.producers, tasks.consumers) == ("tasks", 4, 1, 3)
        assert (tasks.ready, tasks.suspended, tasks.interrupted, tasks.stopped) == (1, 1, 1, 1)
        assert tasks.oldest_heartbeat is not None
        assert tasks.newest_heartbeat is not None
        assert before < tasks.oldest_heartbeat <= tasks.newest_heartbeat
        assert (idle.total, idle.oldest_heartbeat, idle.newest_heartbeat) == (0, None, None)
        assert [stats.queue_name for stats in await admin.worker_stats("idle")] == ["idle"]

        (health,) = await admin.worker_health_stats(queue="tasks")
        assert (health.queue_id, health.total, health.healthy, health.stale, health.stopped) == (
            tasks.queue_id,
            4,
            3,
            0,
            1,
        )
        await asyncio.sleep(0.05)
        (health,) = await workers.health_stats(timedelta(milliseconds=1), queue="tasks")
        assert (health.healthy, health.stale, health.stopped) == (0, 3, 1)
        assert len(await workers.health_stats()) == len(await admin.worker_health_stats()) == 2
        assert len(await workers.filter_by_queue("tasks")) == 4
        assert await workers.purge_stale(3600) == 1, "the stopped one"
        with pytest.raises(pgqrs.QueueNotFoundError):
            await admin.worker_stats("none")


async def test_interrupting_a_consumer(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", 1)
    async with await store.consumer("tasks") as consumer:
        (held,) = await consumer.dequeue(vt=60)
        waiting = asyncio.create_task(consumer.dequeue(wait=60))
        await asyncio.sleep(0.1)
        await consumer.interrupt()
        assert await asyncio.wait_for(waiting, 5) == []
        with pytest.raises(pgqrs.StateTransitionError):
            await consumer.dequeue()
        with pytest.raises(pgqrs.StateTransitionError):
            await consumer.interrupt()
        assert await held.archive() is True, "what it holds it keeps"
        await consumer.resume()
        assert await consumer.status() == pgqrs.WorkerStatus.Ready
        assert await consumer.dequeue() == []


async def test_messages(store: pgqrs.Store) -> None:
    messages = await store.get_messages()
    await store.queue("other")
    payloads = [{"kind": "mail", "to": [1, 2]}, {"kind": "mail", "to": []}, {"kind": "push"}, ["mail"], "mail"]
    ids = await pgqrs.produce_batch(store, "tasks", payloads)
    elsewhere = await pgqrs.produce(store, "other", {"kind": "mail"})

    async def found(payload: object, queue: str | None = None) -> list[int]:
        return [message.id for message in await messages.filter_by_payload(payload, queue=queue)]

    assert await found({"kind": "mail"}) == [*ids[:2], elsewhere]
    assert await found({"kind": "mail"}, "tasks") == ids[:2]
    assert await found({"to": [2]}) == ids[:1]
    assert await found("mail") == ids[3:]
    assert await found({"kind": None}) == []
    assert [m.id for m in await messages.filter_by_payload({"kind": "mail"}, limit=1, offset=1)] == [ids[1]]
    with pytest.raises(TypeError, match="payload"):
        await messages.filter_by_payload(object())
    async with await store.consumer("tasks") as consumer:
        leased = await consumer.dequeue(2, vt=60)
        assert await messages.count_active_by_worker(consumer.worker_id) == 2
        with pytest.raises(pgqrs.StateTransitionError):
            await messages.move_to_dlq(leased[0].id)
        await leased[0].archive()
    await messages.move_to_dlq(ids[4])
    with pytest.raises(pgqrs.MessageNotFoundError):
        await messages.move_to_dlq(ids[4])
    assert {m.id for m in await messages.list_archived_by_queue("tasks")} == {ids[0], ids[4]}
    assert [(m.id, m.dead_reason) for m in await store.admin().dlq_messages()] == [(ids[4], "moved by hand")]


async def test_archive(store: pgqrs.Store) -> None:
    archive, messages = await store.get_archive(), await store.get_messages()
    await pgqrs.produce_batch(store, "tasks", range(6))
    async with await store.consumer("tasks") as one, await store.consumer("tasks") as two:
        first = await one.dequeue(2)
        second = await two.dequeue(1)
        assert all(await one.archive_batch(first) + await two.archive_batch(second))
        assert await archive.count_by_worker(one.worker_id) == 2
        assert [m.id for m in await archive.list_by_worker(one.worker_id, limit=1, offset=1)] == [first[1].id]
        for row in await messages.list():
            await messages.move_to_dlq(row.id)
        assert (await archive.count(), await archive.dlq_count(), await archive.dlq_count(1)) == (6, 3, 0)
        assert len(await archive.list_dlq_messages(limit=2)) == 2
        assert await archive.delete_by_worker(one.worker_id) == 2
        assert await archive.delete_by_worker(one.worker_id) == 0
        await archive.delete(second[0].id)
        assert await archive.count() == 3


async def test_dead_letters(store: pgqrs.Store) -> None:
    admin, messages = store.admin(), await store.get_messages()
    await store.queue("other")
    ids = await pgqrs.produce_batch(store, "tasks", range(5))
    other = await pgqrs.produce(store, "other", "x")
    for id_ in [*ids, other]:
        await messages.move_to_dlq(id_)
    everything, tasks = admin.dlq(), admin.dlq("tasks")
    assert (await everything.count(), await tasks.count()) == (6, 5)
    assert [m.id for m in await tasks.list(limit=2, offset=1)] == ids[1:3]
    await tasks.replay(ids[0])
    with pytest.raises(pgqrs.MessageNotFoundError):
        await everything.replay(ids[0])
    assert await tasks.replay_all() == 4
    assert (await everything.count(), await tasks.count()) == (1, 0)
    assert await everything.replay_all() == 1
    assert await everything.replay_all() == 0
    assert [m.payload for m in await messages.list(queue="tasks")] == list(range(5))
    async with await store.consumer("tasks") as consumer:
        assert len(await consumer.dequeue(10)) == 5, "visible at once"


async def test_leases_taken_back_by_hand(store: pgqrs.Store) -> None:
    admin = store.admin()
    await pgqrs.produce_batch(store, "tasks", range(3))
    async with await store.consumer("tasks") as consumer:
        await consumer.dequeue(3, vt=600)
        with pytest.raises(pgqrs.PgqrsError):
            await admin.delete_worker(consumer.worker_id)
        assert await admin.reclaim_messages("tasks") == 0, "its heart beats"
        assert await admin.release_worker_messages(consumer.worker_id) == 3
        assert (await admin.queue_metrics("tasks")).pending == 3
    async with await store.consumer("tasks") as consumer:
        assert len(await consumer.dequeue(3, vt=600)) == 3
        await asyncio.sleep(0.05)
        assert await admin.reclaim_messages("tasks", timedelta(milliseconds=1)) == 3


async def test_new_producer_and_new_consumer(store: pgqrs.Store, dsn: str) -> None:
    for source in (dsn, pgqrs.Config(dsn), store, store.admin()):
        async with await pgqrs.Producer.new_producer(source, "tasks", "host", 1) as producer:
            assert producer.worker_id > 0
            id_ = await producer.enqueue(1)
        async with await pgqrs.Consumer.new_consumer(source, queue="tasks", hostname="host", port=1) as consumer:
            assert [m.id for m in await consumer.dequeue() if await m.archive()] == [id_]
        with pytest.raises(pgqrs.QueueNotFoundError):
            await pgqrs.Consumer.new_consumer(source, "none")
