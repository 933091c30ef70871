"""enqueue_in: messages that commit and roll back with a transaction of the user's own."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import psycopg
import pytest
import pytest_asyncio
import sqlalchemy
import sqlalchemy.orm
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

import pgqrs

pytestmark = pytest.mark.asyncio

# What the tests need of a connection: itself, and how its transaction ends.
End: TypeAlias = Callable[[], Awaitable[None]]
Opened: TypeAlias = tuple[Any, End, End]
Opener: TypeAlias = Callable[[str], AbstractAsyncContextManager[Opened]]


async def value(result: Any) -> Any:
    """What a call came to, awaited or not."""
    return await result if inspect.isawaitable(result) else result


def ends(connection: Any) -> Opened:
    async def commit() -> None:
        await value(connection.commit())

    async def rollback() -> None:
        await value(connection.rollback())

    return connection, commit, rollback


def alchemy(dsn: str, driver: str) -> str:
    return dsn.replace("postgresql://", f"postgresql+{driver}://")


@asynccontextmanager
async def psycopg_sync(dsn: str) -> AsyncIterator[Opened]:
    with psycopg.connect(dsn, row_factory=dict_row) as connection:  # whatever its rows are otherwise
        yield ends(connection)


@asynccontextmanager
async def psycopg_async(dsn: str) -> AsyncIterator[Opened]:
    async with await psycopg.AsyncConnection.connect(dsn, row_factory=dict_row) as connection:
        yield ends(connection)


@asynccontextmanager
async def asyncpg_connection(dsn: str) -> AsyncIterator[Opened]:
    connection = await asyncpg.connect(dsn)
    await connection.set_type_codec("jsonb", encoder=str, decoder=str, schema="pg_catalog")  # users do such things
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection, transaction.commit, transaction.rollback
    finally:
        await connection.close()


@asynccontextmanager
async def asyncpg_pool(dsn: str) -> AsyncIterator[Opened]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection, transaction.commit, transaction.rollback


@contextmanager
def engine(dsn: str) -> Any:
    made = sqlalchemy.create_engine(alchemy(dsn, "psycopg"))
    try:
        yield made
    finally:
        made.dispose()


@asynccontextmanager
async def sqlalchemy_connection(dsn: str) -> AsyncIterator[Opened]:
    with engine(dsn) as made, made.connect() as connection:
        yield ends(connection)


@asynccontextmanager
async def sqlalchemy_session(dsn: str) -> AsyncIterator[Opened]:
    with engine(dsn) as made, sqlalchemy.orm.Session(made) as session:
        yield ends(session)


@asynccontextmanager
async def sqlalchemy_scoped_session(dsn: str) -> AsyncIterator[Opened]:
    with engine(dsn) as made:
        session = sqlalchemy.orm.scoped_session(sqlalchemy.orm.sessionmaker(made))
        yield ends(session)
        session.remove()


def sqlalchemy_async(driver: str, *, session: bool) -> Opener:
    @asynccontextmanager
    async def opener(dsn: str) -> AsyncIterator[Opened]:
        made = create_async_engine(alchemy(dsn, driver))
        async with AsyncSession(made) if session else made.connect() as connection:
            yield ends(connection)
        await made.dispose()

    return opener


DRIVERS: dict[str, Opener] = {
    "psycopg": psycopg_sync,
    "psycopg-async": psycopg_async,
    "asyncpg": asyncpg_connection,
    "asyncpg-pool": asyncpg_pool,
    "sqlalchemy": sqlalchemy_connection,
    "sqlalchemy-session": sqlalchemy_session,
    "sqlalchemy-scoped-session": sqlalchemy_scoped_session,
    "sqlalchemy-async-psycopg": sqlalchemy_async("psycopg", session=False),
    "sqlalchemy-async-asyncpg": sqlalchemy_async("asyncpg", session=False),
    "sqlalchemy-async-session": sqlalchemy_async("asyncpg", session=True),
}


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> Opener:
    return DRIVERS[request.param]


@pytest.fixture
def schema(pg_dsn: str) -> str:
    return pg_dsn.rpartition("=")[2] + '."%:s'  # names that have to be quoted for somebody


@pytest_asyncio.fixture
async def store(pg_server: str, schema: str) -> AsyncIterator[pgqrs.Store]:
    async with await pgqrs.connect_with(pgqrs.Config(pg_server, schema=schema), bootstrap=True) as opened:
        await opened.queue("tasks")
        yield opened
        await opened.admin().uninstall()


async def test_what_is_rolled_back_was_never_there(
    store: pgqrs.Store, pg_server: str, schema: str, driver: Opener
) -> None:
    async with driver(pg_server) as (connection, _, rollback), await store.consumer("tasks") as consumer:
        id_ = await value(pgqrs.enqueue_in(connection, "tasks", {"n": 1}, schema=schema))
        ids = await value(pgqrs.enqueue_batch_in(connection, "tasks", range(3), schema=schema))
        assert len({id_, *ids}) == 4
        assert await consumer.dequeue(wait=0.1) == []
        await rollback()
        assert await consumer.dequeue(wait=0.1) == []
    assert (await store.admin().system_stats()).pending == 0


async def test_what_is_committed_wakes_a_consumer_at_once(
    store: pgqrs.Store, pg_server: str, schema: str, driver: Opener
) -> None:
    payload = {"text": 'naïve ☃ "\\u0000"', "big": 2**80, "half": 0.5, "list": [None, True]}
    async with driver(pg_server) as (connection, commit, _), await store.consumer("tasks") as consumer:
        waiting = asyncio.create_task(consumer.dequeue(10, wait=30))
        id_ = await value(pgqrs.enqueue_in(connection, "tasks", payload, schema=schema))
        ids = await value(pgqrs.enqueue_batch_in(connection, "tasks", ["b", [], "c"], schema=schema))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "not before the commit"
        start = time.monotonic()
        await commit()
        messages = await asyncio.wait_for(waiting, 10)
        # 50 ms are promised; what a busy test machine adds is not the wake-up's.
        assert time.monotonic() - start < 0.5
    assert [message.id for message in messages] == [id_, *ids] == sorted([id_, *ids])
    assert [message.payload for message in messages] == [payload, "b", [], "c"]
    assert messages[0].producer_worker_id is None


async def test_a_delay_hides_the_message(store: pgqrs.Store, pg_server: str, schema: str, driver: Opener) -> None:
    async with driver(pg_server) as (connection, commit, _):
        await value(pgqrs.enqueue_in(connection, "tasks", 1, delay=60, schema=schema))
        await value(pgqrs.enqueue_batch_in(connection, "tasks", [2], delay=timedelta(seconds=60.5), schema=schema))
        await commit()
    metrics = await store.admin().queue_metrics("tasks")
    assert (metrics.pending, metrics.delayed) == (0, 2)
    delays = [(m.vt - m.enqueued_at).total_seconds() for m in await (await store.get_messages()).list()]
    assert delays == [60, 60.5]


async def test_faults_are_explained(store: pgqrs.Store, pg_server: str, schema: str, driver: Opener) -> None:
    async with driver(pg_server) as (connection, _, rollback):
        with pytest.raises(pgqrs.QueueNotFoundError, match=r"'none' not found\. Create it") as caught:
            await value(pgqrs.enqueue_in(connection, "none", 1, schema=schema))
        assert (caught.value.sqlstate, caught.value.field) == ("PQ001", "queue")
        assert caught.value.__cause__ is not None
        await rollback()
    async with driver(pg_server) as (connection, _, rollback):
        with pytest.raises(pgqrs.SchemaError, match=r"install\(\)"):
            await value(pgqrs.enqueue_in(connection, "tasks", 1, schema="nowhere"))
        await rollback()


async def test_arguments_are_checked_before_anything_is_sent(pg_server: str, driver: Opener) -> None:
    async with driver(pg_server) as (connection, _, rollback):
        for wrong, problem in [
            (lambda: pgqrs.enqueue_in(connection, "", 1), ValueError),
            (lambda: pgqrs.enqueue_in(connection, "tasks", object()), TypeError),
            (lambda: pgqrs.enqueue_in(connection, "tasks", float("nan")), ValueError),
            (lambda: pgqrs.enqueue_in(connection, "tasks", "a\0b"), ValueError),
            (lambda: pgqrs.enqueue_in(connection, "tasks", 1, delay=-1), ValueError),
            (lambda: pgqrs.enqueue_batch_in(connection, "tasks", "text"), TypeError),
        ]:
            with pytest.raises(problem):
                await value(wrong())
        await rollback()


async def test_no_messages_are_no_error(store: pgqrs.Store, pg_server: str, schema: str) -> None:
    with psycopg.connect(pg_server) as connection:
        assert pgqrs.enqueue_batch_in(connection, "tasks", [], schema=schema) == []


async def test_an_autocommitting_connection_is_its_own_transaction(
    store: pgqrs.Store, pg_server: str, schema: str
) -> None:
    with psycopg.connect(pg_server, autocommit=True) as connection:
        id_ = pgqrs.enqueue_in(connection, "tasks", 1, schema=schema)
    async with await store.consumer("tasks") as consumer:
        assert [message.id for message in await consumer.dequeue(wait=5)] == [id_]


async def test_other_databases_and_things_are_refused(tmp_path: Any) -> None:
    path = tmp_path / "jobs.db"
    with pytest.raises(pgqrs.PgqrsError, match="after your commit"):
        pgqrs.enqueue_in(sqlite3.connect(path), "tasks", 1)
    made = sqlalchemy.create_engine(f"sqlite:///{path}")
    with made.connect() as connection, pytest.raises(pgqrs.PgqrsError, match="one to sqlite"):
        pgqrs.enqueue_in(connection, "tasks", 1)
    for wrong in (made, None, "postgresql://localhost"):
        with pytest.raises(TypeError, match="a pool or engine gives one"):
            pgqrs.enqueue_in(wrong, "tasks", 1)  # type: ignore[call-overload]
    made.dispose()
