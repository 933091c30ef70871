"""What the tests with generated examples share: bounded, repeatable, and counted.

PGQRS_TEST_EXAMPLES multiplies the examples of each test; the same number tries the
same ones, because they do not come by chance.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

import pgqrs

F = TypeVar("F", bound=Callable[..., Any])
TIMES = int(os.environ.get("PGQRS_TEST_EXAMPLES", "1"))


def settled(examples: int, **more: Any) -> settings:
    """The settings of a test: so many examples, always the same, however slow the machine is."""
    return settings(
        max_examples=examples * TIMES, derandomize=True, database=None, deadline=None, print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], **more,
    )  # fmt: skip


def counted(test: F) -> F:
    """Prints how many examples a test has tried."""
    tried = 0
    inner = test.hypothesis.inner_test  # type: ignore[attr-defined]

    @functools.wraps(inner)
    def one(*args: Any, **kwargs: Any) -> Any:
        nonlocal tried
        tried += 1
        return inner(*args, **kwargs)

    test.hypothesis.inner_test = one  # type: ignore[attr-defined]

    @functools.wraps(test)
    def all_(*args: Any, **kwargs: Any) -> None:
        try:
            test(*args, **kwargs)
        finally:
            print(f"{test.__name__}: {tried} examples")

    return all_  # type: ignore[return-value]


class Stores:
    """An open store of each engine, with the queue "tasks", and a loop to use them in."""

    def __init__(self, dsns: list[str]) -> None:
        self.loop = asyncio.new_event_loop()
        self.opened = [self.run(self._open(dsn)) for dsn in dsns]

    async def _open(self, dsn: str) -> pgqrs.Store:
        store = await pgqrs.connect(dsn, bootstrap=True)
        await store.queue("tasks")
        return store

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 60))

    def each(self, do: Callable[[pgqrs.Store], Coroutine[Any, Any, None]]) -> None:
        """Does the same on both engines, with nothing left of the example before."""
        for store in self.opened:
            self.run(store.admin().purge_queue("tasks"))
            self.run(do(store))

    def close(self) -> None:
        for store in self.opened:
            self.run(store.close())
        self.loop.close()


@pytest.fixture
def stores(pg_dsn: str, sqlite_dsn: str) -> Iterator[Stores]:
    opened = Stores([pg_dsn, sqlite_dsn])
    yield opened
    opened.close()
