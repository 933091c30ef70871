"""The private PostgreSQL of a run, and what it counts."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from . import machine
from .fsync_meter import FsyncMeter
from .paths import ROOT

PGCLUSTER = ROOT / "tests/harness/pgcluster.py"
# No checkpoint may fall into a measurement; segments of the WAL are recycled, as on a
# server that has run for a while. Durability stays as PostgreSQL has it.
SETTINGS = {
    "max_wal_size": "16GB",
    "min_wal_size": "1GB",
    "checkpoint_timeout": "1h",
}
WARM_SEGMENTS = 24
SHOWN = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers",
    "max_wal_size", "checkpoint_timeout", "autovacuum", "max_connections",
)  # fmt: skip


@dataclass(frozen=True)
class Counters:
    """What the server has done since it started; statements are of one database."""

    cpu: float
    wal_bytes: int
    statements: int | None
    fsyncs: int | None


class Server:
    """Started with the block, gone after it."""

    def __init__(self) -> None:
        self.meter = FsyncMeter()

    async def __aenter__(self) -> Server:
        environment = {key: value for key, value in os.environ.items() if key != "PGQRS_TEST_DSN"}
        self._keeper = await asyncio.create_subprocess_exec(
            sys.executable, str(PGCLUSTER), "serve",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env=environment | self.meter.environment, start_new_session=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        self.dsn = (await self._keeper.stdout.readline()).decode().strip()
        if not self.dsn:
            raise SystemExit("benchmarks: the private PostgreSQL did not start; see the message above")
        self._connection = await asyncpg.connect(self.dsn)
        for name, value in SETTINGS.items():
            await self._connection.execute(f"alter system set {name} = '{value}'")
        await self._connection.execute("select pg_reload_conf()")
        try:
            await self._connection.execute("create extension pg_stat_statements")
            self._counts_statements = True
        except asyncpg.PostgresError:
            self._counts_statements = False
        directory = await self._connection.fetchval("show data_directory")
        self._postmaster = int((Path(directory) / "postmaster.pid").read_text().split("\n", 1)[0])
        self.file_system = machine.file_system(directory)
        for _ in range(WARM_SEGMENTS):
            await self._connection.execute("select pg_logical_emit_message(true, 'warm', 'up'), pg_switch_wal()")
        await self.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        await self._keeper.wait()
        self.meter.close()

    async def settle(self) -> None:
        """Writes out what earlier scenarios left, so that nothing of it is left to do."""
        await self._connection.execute("checkpoint")

    async def create_database(self, name: str) -> str:
        """An empty database; returns its DSN."""
        await self._connection.execute(f'create database "{name}"')
        return self.dsn.rsplit("/", 1)[0] + "/" + name

    async def analyze(self, database: str) -> None:
        """Gathers the planner's statistics of every table, as autovacuum would in time."""
        connection = await asyncpg.connect(f"{self.dsn.rsplit('/', 1)[0]}/{database}")
        await connection.execute("analyze")
        await connection.close()

    @asynccontextmanager
    async def held_snapshot(self, database: str) -> AsyncIterator[None]:
        """Another session's transaction that sees the database as it is now, until the end of the block."""
        connection = await asyncpg.connect(f"{self.dsn.rsplit('/', 1)[0]}/{database}")
        try:
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute("select 1")
                yield
        finally:
            await connection.close()

    async def drop_database(self, name: str) -> None:
        await self._connection.execute(f'drop database if exists "{name}" with (force)')

    async def counters(self, database: str) -> Counters:
        statements = None
        if self._counts_statements:
            statements = await self._connection.fetchval(
                "select coalesce(sum(calls), 0)::bigint from pg_stat_statements s "
                "join pg_database d on d.oid = s.dbid where d.datname = $1",
                database,
            )
        wal = await self._connection.fetchval("select pg_current_wal_lsn() - '0/0'::pg_lsn")
        pids = machine.process_tree(self._postmaster)
        return Counters(machine.cpu_seconds(pids), int(wal), statements, self.meter.count)

    async def settings(self) -> dict[str, Any]:
        shown = {name: await self._connection.fetchval(f"show {name}") for name in SHOWN}
        return shown | {
            "data directory on": self.file_system,
            "clients connect over": "TCP on the loopback interface",
            "pg_stat_statements": "on" if self._counts_statements else "not available",
            "fsync counter preloaded": "yes" if self.meter else "no (no C compiler)",
        }


def scratch_directory() -> tempfile.TemporaryDirectory[str]:
    """A directory for SQLite files, on the disk the server's data is on."""
    return tempfile.TemporaryDirectory(prefix="pgqrs-bench-")
