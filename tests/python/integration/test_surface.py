"""The documented surface, on both engines: every generation of constructors and verbs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from waiting import eventually

import pgqrs

pytestmark = pytest.mark.asyncio


# --- opening ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pgqrs.Producer, pgqrs.Consumer])
async def test_a_worker_made_from_a_connected_source_has_registered_on_return(
    store: pgqrs.Store, kind: type[pgqrs.Producer] | type[pgqrs.Consumer]
) -> None:
    for source in (store, store.admin()):
        worker = kind(source, "tasks", "host", 7)
        info = await (await store.get_workers()).get(worker.worker_id)
        assert (info.hostname, info.port, info.name) == ("host", 7, kind.__name__.lower())
        assert info.status == "READY"
    with pytest.raises(pgqrs.QueueNotFoundError, match="none"):
        kind(store, "none")


async def test_a_worker_made_from_a_dsn_opens_nothing_before_its_first_await(dsn: str, store: pgqrs.Store) -> None:
    workers = await store.get_workers()
    producer = pgqrs.Producer(dsn, "tasks", "api", 8000)
    assert await workers.count() == 0
    with pytest.raises(pgqrs.StateTransitionError, match="first awaited call"):
        _ = producer.worker_id
    # Concurrent first awaits share one registration.
    assert len(set(await asyncio.gather(*[producer.enqueue(n) for n in range(50)]))) == 50
    assert await workers.count() == 1
    await producer.close()


async def test_every_generation_of_constructors(dsn: str, store: pgqrs.Store) -> None:
    config = pgqrs.Config(dsn)
    makers: list[Callable[[], Any]] = [
        lambda: pgqrs.Producer(dsn, "tasks", "localhost", 3000),
        lambda: pgqrs.Producer(config, "tasks"),
        lambda: pgqrs.producer(pgqrs.admin(dsn), "tasks", "scheduler", 8080),
        lambda: pgqrs.producer(store, "tasks"),
        lambda: pgqrs.Producer(pgqrs.Admin(config), queue="tasks", hostname="h", port=1),
        lambda: pgqrs.Producer(store.admin(), "tasks"),
    ]
    for make in makers:
        async with make() as producer:
            assert await producer.enqueue({"n": 1}) > 0
    async with await store.producer(queue="tasks", hostname="my-service", port=3000) as producer:
        assert await producer.enqueue({"n": 1}) > 0
    for admin in (pgqrs.Admin(dsn), pgqrs.Admin(config), pgqrs.admin(dsn), pgqrs.admin(store), pgqrs.Admin(store)):
        assert (await admin.get_queue("tasks")).queue_name == "tasks"
        await admin.close()
    assert await (await store.get_messages()).count() == 7


async def test_the_schema_argument_separates_stores(pg_dsn: str) -> None:
    base = pg_dsn.partition("?pgqrs_schema=")[0]
    name = pg_dsn.rpartition("=")[2]
    async with pgqrs.Admin(base, schema=name) as one, pgqrs.Admin(pgqrs.Config(base, schema=name + "_b")) as two:
        await one.install()
        await two.install()
        await one.create_queue("tasks")
        await two.create_queue("tasks")
        async with await pgqrs.connect(pg_dsn) as same:
            await pgqrs.produce(same, "tasks", 1)
        assert (await one.queue_metrics("tasks")).pending == 1
        assert (await two.queue_metrics("tasks")).pending == 0


async def test_install_verify_and_uninstall(dsn: str) -> None:
    async with pgqrs.Admin(dsn) as admin:
        await asyncio.gather(*[admin.install() for _ in range(4)])
        await admin.verify()
        assert (await admin.system_stats()).schema_version >= 1
        await admin.uninstall()
        with pytest.raises(pgqrs.SchemaError, match=r"install\(\)"):
            await admin.create_queue("tasks")


# --- verbs ----------------------------------------------------------------------------


async def test_the_main_job(store: pgqrs.Store) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
        id_ = await producer.enqueue({"task": "process", "big": 2**80, "text": "naïve ☃"})
        (msg,) = await consumer.dequeue()
        assert (msg.id, msg.read_ct) == (id_, 1)
        assert msg.payload == {"task": "process", "big": 2**80, "text": "naïve ☃"}
        assert msg.payload is msg.payload, "decoded once"
        assert (msg.producer_worker_id, msg.consumer_worker_id) == (producer.worker_id, consumer.worker_id)
        assert before < msg.enqueued_at <= (msg.dequeued_at or before) < msg.vt
        assert msg.enqueued_at.tzinfo is not None
        assert msg.archived_at is None
        assert 4 < (msg.vt - (msg.dequeued_at or before)).total_seconds() < 6
        assert await consumer.dequeue() == []
        assert await msg.archive() is True
        assert await msg.archive() is False
        archived = await (await store.get_archive()).get(id_)
        assert (archived.id, archived.original_msg_id, archived.payload) == (id_, id_, msg.payload)
        assert archived.archived_at is not None
        assert archived.dead_reason is None


async def test_batches_keep_their_order_and_tell_the_truth(store: pgqrs.Store) -> None:
    async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
        ids = await producer.enqueue_batch(range(10))
        assert ids == sorted(ids)
        messages = await consumer.dequeue(batch_size=10, vt=30)
        assert [m.payload for m in messages] == list(range(10))
        assert await consumer.archive_batch([messages[0], 10**12, ids[1], messages[0]]) == [True, False, True, False]
        assert await consumer.delete_many([ids[2], ids[0]]) == [True, False]
        assert await consumer.release_messages([messages[3]]) == [True]
        assert await consumer.archive_batch([]) == []
        assert await producer.enqueue_batch([]) == []


async def test_delays_hide_messages(store: pgqrs.Store) -> None:
    async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
        await producer.enqueue_delayed("later", delay_seconds=300)
        await producer.enqueue_delayed("later", timedelta(minutes=5))
        await producer.enqueue_at("later", datetime.now(UTC) + timedelta(hours=1))
        await pgqrs.enqueue_delayed(producer, "soon", 0.2)
        assert await consumer.dequeue(10) == []
        (soon,) = await consumer.dequeue(10, wait=10)
        assert soon.payload == "soon"
        await soon.archive()
        later = await consumer.dequeue_at(10, 30, datetime.now(UTC) + timedelta(minutes=10))
        assert [m.payload for m in later] == ["later", "later"]


async def test_acknowledgements_are_fenced(store: pgqrs.Store) -> None:
    async with (
        await store.producer("tasks") as producer,
        await store.consumer("tasks") as one,
        await store.consumer("tasks") as two,
    ):
        await producer.enqueue({"n": 1})
        (stale,) = await one.dequeue(vt=0.05)
        (fresh,) = await two.dequeue(wait=10, vt=30)
        assert (fresh.id, fresh.read_ct) == (stale.id, 2)
        assert await stale.archive() is False
        assert await one.archive(stale.id) is False
        assert await two.archive(stale) is False, "the receive count of a message object counts"
        assert await two.extend_vt(fresh, 60) is True
        assert await fresh.release() is True
        (again,) = await two.dequeue()
        assert again.read_ct == 3
        assert await two.release_with_visibility(again, datetime.now(UTC) + timedelta(hours=1)) is True
        assert await two.dequeue() == []


async def test_module_functions(store: pgqrs.Store) -> None:
    producer, consumer = pgqrs.producer(store, "tasks"), pgqrs.consumer(store, "tasks")
    ids = [await pgqrs.produce(store, "tasks", 1), *await pgqrs.produce_batch(store.admin(), "tasks", [2, 3])]
    ids += [await pgqrs.enqueue(producer, 4), *await pgqrs.enqueue_batch(producer, [5])]
    messages = await pgqrs.dequeue(consumer, 10, vt=30)
    assert [m.id for m in messages] == ids
    assert await pgqrs.extend_vt(consumer, messages[0], 60) is True
    assert await pgqrs.archive(consumer, messages[0]) is True
    assert await pgqrs.delete(consumer, ids[1]) is True
    assert await pgqrs.archive_batch(consumer, messages) == [False, False, True, True, True]
    workers = await (await store.get_workers()).list()
    assert {w.id for w in workers} == {producer.worker_id, consumer.worker_id}, "ephemeral producers leave no rows"


async def test_waiting_ends_with_the_message(store: pgqrs.Store) -> None:
    async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
        waiting = asyncio.create_task(consumer.dequeue(wait=30))
        await asyncio.sleep(0.1)
        id_ = await producer.enqueue("hello")
        (msg,) = await asyncio.wait_for(waiting, 10)
        assert msg.id == id_
        assert await consumer.dequeue(wait=0.05) == []


# --- handlers ---------------------------------------------------------------------------


async def test_consume_archives_unless_told_otherwise(store: pgqrs.Store) -> None:
    admin = store.admin()

    async def good(msg: pgqrs.QueueMessage) -> None:
        seen.append(msg.payload)

    def plain(msg: pgqrs.QueueMessage) -> object:
        seen.append(msg.payload)
        return 0  # falsy, but not an explicit False

    async def keep(msg: pgqrs.QueueMessage) -> bool:
        return False

    async def bad(msg: pgqrs.QueueMessage) -> None:
        raise LookupError("handler failed")

    seen: list[object] = []
    assert await pgqrs.consume(store, "tasks", good) is False
    await pgqrs.produce_batch(store, "tasks", ["a", "b"])
    assert await pgqrs.consume(store, "tasks", good) is True
    assert await pgqrs.consume(store, "tasks", plain) is True
    assert seen == ["a", "b"]
    await pgqrs.produce(store, "tasks", "c")
    assert await pgqrs.consume(store, "tasks", keep) is True
    with pytest.raises(LookupError, match="handler failed"):
        await pgqrs.consume(store, "tasks", bad)
    metrics = await admin.queue_metrics("tasks")
    assert (metrics.pending, metrics.leased, metrics.archived) == (1, 0, 2)
    assert await (await store.get_workers()).count() == 0, "ephemeral workers leave no rows"


async def test_consume_batch(store: pgqrs.Store) -> None:
    batches: list[list[object]] = []

    async def handler(messages: list[pgqrs.QueueMessage]) -> bool:
        batches.append([m.payload for m in messages])
        return len(messages) > 2

    await pgqrs.produce_batch(store, "tasks", range(5))
    assert await pgqrs.consume_batch(store, "tasks", 3, handler) == 3
    assert await pgqrs.consume_batch(store, "tasks", 3, handler) == 2, "kept"
    async with await store.consumer("tasks") as consumer:
        assert await consumer.consume_batch(batch_size=10, handler=handler) == 2
        assert await consumer.consume(handler=lambda _msg: None) is True
    assert batches == [[0, 1, 2], [3, 4], [3, 4]]
    assert (await store.admin().queue_metrics("tasks")).archived == 4


async def test_cancelling_a_handler_releases_its_message(store: pgqrs.Store) -> None:
    started = asyncio.Event()

    async def slow(_msg: pgqrs.QueueMessage) -> None:
        started.set()
        await asyncio.Event().wait()

    await pgqrs.produce(store, "tasks", 1)
    task = asyncio.create_task(pgqrs.consume(store, "tasks", slow))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    metrics = await store.admin().queue_metrics("tasks")
    assert (metrics.pending, metrics.leased) == (1, 0)


# --- workers, tables, metrics -----------------------------------------------------------


async def test_lifecycle(store: pgqrs.Store) -> None:
    consumer = await store.consumer("tasks")
    assert await consumer.status() == pgqrs.WorkerStatus.Ready
    await consumer.heartbeat()
    await consumer.suspend()
    assert await consumer.status() == "suspended"
    with pytest.raises(pgqrs.StateTransitionError):
        await consumer.dequeue()
    await consumer.resume()
    await pgqrs.produce(store, "tasks", 1)
    assert len(await consumer.dequeue(vt=60)) == 1
    assert await consumer.is_healthy()
    await consumer.shutdown()
    assert await consumer.status() == "stopped"
    assert not await consumer.is_healthy()
    metrics = await store.admin().queue_metrics("tasks")
    assert (metrics.pending, metrics.leased) == (1, 0), "shutdown releases"
    await consumer.close()
    await consumer.close()
    with pytest.raises(pgqrs.ClosedError, match="consumer of queue 'tasks' is closed"):
        await consumer.dequeue()


async def test_a_forgotten_consumer_releases_what_it_held(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", 1)
    consumer = await store.consumer("tasks")
    messages = await consumer.dequeue(vt=600)
    del consumer
    gc.collect()
    await asyncio.sleep(0.1)
    assert await messages[0].extend_vt(700) is True, "a message keeps its consumer"
    messages.clear()
    gc.collect()

    async def released() -> bool:
        return (await store.admin().queue_metrics("tasks")).pending == 1

    await eventually(released)


async def test_tables(store: pgqrs.Store) -> None:
    admin = store.admin()
    queues, workers = await admin.get_queues(), await admin.get_workers()
    messages, archive = await store.get_messages(), await store.get_archive()
    other = await admin.create_queue("other", max_read_ct=1)
    assert (await queues.count(), [q.queue_name for q in await queues.list()]) == (2, ["tasks", "other"])
    assert await queues.get("other") == await queues.get(other.id) == other
    assert other.max_read_ct == 1
    assert [q.id for q in await queues.list(limit=1, offset=1)] == [other.id]
    with pytest.raises(pgqrs.QueueNotFoundError):
        await queues.get(10**9)

    producer, consumer = await store.producer("other"), await store.consumer("other")
    assert {w.id for w in await workers.list()} == {producer.worker_id, consumer.worker_id}
    assert [w.id for w in await workers.filter_by_queue("other", limit=1)] == [producer.worker_id]
    assert (await workers.get(consumer.worker_id)).status is pgqrs.WorkerStatus.Ready
    ids = await producer.enqueue_batch(range(3))
    assert (await messages.count(), await messages.count("tasks")) == (3, 0)
    assert (await messages.get(ids[1])).payload == 1
    with pytest.raises(pgqrs.StateTransitionError, match="read from a table"):
        await (await messages.get(ids[1])).archive()

    first, second = await consumer.dequeue(2, vt=60)
    assert await messages.count_active_by_worker(consumer.worker_id) == 2
    await first.archive()
    await second.release()  # at its limit of one lease: a dead letter
    assert (await archive.count(), await archive.dlq_count()) == (2, 1)
    (dead,) = await admin.dlq_messages("other")
    assert (dead.id, await archive.get(dead.id)) == (second.id, dead)
    assert dead.dead_reason
    assert [m.id for m in await archive.list_by_worker(consumer.worker_id)][:1] == [first.id]
    assert [m.id for m in await messages.list_archived_by_queue("other")] == [first.id, second.id]
    await admin.replay(dead.id)
    assert (await archive.dlq_count(), await messages.count("other")) == (0, 2)
    await archive.delete(first.id)
    with pytest.raises(pgqrs.MessageNotFoundError):
        await archive.get(first.id)

    metrics = await queues.metrics("other")
    assert (metrics.queue_name, metrics.pending, metrics.archived, metrics.dead) == ("other", 2, 0, 0)
    assert metrics.oldest_pending is not None
    assert {m.queue_name for m in await admin.all_queues_metrics()} == {"tasks", "other"}
    stats = await admin.system_stats()
    assert (stats.queues, stats.workers, stats.pending) == (2, 2, 2)
    with pytest.raises(pgqrs.StateTransitionError):
        await admin.delete_queue("other")
    assert await admin.purge_queue("other") == 2
    await producer.close()
    await consumer.close()
    await admin.purge_old_workers()
    await admin.delete_queue("other")
    assert await queues.count() == 1


async def test_reclaiming_and_deleting_workers(store: pgqrs.Store) -> None:
    admin = store.admin()
    consumer = await store.consumer("tasks")
    await pgqrs.produce(store, "tasks", 1)
    await consumer.dequeue(vt=600)
    with pytest.raises(pgqrs.StateTransitionError):
        await admin.delete_worker(consumer.worker_id)
    assert await admin.reclaim_messages("tasks", older_than_seconds=3600) == 0
    assert await admin.release_worker_messages(consumer.worker_id) == 1
    await admin.delete_worker(consumer.worker_id)
    with pytest.raises(pgqrs.WorkerNotFoundError):
        await (await store.get_workers()).get(consumer.worker_id)


async def test_records_compare_and_repr_well(store: pgqrs.Store) -> None:
    await pgqrs.produce(store, "tasks", {"n": 1})
    messages = await store.get_messages()
    (one,), (two,) = await messages.list(), await messages.list()
    assert one == two
    assert hash(one) == hash(two)
    assert repr(one) == f"QueueMessage(id={one.id}, queue_id={one.queue_id}, read_ct=0, payload={{'n': 1}})"
    assert repr(await store.admin().get_queue("tasks")).startswith("QueueInfo(id=")
