"""Concurrent single calls share statements and commits."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

import pgqrs

pytestmark = pytest.mark.asyncio


def psql() -> str:
    """The client, which may lie beside the server and not on PATH."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin/psql"), *Path("/usr").glob("pgsql-*/bin/psql")]
    found = shutil.which("psql") or next(map(str, places), None)
    if found is None:
        pytest.skip("no psql here to ask the server for its statistics")
    return found


async def ask(dsn: str, *queries: str) -> str:
    """The answer of the server to the last of several queries."""
    commands = [argument for query in queries for argument in ("-c", query)]
    process = await asyncio.create_subprocess_exec(
        psql(), "-AtqX", dsn.partition("?")[0], *commands, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip().rpartition("\n")[2]


async def inserts(dsn: str, schema: str) -> int:
    """How many statements have inserted messages into a schema, or how many transactions
    the database has committed where the server does not count statements."""
    if await ask(dsn, "select count(*) from pg_available_extensions where name = 'pg_stat_statements'") == "0":
        await asyncio.sleep(1.2)  # the server reports its statistics once a second
        return int(await ask(dsn, "select xact_commit from pg_stat_database where datname = current_database()"))
    return int(
        await ask(
            dsn,
            "create extension if not exists pg_stat_statements",
            "select coalesce(sum(calls), 0) from pg_stat_statements "
            f"where query like '%insert into%{schema}%pgqrs_messages%'",
        )
    )


async def test_a_thousand_concurrent_enqueues_take_few_statements(pg_dsn: str) -> None:
    schema = pg_dsn.rpartition("=")[2]
    async with await pgqrs.connect_with(pgqrs.Config(pg_dsn, max_connections=4), bootstrap=True) as store:
        await store.queue("tasks")
        producer = await store.producer("tasks")
        before = await inserts(pg_dsn, schema)
        ids = await asyncio.gather(*[producer.enqueue({"n": n}) for n in range(1000)])
        after = await inserts(pg_dsn, schema)
        assert len(set(ids)) == 1000
        messages = await (await store.get_messages()).list(2000)
        assert sorted(m.payload["n"] for m in messages) == list(range(1000))
        assert 0 < after - before < 250, f"{after - before} statements for 1000 messages"


async def test_concurrent_acknowledgements_answer_each_for_itself(store: pgqrs.Store) -> None:
    await pgqrs.produce_batch(store, "tasks", range(200))
    async with await store.consumer("tasks") as consumer:
        messages = await consumer.dequeue(200, vt=60)
        twice = [*messages, *messages[:50]]
        outcomes = await asyncio.gather(*[message.archive() for message in twice])
        assert outcomes.count(True) == 200
    assert (await store.admin().queue_metrics("tasks")).archived == 200
