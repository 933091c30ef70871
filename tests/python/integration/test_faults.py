"""Bad input and faults: each has its own typed error that names the remedy."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

import pgqrs

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("dsn", ["mysql://localhost/x", "nonsense", "sqlite", "://"])
async def test_unknown_schemes_are_named(dsn: str) -> None:
    with pytest.raises(pgqrs.ConfigError, match="dsn") as failure:
        await pgqrs.connect(dsn)
    assert isinstance(failure.value, ValueError)


async def test_a_refused_connection_raises_at_connect() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(pgqrs.PgqrsConnectionError) as failure:
            await pgqrs.connect(f"postgresql://user:geheim@127.0.0.1:{port}/db")
    assert isinstance(failure.value, ConnectionError)
    assert "geheim" not in str(failure.value)


async def test_a_silent_host_fails_within_the_connection_timeout() -> None:
    with socket.socket() as silent:  # accepts into its backlog and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = pgqrs.Config(f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/db", connection_timeout_seconds=1)
        start = time.monotonic()
        with pytest.raises((pgqrs.PgqrsConnectionError, pgqrs.TimeoutError)):
            await pgqrs.connect_with(config)
        assert time.monotonic() - start < 5
        # A lazy object fails at its first await, and again at the second.
        producer = pgqrs.Producer(config, "tasks")
        for _ in range(2):
            with pytest.raises((pgqrs.PgqrsConnectionError, pgqrs.TimeoutError)):
                await producer.enqueue(1)


async def test_a_missing_install_names_the_remedy(pg_dsn: str) -> None:
    async with pgqrs.Admin(pg_dsn) as admin:
        with pytest.raises(pgqrs.SchemaError, match=r"install\(\)"):
            await admin.create_queue("tasks")
        with pytest.raises(pgqrs.SchemaError, match=r"install\(\)"):
            await admin.get_queue("tasks")
        with pytest.raises(pgqrs.SchemaError, match=r"install\(\)"):
            pgqrs.Producer(admin, "tasks")


async def test_a_new_sqlite_file_installs_itself(sqlite_dsn: str) -> None:
    async with pgqrs.Admin(sqlite_dsn) as admin:
        assert (await admin.create_queue("tasks")).queue_name == "tasks"


async def test_missing_and_existing_queues(store: pgqrs.Store) -> None:
    with pytest.raises(pgqrs.QueueAlreadyExistsError, match="Queue 'tasks' already exists") as exists:
        await store.queue("tasks")
    assert isinstance(exists.value, RuntimeError)
    assert (exists.value.code, exists.value.operation) == (-402, exists.value.operation)
    with pytest.raises(pgqrs.QueueNotFoundError, match="Queue 'none' not found") as missing:
        await store.producer("none")
    assert isinstance(missing.value, ValueError)
    for call in (
        pgqrs.produce(store, "none", 1),
        pgqrs.consume(store, "none", print),
        store.consumer("none"),
        store.admin().get_queue("none"),
        store.admin().delete_queue("none"),
        store.admin().purge_queue("none"),
        store.admin().queue_metrics("none"),
    ):
        with pytest.raises(pgqrs.QueueNotFoundError, match="none"):
            await call


async def test_payload_rules_store_nothing_of_a_batch(store: pgqrs.Store) -> None:
    async with await store.producer("tasks") as producer:
        for bad, kind in (
            ("nul \x00 inside", ValueError),
            ("x" * (1 << 20), pgqrs.ValidationError),
            (float("nan"), ValueError),
            (object(), TypeError),
        ):
            with pytest.raises(kind):
                await producer.enqueue_batch([1, bad, 2])
            with pytest.raises(kind):
                await producer.enqueue(bad)
        assert await (await store.get_messages()).count() == 0


async def test_one_bad_payload_fails_alone_among_concurrent_calls(store: pgqrs.Store) -> None:
    async with await store.producer("tasks") as producer:
        payloads: list[object] = [*range(50), "\x00", *range(50)]
        results = await asyncio.gather(*[producer.enqueue(p) for p in payloads], return_exceptions=True)
        assert [type(r) for r in results].count(int) == 100
        assert isinstance(results[50], ValueError)


async def test_a_closed_store_says_so(dsn: str) -> None:
    store = await pgqrs.connect(dsn, bootstrap=True)
    await store.queue("tasks")
    producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
    lazy = pgqrs.Admin(store)
    await store.close()
    await store.close()
    for call in (
        store.queue("more"),
        store.producer("tasks"),
        producer.enqueue(1),
        consumer.dequeue(),
        lazy.get_queue("tasks"),
        pgqrs.produce(store, "tasks", 1),
    ):
        with pytest.raises(pgqrs.ClosedError):
            await call
    with pytest.raises(pgqrs.ClosedError):
        pgqrs.Producer(store, "tasks")


async def test_closing_ends_a_waiting_dequeue(dsn: str) -> None:
    store = await pgqrs.connect(dsn, bootstrap=True)
    await store.queue("tasks")
    consumer = await store.consumer("tasks")
    waiting = asyncio.create_task(consumer.dequeue(wait=60))
    await asyncio.sleep(0.1)
    await asyncio.wait_for(store.close(), 10)
    with pytest.raises(pgqrs.ClosedError):
        await asyncio.wait_for(waiting, 10)


async def test_bad_config_values_are_named() -> None:
    for config, name in (
        (pgqrs.Config("sqlite::memory:", max_connections=0), "max_connections"),
        (pgqrs.Config("sqlite::memory:", default_lock_time_seconds=-1), "default_lock_time_seconds"),
        (pgqrs.Config("sqlite::memory:", pooler="sideways"), "pooler"),
        (pgqrs.Config("sqlite::memory:?pgqrs_max_read_ct=many"), "max_read_ct"),
    ):
        with pytest.raises(pgqrs.ConfigError, match=name):
            await pgqrs.connect_with(config)
