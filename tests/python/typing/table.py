"""A table of the types users get. Checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, assert_type

import pgqrs


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
    assert_type(await (await admin.get_queues()).list(), list[pgqrs.QueueInfo])
    assert_type(await (await admin.get_workers()).get(1), pgqrs.WorkerInfo)
    assert_type(await (await admin.get_messages()).count(), int)
    archived = assert_type(await (await admin.get_archive()).list(), list[pgqrs.ArchivedMessage])
    assert_type(archived[0].dead_reason, str | None)
