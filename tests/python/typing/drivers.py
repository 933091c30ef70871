"""The types of enqueue_in for each driver. Checked by mypy and pyright, never run.

asyncpg is not here, because it has no types for its own part.
"""

from __future__ import annotations

from typing import assert_type

import psycopg
import sqlalchemy
import sqlalchemy.orm
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

import pgqrs


def blocking(one: psycopg.Connection, two: sqlalchemy.Connection, three: sqlalchemy.orm.Session) -> None:
    assert_type(pgqrs.enqueue_in(one, "tasks", {"n": 1}, delay=5), int)
    assert_type(pgqrs.enqueue_in(two, "tasks", {"n": 1}), int)
    assert_type(pgqrs.enqueue_in(three, "tasks", {"n": 1}, schema="jobs"), int)
    assert_type(pgqrs.enqueue_batch_in(three, "tasks", [1, 2]), list[int])


async def awaited(one: psycopg.AsyncConnection, two: AsyncConnection, three: AsyncSession) -> None:
    assert_type(await pgqrs.enqueue_in(one, "tasks", {"n": 1}), int)
    assert_type(await pgqrs.enqueue_in(two, "tasks", {"n": 1}), int)
    assert_type(await pgqrs.enqueue_in(three, "tasks", {"n": 1}), int)
    assert_type(await pgqrs.enqueue_batch_in(one, "tasks", [1, 2]), list[int])
