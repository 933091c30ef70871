"""Stores for the tests: a schema of its own, or a file of its own, for every test."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import psycopg.sql
import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(1, str(Path(__file__).parents[1] / "harness"))

from children import Child, run_child

import pgqrs

ROOT = Path(__file__).resolve().parents[2]
PGCLUSTER = ROOT / "tests" / "harness" / "pgcluster.py"
ENGINES = ("postgres", "sqlite")

_schemas: list[str] = []  # that the tests of this run were given


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """The DSN of a PostgreSQL server, started for this run where none is given."""
    given = os.environ.get("PGQRS_TEST_DSN")
    if given:  # a server of others: what the tests made in it goes, and nothing else
        yield given
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute("set lock_timeout = '20s'")  # a test that left a transaction open must not hang the run
            for schema in _schemas:
                identifier = psycopg.sql.Identifier(schema)
                connection.execute(psycopg.sql.SQL("drop schema if exists {} cascade").format(identifier))
        return
    keeper = subprocess.Popen(
        [sys.executable, str(PGCLUSTER), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert keeper.stdin
    assert keeper.stdout
    try:
        dsn = keeper.stdout.readline().strip()
        assert dsn, "no PostgreSQL server; see the message above"
        yield dsn
    finally:
        keeper.stdin.close()
        keeper.wait()


@pytest.fixture
def pg_schema() -> str:
    """The schema of pg_dsn, which nobody used before."""
    schema = f"t_{uuid.uuid4().hex[:16]}"
    _schemas.append(schema)
    return schema


@pytest.fixture
def pg_dsn(pg_server: str, pg_schema: str) -> str:
    """A PostgreSQL store with a schema of its own. Nothing is installed in it."""
    separator = "&" if "?" in pg_server else "?"
    return f"{pg_server}{separator}pgqrs_schema={pg_schema}"


@pytest.fixture
def sqlite_dsn(tmp_path: Path) -> str:
    """A SQLite store in a file of its own."""
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture(params=ENGINES)
def dsn(request: pytest.FixtureRequest) -> str:
    """A fresh store of each engine."""
    return str(request.getfixturevalue({"postgres": "pg_dsn", "sqlite": "sqlite_dsn"}[request.param]))


@pytest_asyncio.fixture
async def store(dsn: str) -> AsyncIterator[pgqrs.Store]:
    """An open store of each engine, installed, with the queue "tasks"."""
    async with await pgqrs.connect(dsn, bootstrap=True) as opened:
        await opened.queue("tasks")
        yield opened


@pytest_asyncio.fixture
async def producer(store: pgqrs.Store) -> AsyncIterator[pgqrs.Producer]:
    async with await store.producer("tasks") as opened:
        yield opened


@pytest_asyncio.fixture
async def consumer(store: pgqrs.Store) -> AsyncIterator[pgqrs.Consumer]:
    async with await store.consumer("tasks") as opened:
        yield opened


@pytest.fixture
def child() -> type[Child] | object:
    """Runs Python code in a process of its own, with a time limit."""
    return run_child


@pytest.fixture
def installed(dsn: str) -> str:
    """The DSN of a store with the queue "tasks", made by another process.

    For tests whose own process must not have loaded the library, or forks.
    """
    run_child(
        """
        import asyncio, sys, pgqrs
        async def main():
            async with await pgqrs.connect(sys.argv[1], bootstrap=True) as store:
                await store.queue("tasks")
        asyncio.run(main())
        """,
        dsn,
    ).check()
    return dsn


if os.environ.get("PGQRS_TEST_LOOP") == "uvloop":  # crash/test_loops.py runs other suites so

    def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        import uvloop

        return {"uvloop": uvloop.new_event_loop}
