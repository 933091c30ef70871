"""A table of the types users get. Checked by mypy and pyright, never run."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any, assert_type

import pgqrs
import pgqrs.sync


async def handler(msg: pgqrs.QueueMessage) -> bool:
    return bool(msg.payload)


async def batch_handler(messages: list[pgqrs.QueueMessage]) -> None:
    del messages


async def table(config: pgqrs.Config, when: datetime) -> None:
    assert_type(config.schema, str)
    assert_type(config.max_connections, int)
    assert_type(config.archive_retention_seconds, float | None)

    async with await pgqrs.connect("sqlite:///x.db", bootstrap=True) as opened:
        assert_type(opened, pgqrs.Store)
    store = assert_type(await pgqrs.connect_with(config), pgqrs.Store)
    admin = assert_type(store.admin(), pgqrs.Admin)
    assert_type(pgqrs.Admin("dsn", schema="s"), pgqrs.Admin)
    assert_type(pgqrs.admin(store), pgqrs.Admin)
    assert_type(pgqrs.producer(admin, "tasks", "scheduler", 8080), pgqrs.Producer)
    assert_type(pgqrs.consumer(config, "tasks"), pgqrs.Consumer)

    async with await store.producer(queue="tasks", hostname="my-service", port=3000) as producer:
        assert_type(producer, pgqrs.Producer)
        assert_type(producer.worker_id, int)
        assert_type(await producer.enqueue({"n": 1}), int)
        assert_type(await producer.enqueue_delayed([1], delay_seconds=timedelta(minutes=5)), int)
        assert_type(await producer.enqueue_at(None, when), int)
        assert_type(await producer.enqueue_batch([1, "two"]), list[int])
        assert_type(await producer.enqueue(1, dedup_key="k"), int)
        assert_type(await producer.enqueue_batch((1, 2), dedup_keys=["k", None]), list[int])
        assert_type(await producer.status(), pgqrs.WorkerStatus)

    consumer = assert_type(await store.consumer("tasks"), pgqrs.Consumer)
    messages = assert_type(await consumer.dequeue(10, vt=30, wait=1.5), list[pgqrs.QueueMessage])
    assert_type(await pgqrs.dequeue(consumer, batch_size=10), list[pgqrs.QueueMessage])
    for msg in messages:
        assert_type(msg.id, int)
        assert_type(msg.payload, Any)
        assert_type(msg.vt, datetime)
        assert_type(msg.dequeued_at, datetime | None)
        assert_type(await msg.archive(), bool)
        assert_type(await msg.extend_vt(30), bool)
        assert_type(await consumer.archive(msg.id), bool)
        assert_type(await pgqrs.delete(consumer, msg), bool)
    assert_type(await consumer.archive_batch(messages), list[bool])
    assert_type(await consumer.release_messages([1, 2]), list[bool])
    assert_type(await consumer.consume(handler), bool)

    assert_type(await pgqrs.produce(store, "tasks", 1), int)
    assert_type(await pgqrs.consume(store, "tasks", handler), bool)
    assert_type(await pgqrs.consume_batch(store, "tasks", 10, batch_handler), int)
    async for each in pgqrs.consume_iter(store, "tasks"):
        assert_type(each, pgqrs.QueueMessage)
    async with store.consume_iter("tasks", batch_size=5) as iterator:
        async for each in iterator:
            assert_type(await iterator.archive(each.id), bool)

    assert_type(await admin.create_queue("tasks"), pgqrs.QueueInfo)
    assert_type(await admin.queue_metrics("tasks"), pgqrs.QueueMetrics)
    assert_type(await admin.system_stats(), pgqrs.SystemStats)
    assert_type(await store.stats(), pgqrs.StoreStats)
    assert_type((await store.stats()).enqueue, pgqrs.FlushStats)
    assert_type(await (await admin.get_queues()).list(), list[pgqrs.QueueInfo])
    assert_type(await (await admin.get_workers()).get(1), pgqrs.WorkerInfo)
    assert_type(await (await admin.get_messages()).count(), int)
    archived = assert_type(await (await admin.get_archive()).list(), list[pgqrs.ArchivedMessage])
    assert_type(archived[0].dead_reason, str | None)
    assert_type(await (await admin.get_messages()).filter_by_payload({"n": 1}), list[pgqrs.QueueMessage])
    assert_type(await admin.worker_stats(), list[pgqrs.WorkerStats])
    assert_type(await (await admin.get_workers()).health_stats(60), list[pgqrs.WorkerHealthStats])
    assert_type(admin.dlq("tasks"), pgqrs.DeadLetters)
    assert_type(await admin.dlq().replay_all(), int)
    assert_type(await pgqrs.Producer.new_producer(store, "tasks"), pgqrs.Producer)
    assert_type(await pgqrs.Consumer.new_consumer("dsn", "tasks", "host", 1), pgqrs.Consumer)


async def builders(store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer, when: datetime) -> None:
    assert_type(pgqrs.enqueue(), pgqrs.EnqueueBuilder)
    assert_type(await pgqrs.enqueue(producer, {"n": 1}), int)
    assert_type(await pgqrs.enqueue(producer, {"n": 1}, dedup_key="k"), int)
    assert_type(await pgqrs.enqueue().message(1).messages([2]).to("tasks").delay(3).execute(store), list[int])
    assert_type(pgqrs.enqueue().worker(producer).at(when), pgqrs.EnqueueBuilder)
    builder = assert_type(pgqrs.dequeue().worker(consumer).batch(10).vt(30).wait(1), pgqrs.DequeueBuilder)
    assert_type(pgqrs.dequeue().from_queue("tasks").vt_offset(30).at(when), pgqrs.DequeueBuilder)
    assert_type(await builder.fetch_one(store), pgqrs.QueueMessage | None)
    assert_type(await builder.fetch_all(store), list[pgqrs.QueueMessage])
    assert_type(await builder.handle(handler).execute(store), int)
    assert_type(await builder.handle_batch(batch_handler).poll_interval(0.5).poll(store), int)


@pgqrs.step
async def charge(order: str, amount: int = 1) -> float:
    return amount / 2


@pgqrs.step(name="ship", retries=5, delay=pgqrs.Retry())
async def ship(order: str) -> list[int]:
    return [len(order)]


@pgqrs.workflow
async def orders(order: str) -> dict[str, int]:
    assert_type(await charge(order, amount=2), float)
    return dict.fromkeys([order], len(await ship(order)))


@pgqrs.workflow(name="mails")
async def mails(mail: dict[str, Any]) -> None: ...


async def workflows(store: pgqrs.Store) -> None:
    assert_type(orders, pgqrs.Workflow[str, dict[str, int]])
    assert_type(mails, pgqrs.Workflow[dict[str, Any], None])
    assert_type(await orders.function("a"), dict[str, int])
    assert_type(await store.admin().create_workflow(orders), pgqrs.WorkflowInfo)
    run = assert_type(await store.trigger("orders", {"n": 1}), pgqrs.WorkflowRun)
    async with pgqrs.Worker(store, {"orders": orders, "mails": mails}):
        runs = assert_type(await store.get_workflow_runs(), pgqrs.WorkflowRuns)
        run = assert_type(await runs.wait(run, timeout_seconds=1), pgqrs.WorkflowRun)
        assert_type(run.status, pgqrs.WorkflowStatus)
    assert_type(await runs.list(workflow="orders", status="error"), list[pgqrs.WorkflowRun])
    steps = assert_type(await store.get_workflow_steps(), pgqrs.WorkflowSteps)
    assert_type(await steps.list(run=run), list[pgqrs.WorkflowStep])
    assert_type((await steps.acquire(run, "charge")).status, pgqrs.StepResultStatus)
    assert_type(await (await store.get_workflows()).get("orders"), pgqrs.WorkflowInfo)


def plain(msg: pgqrs.sync.QueueMessage) -> None:
    assert_type(msg.archive(), bool)


def sync(config: pgqrs.Config, when: datetime) -> None:
    with pgqrs.sync.connect("sqlite:///x.db", bootstrap=True) as opened:
        assert_type(opened, pgqrs.sync.Store)
    store = assert_type(pgqrs.sync.connect_with(config), pgqrs.sync.Store)
    assert_type(store.config, pgqrs.Config)
    assert_type(store.queue("tasks"), pgqrs.QueueInfo)
    with store.producer(queue="tasks", hostname="my-service", port=3000) as producer:
        assert_type(producer, pgqrs.sync.Producer)
        assert_type(producer.enqueue({"n": 1}), int)
        assert_type(producer.enqueue_delayed([1], delay_seconds=timedelta(minutes=5)), int)
        assert_type(producer.enqueue_batch([1, "two"]), list[int])
        assert_type(producer.status(), pgqrs.WorkerStatus)
    consumer = assert_type(pgqrs.sync.Consumer(store.admin(), "tasks"), pgqrs.sync.Consumer)
    messages = assert_type(consumer.dequeue(10, vt=30, wait=1.5), list[pgqrs.sync.QueueMessage])
    assert_type(messages[0].payload, Any)
    assert_type(messages[0].extend_vt(30), bool)
    assert_type(consumer.archive(messages[0]), bool)
    assert_type(consumer.archive_batch([messages[0], 1]), list[bool])
    assert_type(consumer.consume(plain), bool)
    assert_type(pgqrs.sync.dequeue(consumer), list[pgqrs.sync.QueueMessage])
    assert_type(pgqrs.sync.enqueue(producer, 1), int)
    assert_type(pgqrs.sync.enqueue(producer, 1, dedup_key="k"), int)
    assert_type(pgqrs.sync.produce(store, "tasks", 1), int)
    assert_type(pgqrs.sync.consume(store, "tasks", plain), bool)
    for msg in store.consume_iter("tasks"):
        assert_type(msg, pgqrs.sync.QueueMessage)
    with pgqrs.sync.consume_iter(store, "tasks", batch_size=5) as iterator:
        assert_type(next(iterator), pgqrs.sync.QueueMessage)
    assert_type(pgqrs.sync.enqueue().message(1).to("tasks").execute(store), list[int])
    builder = assert_type(pgqrs.sync.dequeue().from_queue("tasks").batch(10), pgqrs.sync.DequeueBuilder)
    assert_type(builder.fetch_one(store), pgqrs.sync.QueueMessage | None)
    assert_type(builder.handle(plain).poll(store), int)
    assert_type(pgqrs.sync.Admin("dsn").create_queue("tasks", max_read_ct=3), pgqrs.QueueInfo)
    assert_type(store.get_queues(), pgqrs.sync.Queues)
    assert_type(store.get_messages().list(limit=1), list[pgqrs.sync.QueueMessage])
    assert_type(store.get_archive().list(), list[pgqrs.ArchivedMessage])
    assert_type(store.admin().dlq().count(), int)
    assert_type(store.get_workflow_runs().wait(store.trigger("orders")), pgqrs.WorkflowRun)
    assert_type(store.get_workflow_steps().list(), list[pgqrs.WorkflowStep])


async def workers(store: pgqrs.Store) -> None:
    async def in_loop(msg: pgqrs.QueueMessage) -> None:
        assert_type(msg.lease_lost.is_set(), bool)

    def in_thread(msg: pgqrs.QueueMessage) -> bool:
        return msg.read_ct > 1

    retry = assert_type(pgqrs.Retry(initial_seconds=1, factor=2), pgqrs.Retry)
    worker = pgqrs.Worker(store, {"tasks": in_loop, "mails": in_thread}, timeout_seconds=30, retry=retry)
    async with worker as running:
        assert_type(running, pgqrs.Worker)
        running.stop()


def sync_workers(store: pgqrs.sync.Store) -> None:
    def handle(msg: pgqrs.sync.QueueMessage) -> bool:
        assert_type(msg.lease_lost, threading.Event)
        return msg.read_ct > 1

    worker = pgqrs.sync.Worker(store, {"tasks": handle}, concurrency=5, lock_seconds=timedelta(seconds=5))
    with worker as running:
        assert_type(running, pgqrs.sync.Worker)
    assert_type(store.admin().inspect(), dict[str, str])


def switched_off() -> None:
    config = pgqrs.Config("dsn", max_enqueue_per_second="none", max_string_length=10)
    assert_type(config.max_enqueue_per_second, float | None)
    assert_type(config.max_string_length, int | None)
