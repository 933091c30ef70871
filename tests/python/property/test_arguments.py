"""Nonsense for every argument of every public method: a typed error that names it, or a result.

Never another exception, never a crash, and after an error the store is as it was.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from properties_of import Stores, counted, settled, stores

import pgqrs

__all__ = ["stores"]


class Broken:
    """Fails at whatever is asked of it."""

    def __repr__(self) -> str:
        raise ZeroDivisionError

    __str__ = __hash__ = __int__ = __float__ = __index__ = __bool__ = __len__ = __iter__ = __repr__  # type: ignore[assignment]


NONSENSE: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**400, -(10**5000), 0.0, -0.0, 0.5, math.nan,
    math.inf, -math.inf, 1j, "", "x", "tasks", "\x00", "\ud800", "x" * 100_000, 'a"b', "'; drop table x; --", b"", b"x",
    [], [None], [0], [-1], ["x"], [[]], [object()], (), {}, {"a": 1}, {1: 2}, {1, 2}, range(3), object(), Broken(), int,
    len, timedelta(0), timedelta(-1), timedelta.max, timedelta.min, datetime.min, datetime.max, datetime(2030, 1, 1),
    lambda: None, ..., NotImplemented, iter([1]), Exception("x"), pgqrs.PgqrsError("x"), bytearray(b"x"),
]  # fmt: skip

# A sensible value for each name of an argument; what stands nowhere here has a default.
SENSE: dict[str, Any] = {
    "queue": "tasks", "name": "missing", "payload": 1, "payloads": [1], "delay_seconds": 0, "batch_size": 1, "limit": 1,
    "vt": 60, "message": 10**12, "messages": [10**12], "seconds": 1, "worker_id": 10**12, "id": 10**12,
    "when": datetime(2040, 1, 1).astimezone(), "now": datetime(2020, 1, 1).astimezone(), "offset": 0,
    "handler": print, "older_than_seconds": 3600, "timeout_seconds": 3600, "workflow": "missing", "input": 1,
    "run": 10**12, "size": 1,
    "step_name": "x", "status": "ready", "dsn": "sqlite::memory:", "error": "x",
}  # fmt: skip

# Not called: what opens or ends things others use, and what waits by its nature.
LEFT_OUT = {"close", "aclose", "shutdown", "uninstall", "poll", "run", "interrupt", "suspend", "wait"} | {
    "purge_queue", "purge", "delete_by_worker"
}  # fmt: skip
# A queue's name that no store can have is the core's to refuse, which calls it queue.
NAMES_A_QUEUE = {"id", "name"}
ERRORS = (TypeError, ValueError, pgqrs.PgqrsError)


def public(thing: Any) -> list[tuple[str, str]]:
    """The methods that take arguments, each with each argument."""
    found = []
    for name, method in inspect.getmembers(type(thing), callable):
        if name.startswith("_") or name in LEFT_OUT:
            continue
        parameters = list(inspect.signature(method).parameters.values())
        found += [(name, p.name) for p in parameters if p.name not in ("self", "dsn") and p.kind is not p.VAR_KEYWORD]
    return found


async def everything(store: pgqrs.Store) -> list[Any]:
    return [
        store, store.admin(), await store.producer("tasks"), await store.consumer("tasks"), await store.get_queues(),
        await store.get_workers(), await store.get_messages(), await store.get_archive(), await store.get_workflows(),
        await store.get_workflow_runs(), await store.get_workflow_steps(), store.admin().dlq(), pgqrs.enqueue(),
        pgqrs.dequeue(), store.consume_iter("tasks"),
    ]  # fmt: skip


async def state(store: pgqrs.Store) -> tuple[Any, ...]:
    """What must not change: queues, messages, archive, workflows."""
    tables = [await store.get_queues(), await store.get_messages(), await store.get_archive(),
              await store.get_workflows(), await store.get_workflow_runs()]  # fmt: skip
    return tuple([await table.count() for table in tables])  # type: ignore[attr-defined]


def call(method: Callable[..., Any], argument: str, value: Any) -> Any:
    """Calls with nonsense for one argument and sense for those that need some."""
    parameters = inspect.signature(method).parameters
    given_ = {n: SENSE[n] for n, p in parameters.items() if p.default is p.empty and n in SENSE and n != argument}
    return method(**given_, **{argument: value})


@pytest.mark.parametrize("engine", [0, 1], ids=["postgres", "sqlite"])
def test_nonsense(stores: Stores, engine: int) -> None:
    store = stores.opened[engine]
    things = stores.run(everything(store))
    cases = [(thing, name, argument) for thing in things for name, argument in public(thing)]
    outcomes: Counter[str] = Counter()
    unnamed: Counter[str] = Counter()

    wrong: Counter[str] = Counter()

    @settled(60, phases=[Phase.generate])  # nothing is raised inside, so there is nothing to shrink
    @given(st.data())
    def try_them(data: st.DataObject) -> None:
        for thing, name, argument in cases[data.draw(st.integers(0, 7)) :: 8]:
            value = NONSENSE[data.draw(st.integers(0, len(NONSENSE) - 1))]
            before = stores.run(state(store))
            where = f"{type(thing).__name__}.{name}({argument}=…)"
            try:
                result = call(getattr(thing, name), argument, value)
                if inspect.isawaitable(result):
                    stores.run(asyncio.ensure_future(result, loop=stores.loop))
                outcomes["result"] += 1
            except ERRORS as problem:
                outcomes[type(problem).__name__] += 1
                if isinstance(problem, pgqrs.InternalError) or stores.run(state(store)) != before:
                    wrong[f"{where} with {type(value).__name__}: {problem!r}, or it was half done"] += 1
                arguments = {
                    *inspect.signature(getattr(thing, name)).parameters
                }  # what stands before it may be at fault
                if argument in NAMES_A_QUEUE:
                    arguments.add("queue: ")
                if isinstance(problem, TypeError | pgqrs.ValidationError) and not any(
                    a in str(problem) for a in arguments
                ):
                    unnamed[f"{where}: {problem}"[:160]] += 1
            except ZeroDivisionError:
                outcomes["the argument's own exception"] += 1
            except Exception as problem:
                wrong[f"{where} with {type(value).__name__}: {problem!r}"] += 1

    try_them()
    print(f"{len(cases)} arguments of {len(things)} classes, {sum(outcomes.values())} calls: {dict(outcomes)}")
    assert not wrong
    assert not unnamed
    assert sum(outcomes.values()) > 1000


PROPERTIES = [name for name in inspect.signature(pgqrs.Config).parameters if name != "dsn"]


@counted
@settled(1500)
@given(st.sampled_from(PROPERTIES), st.integers(0, len(NONSENSE) - 1))
def test_nonsense_in_a_config(name: str, value: int) -> None:
    """A Config is built or says what is wrong, and then a store opens or says so."""
    try:
        config = pgqrs.Config("sqlite::memory:", **{name: NONSENSE[value]})
    except ERRORS as problem:
        assert name in str(problem)
        return
    except ZeroDivisionError:
        return
    assert pgqrs.Config("sqlite::memory:") is not config
    repr(config)


secret = "xyzzyPlugh42"
pieces = st.sampled_from(
    f"postgresql:// sqlite:/// sqlite::memory: user: :{secret}@ host :5432 /db ? & = pgqrs_schema "
    "pgqrs_max_connections sslmode % %00 ' [::1] , #".split(" ")
)


@counted
@settled(300)
@given(st.lists(pieces | st.text(max_size=4), max_size=8).map("".join))
def test_any_text_as_a_dsn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    """Typed errors, and no password: neither in them nor in what shows the DSN."""

    monkeypatch.chdir(tmp_path)

    async def attempt() -> None:
        try:
            config = pgqrs.Config.from_dsn(dsn)
            if secret in dsn and "@" in dsn and "://" in dsn:
                assert secret not in repr(config) or dsn.index(secret) < dsn.index("://")
            if dsn.startswith("sqlite:"):  # nobody is called
                await (await pgqrs.connect_with(config)).close()
        except ERRORS as problem:
            assert secret not in str(problem) or not dsn.startswith(("postgresql://", "postgres://"))

    asyncio.run(attempt())
