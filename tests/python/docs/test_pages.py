"""Every code block of docs/ runs, in the order of its page, on both engines where only the DSN differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pages
import psycopg
import pytest
import pytest_asyncio

import pgqrs

pytestmark = pytest.mark.asyncio

POSTGRES_ONLY = {
    "transactional-enqueue.md": "it is about transactions of other PostgreSQL clients",
}
"""Pages that make no sense on SQLite, and why."""

NOT_RUN = {
    ("quickstart.md", "pip install ."): "installs into the environment it runs in; tests/packaging installs the wheel",
    ("bindings.md", "package main"): "tests/bindings runs it",
    ("bindings.md", "#include <iostream>"): "tests/bindings compiles and runs it",
    ("bindings.md", "import pgqrs from 'pgqrs'"): "tests/bindings runs it",
    ("bindings.md", "use pgqrs::{Code, DequeueOptions, OpenOptions, Result, Store};"): "tests/bindings runs it",
}
"""Blocks that are not run, named by page and first line, and why."""

PAGES = [name for name in pages.NAMES if name != "README.md"]


@pytest_asyncio.fixture
async def plain_dsn(pg_server: str) -> AsyncIterator[str]:
    """A PostgreSQL DSN that other clients understand as well: no schema of its own, the tables are in "public"."""

    async def clean() -> None:
        async with pgqrs.Admin(pg_server) as admin:
            await admin.install()
            await admin.uninstall()

    await clean()
    yield pg_server
    await clean()


def run_sql(dsn: str, statements: str) -> str:
    """Runs statements as psql would, one after the other."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statements.encode())
    return ""


@pytest.mark.parametrize("engine", ["postgres", "sqlite"])
@pytest.mark.parametrize("page", PAGES)
async def test_page(
    page: str,
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    plain_dsn: str,
    sqlite_dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if engine == "sqlite" and page in POSTGRES_ONLY:
        pytest.skip(POSTGRES_ONLY[page])
    dsn = plain_dsn if engine == "postgres" else sqlite_dsn
    monkeypatch.chdir(tmp_path)
    session = pages.Session(dsn, tmp_path, lambda: capsys.readouterr().out, lambda text: run_sql(plain_dsn, text))
    try:
        async with asyncio.timeout(90):
            for block in pages.blocks(page):
                if (page, block.first) not in NOT_RUN and not (block.language == "sql" and engine == "sqlite"):
                    await session.run(block)
    finally:
        await close_all(session.names)


async def close_all(names: dict[str, object]) -> None:
    """Closes what the page left open."""
    for thing in reversed(list(names.values())):
        if isinstance(thing, pgqrs.Producer | pgqrs.Consumer | pgqrs.ConsumerIterator | pgqrs.Store | pgqrs.Admin):
            await thing.close()


async def test_every_block_is_run_or_has_a_reason() -> None:
    every = [block for name in pages.NAMES for block in pages.blocks(name)]
    assert [key for key in NOT_RUN if key not in {(block.page, block.first) for block in every}] == []
    unknown = [
        pages.where(block)
        for block in every
        if block.language not in (*pages.RUNNABLE, "text") and (block.page, block.first) not in NOT_RUN
    ]
    assert unknown == [], "blocks of a language that is not run"
    assert [pages.where(block) for block in pages.blocks("README.md") if block.language in pages.RUNNABLE] == []


async def test_the_output_check_sees_differences() -> None:
    assert pages.matches("stored as 17\n", "stored as  4\n")
    assert pages.matches("a\n...\nz", "a\nb\nc\nz\n")
    assert not pages.matches("stored as 17\n", "stored as x\n")
    assert not pages.matches("a\nb\n", "a\n")
