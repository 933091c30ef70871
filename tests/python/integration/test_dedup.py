"""Dedup keys: an enqueue that may be repeated, on both engines, in every form."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import psycopg.sql
import pytest
from children import Child
from waiting import eventually

import pgqrs
import pgqrs.sync as pgsync

pytestmark = pytest.mark.asyncio

SOON = datetime(2100, 1, 1, tzinfo=UTC)


async def stored(store: pgqrs.Store) -> list[Any]:
    return [message.payload for message in await (await store.get_messages()).list(1000)]


async def test_every_way_of_enqueueing_takes_a_key(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    first = await producer.enqueue("first", dedup_key="k")
    ways: list[Callable[[], Awaitable[Any]]] = [
        lambda: producer.enqueue("again", dedup_key="k"),
        lambda: producer.enqueue_delayed("again", 60, dedup_key="k"),
        lambda: producer.enqueue_at("again", SOON, dedup_key="k"),
        lambda: producer.enqueue_batch(["again"], dedup_keys=["k"]),
        lambda: pgqrs.enqueue(producer, "again", dedup_key="k"),
        lambda: pgqrs.enqueue_delayed(producer, "again", timedelta(minutes=1), dedup_key="k"),
        lambda: pgqrs.enqueue_batch(producer, iter(["again"]), dedup_keys=iter(["k"])),
        lambda: pgqrs.produce(store, "tasks", "again", dedup_key="k"),
        lambda: pgqrs.produce_batch(store, "tasks", ["again"], dedup_keys=["k"]),
        lambda: pgqrs.enqueue().message("again", dedup_key="k").to("tasks").execute(store),
        lambda: pgqrs.enqueue().messages(["again"], dedup_keys=["k"]).worker(producer).delay(5).execute(store),
    ]
    for way in ways:
        assert await way() in (first, [first])
    assert await stored(store) == ["first"]


async def test_every_way_of_the_sync_twin_takes_a_key(dsn: str) -> None:
    with pgsync.connect(dsn, bootstrap=True) as store:
        store.queue("tasks")
        producer = store.producer("tasks")
        first = producer.enqueue("first", dedup_key="k")
        assert producer.enqueue_delayed("again", 60, dedup_key="k") == first
        assert producer.enqueue_at("again", SOON, dedup_key="k") == first
        assert producer.enqueue_batch(["again", "new"], dedup_keys=["k", None])[0] == first
        assert pgsync.enqueue(producer, "again", dedup_key="k") == first
        assert pgsync.enqueue_delayed(producer, "again", 1, dedup_key="k") == first
        assert pgsync.enqueue_batch(producer, ["again"], dedup_keys=["k"]) == [first]
        assert pgsync.produce(store, "tasks", "again", dedup_key="k") == first
        assert pgsync.enqueue().message("again", dedup_key="k").to("tasks").execute(store) == [first]
        assert store.admin().queue_metrics("tasks").pending == 2


async def test_a_key_outlives_its_message(
    store: pgqrs.Store, producer: pgqrs.Producer, consumer: pgqrs.Consumer
) -> None:
    id_ = await producer.enqueue(1, dedup_key="k")
    (message,) = await consumer.dequeue()
    assert await message.archive()
    assert await producer.enqueue(2, dedup_key="k") == id_
    assert await stored(store) == []


async def test_calls_of_one_turn_cross_together_with_and_without_keys(
    store: pgqrs.Store, producer: pgqrs.Producer
) -> None:
    keys = [None if n % 3 == 0 else f"key {n % 100}" for n in range(600)]
    ids = await asyncio.gather(*[producer.enqueue(n, dedup_key=key) for n, key in enumerate(keys)])
    first: dict[str, int] = {}
    for n, (key, id_) in enumerate(zip(keys, ids, strict=True)):
        assert first.setdefault(key or f"none {n}", id_) == id_
    assert sorted(first.values()) == sorted(set(ids)), "each stored once"
    stored_once = [id_ for n, id_ in enumerate(ids) if first[keys[n] or f"none {n}"] == id_ and id_ not in ids[:n]]
    assert stored_once == sorted(stored_once), "in the order of the calls"
    assert len(await stored(store)) == len(set(ids))


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ("", pgqrs.ValidationError, "dedup_key must not be empty"),
        ("é" * 128, pgqrs.ValidationError, "dedup_key has 256 bytes"),
        ("a\0b", pgqrs.ValidationError, "dedup_key holds a NUL"),
        ("\ud800", pgqrs.ValidationError, "dedup_key holds a lone surrogate"),
        (b"k", TypeError, "dedup_key must be str"),
        (7, TypeError, "dedup_key must be str"),
    ],
)
async def test_bad_keys_are_named(
    store: pgqrs.Store, producer: pgqrs.Producer, key: Any, error: type[Exception], text: str
) -> None:
    for way in (
        lambda: producer.enqueue(1, dedup_key=key),
        lambda: pgqrs.produce(store, "tasks", 1, dedup_key=key),
    ):
        with pytest.raises(error, match=text):
            await way()
    with pytest.raises(error, match=text.replace("dedup_key", r"dedup_keys\[1\]")):
        await producer.enqueue_batch([1, 2], dedup_keys=["k", key])
    assert await stored(store) == []
    assert await producer.enqueue(1, dedup_key="x" * 255)


async def test_as_many_keys_as_payloads(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    for keys in ([], ["a"], ["a", "b", "c"]):
        with pytest.raises(pgqrs.ValidationError, match=f"dedup_keys has {len(keys)} entries for 2") as raised:
            await producer.enqueue_batch([1, 2], dedup_keys=keys)
        assert raised.value.field == "dedup_keys"
    with pytest.raises(TypeError, match="dedup_keys must be a list"):
        await producer.enqueue_batch([1, 2], dedup_keys="ab")
    assert await producer.enqueue_batch([], dedup_keys=[]) == []
    assert await stored(store) == []


async def test_all_or_nothing_holds_for_keys(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    with pytest.raises(pgqrs.SerializationError):
        await producer.enqueue_batch(["good", "\0"], dedup_keys=["k", None])
    ids = await producer.enqueue_batch(["good", "other"], dedup_keys=["k", None])
    assert len(set(ids)) == 2
    assert await stored(store) == ["good", "other"]


async def test_the_retention_is_a_property(dsn: str) -> None:
    assert pgqrs.Config(dsn).dedup_retention_seconds == 86400
    with pytest.raises(pgqrs.ConfigError, match="dedup_retention_seconds"):
        await pgqrs.connect_with(pgqrs.Config(dsn, dedup_retention_seconds=0))


@contextlib.asynccontextmanager
async def wire(dsn: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A DSN that leads through a local port, and what cuts every connection there."""
    parts = urlsplit(dsn)
    ends: list[asyncio.StreamWriter] = []

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1 << 16):
                target.write(data)
        target.transport.abort()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server, server = await asyncio.open_connection(parts.hostname, parts.port)
        ends.extend((writer, server))
        await asyncio.gather(pump(reader, server), pump(to_server, writer))

    def cut() -> None:
        for end in ends:
            end.transport.abort()

    listener = await asyncio.start_server(carry, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    user = parts.netloc.rpartition("@")[0]
    yield parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl(), cut
    cut()
    listener.close()


async def waiting_for(watch: psycopg.AsyncConnection, other: psycopg.AsyncConnection) -> int:
    """How many sessions wait for a transaction of another one."""
    found = await watch.execute(
        "select count(*) from pg_stat_activity where %s = any(pg_blocking_pids(pid))", [other.info.backend_pid]
    )
    (count,) = await found.fetchone() or (0,)
    return int(count)


async def test_a_held_key_holds_up_nobody_else(pg_server: str, pg_schema: str, pg_dsn: str) -> None:
    """A transaction has enqueued a key, and then waits for calls that were made together with that key."""
    async with (
        await pgqrs.connect(pg_dsn, bootstrap=True) as store,
        await psycopg.AsyncConnection.connect(pg_server) as other,
    ):
        await store.queue("tasks")
        producer = await store.producer("tasks")
        id_ = await pgqrs.enqueue_in(other, "tasks", "first", dedup_key="k", schema=pg_schema)
        held = asyncio.create_task(producer.enqueue("again", dedup_key="k"))
        await asyncio.gather(*[producer.enqueue(n, dedup_key=f"free {n}" if n % 2 else None) for n in range(100)])
        assert not held.done()
        assert len(await stored(store)) == 100
        given_up = asyncio.create_task(producer.enqueue("never", dedup_key="k"))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        await other.commit()
        assert await held == id_
        assert (await stored(store)).count("again") == 0


async def test_an_unknown_outcome_with_a_key_is_safe_to_retry(pg_server: str, pg_schema: str, pg_dsn: str) -> None:
    """The connections break while a transaction of somebody else's has the table."""
    async with (
        wire(pg_dsn) as (dsn, cut),
        await pgqrs.connect(dsn, bootstrap=True) as store,
        await pgqrs.connect_with(pgqrs.Config(dsn, max_connections=2)) as another,
        await psycopg.AsyncConnection.connect(pg_server) as other,
        await psycopg.AsyncConnection.connect(pg_server, autocommit=True) as watch,
    ):
        await store.queue("tasks")
        producer, plain_producer = await store.producer("tasks"), await another.producer("tasks")
        # A connection that is lost while it learns a statement has not been sent it, and the call is repeated.
        await asyncio.gather(producer.enqueue(0, dedup_key="known"), plain_producer.enqueue(0))
        id_, _ = await pgqrs.enqueue_batch_in(other, "tasks", [1, 2], dedup_keys=["k", None], schema=pg_schema)
        assert await pgqrs.enqueue_in(other, "tasks", 1, dedup_key="k", schema=pg_schema) == id_
        await other.execute(
            psycopg.sql.SQL("lock table {} in share row exclusive mode").format(
                psycopg.sql.Identifier(pg_schema, "pgqrs_messages")
            )
        )
        calls = asyncio.gather(producer.enqueue(1, dedup_key="k"), plain_producer.enqueue(3), return_exceptions=True)

        async def both_wait() -> bool:
            return await waiting_for(watch, other) == 2

        await eventually(both_wait)
        cut()
        keyed, plain = await calls
        assert isinstance(keyed, pgqrs.PgqrsConnectionError) and isinstance(plain, pgqrs.PgqrsConnectionError)
        assert (keyed.safe_to_retry, plain.safe_to_retry) == (True, False)
        assert keyed.code == plain.code and "same dedup key" in str(keyed)
        await other.commit()
        assert await producer.enqueue(1, dedup_key="k") == id_


async def test_processes_with_the_same_keys_store_each_once(
    dsn: str, store: pgqrs.Store, child: Callable[..., Child]
) -> None:
    code = """
        import asyncio, json, sys, pgqrs
        async def main():
            async with await pgqrs.connect(sys.argv[1]) as store, await store.producer("tasks") as producer:
                ids = await asyncio.gather(*[producer.enqueue(n, dedup_key=f"key {n}") for n in range(400)])
            print(json.dumps(ids))
        asyncio.run(main())
        """
    loop = asyncio.get_running_loop()
    outs = await asyncio.gather(*[loop.run_in_executor(None, lambda: child(code, dsn).check().out) for _ in range(3)])
    answers = [json.loads(out) for out in outs]
    assert answers[0] == answers[1] == answers[2]
    assert len(set(answers[0])) == 400
    assert sorted(await stored(store)) == list(range(400))
