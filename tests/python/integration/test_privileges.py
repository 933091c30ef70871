"""SECURITY.md promises that a role without the right to create anything can do the work."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import psycopg.sql
import pytest

import pgqrs

pytestmark = pytest.mark.asyncio

PAGE = Path(__file__).resolve().parents[3] / "SECURITY.md"


@pytest.fixture
def role(pg_server: str) -> Iterator[tuple[str, str]]:
    """A role that may log in and nothing else, and its password."""
    name, password = f"r_{secrets.token_hex(4)}", secrets.token_hex(8)
    with psycopg.connect(pg_server, autocommit=True) as owner:
        owner.execute(
            psycopg.sql.SQL("create role {} login password {}").format(
                psycopg.sql.Identifier(name), psycopg.sql.Literal(password)
            )
        )
        yield name, password
        owner.execute(psycopg.sql.SQL("drop owned by {0}; drop role {0}").format(psycopg.sql.Identifier(name)))


def granted(schema: str, role: str) -> str:
    """The statements of the page for a schema and a role."""
    (text,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(text).replace("{schema}", f'"{schema}"').replace("{role}", f'"{role}"')


def as_role(dsn: str, role: tuple[str, str]) -> str:
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role[0]}:{role[1]}@{host}").geturl()


async def test_a_role_without_ddl_does_all_the_work(
    pg_server: str, pg_schema: str, pg_dsn: str, role: tuple[str, str]
) -> None:
    async with await pgqrs.connect(pg_dsn, bootstrap=True) as owner:
        await owner.queue("tasks")
        await owner.admin().create_workflow("orders")
    with psycopg.connect(pg_server, autocommit=True) as connection:
        connection.execute(granted(pg_schema, role[0]))
    async with await pgqrs.connect(as_role(pg_dsn, role)) as store:
        await store.admin().verify()
        producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
        await producer.enqueue_batch(range(5))
        kept = await producer.enqueue("kept", dedup_key="k")
        archived, deleted, released, extended, left = await consumer.dequeue(5, vt=60)
        assert await archived.archive() and await deleted.delete() and await released.release()
        assert await extended.extend_vt(90)
        await consumer.heartbeat()
        await consumer.close()  # releases what is left
        assert len(await (await store.get_messages()).list()) == 4, left
        assert (await store.admin().queue_metrics("tasks")).archived == 1
        run = await store.trigger("orders", {"n": 1})
        assert (await (await store.get_workflow_runs()).get(run.id)).input == {"n": 1}
        with psycopg.connect(as_role(pg_server, role)) as connection:
            assert pgqrs.enqueue_in(connection, "tasks", "inside", schema=pg_schema) > 0
            assert pgqrs.enqueue_in(connection, "tasks", "again", dedup_key="k", schema=pg_schema) == kept
        with pytest.raises(pgqrs.PgqrsError, match="must be owner"):
            await store.admin().uninstall()
    with pytest.raises(pgqrs.PgqrsError, match=r"denied|install"):
        await pgqrs.connect(as_role(pg_dsn, role) + "_other", bootstrap=True)


async def test_without_the_grants_nothing_can_be_read(pg_dsn: str, role: tuple[str, str]) -> None:
    async with await pgqrs.connect(pg_dsn, bootstrap=True) as owner:
        await owner.queue("tasks")
    async with await pgqrs.connect(as_role(pg_dsn, role)) as store:
        with pytest.raises(pgqrs.PgqrsError) as raised:
            await store.producer("tasks")
    assert role[1] not in str(raised.value)
