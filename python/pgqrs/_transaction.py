"""Transactional enqueue: a message in a PostgreSQL transaction of the caller's own.

The library's pool cannot join a transaction of another connection, but install()
creates functions that any connection may call. This module calls them, through
whatever driver the connection belongs to, and imports none: a connection of a
driver exists only where the driver is loaded.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol, TypeAlias, overload

from . import _arguments, _payload
from .errors import PgqrsError, QueueNotFoundError, SchemaError, ValidationError

# Twin of EnqueueBatchIn in core/postgres/queries/transaction.sql, which pgqrs_sql_text
# answers: here it is known without loading the library, for every driver's marks.
# Every parameter is cast, so that no driver has to guess its type; the payloads cross
# as text, because users teach their drivers to encode jsonb by themselves. "cast" and
# not "::", which SQLAlchemy takes for a parameter.
_ENQUEUE = """\
select {schema}.pgqrs_enqueue_batch(
  cast({queue} as text),
  array(select e.payload from jsonb_array_elements(cast(cast({payloads} as text) as jsonb))
    with ordinality as e(payload, n) order by e.n),
  coalesce(cast({delay_ms} as bigint), 0) * interval '1 millisecond'"""
_KEYS = """,
  nullif(array(select k.key from jsonb_array_elements_text(cast(cast({dedup_keys} as text) as jsonb))
    with ordinality as k(key, n) order by k.n), '{{}}')"""

_NO_SUCH_QUEUE = "PQ001"  # twin of the code in core/postgres/migrations/004_dedup.sql
_NOT_INSTALLED = {"3F000", "42883", "42P01"}  # no such schema, function or table

# JSON text spells NUL only so; an escaped backslash before the u is another matter.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

_ACCEPTED = "a psycopg 3, asyncpg or SQLAlchemy 2 connection or session"


class SyncConnection(Protocol):
    """A connection or session whose methods block: psycopg.Connection, sqlalchemy.Connection, Session."""

    def commit(self) -> None: ...


class AsyncConnection(Protocol):
    """One whose methods are awaited: psycopg.AsyncConnection, SQLAlchemy's AsyncConnection, AsyncSession."""

    def commit(self) -> Coroutine[Any, Any, None]: ...


class AsyncpgConnection(Protocol):
    """A connection of asyncpg, which has transactions but no commit()."""

    def is_in_transaction(self) -> bool: ...


@overload
def enqueue_in(
    connection: SyncConnection,
    queue: str,
    payload: Any,
    *,
    delay: float | timedelta | None = None,
    dedup_key: str | None = None,
    schema: str = "public",
) -> int: ...
@overload
def enqueue_in(
    connection: AsyncConnection | AsyncpgConnection,
    queue: str,
    payload: Any,
    *,
    delay: float | timedelta | None = None,
    dedup_key: str | None = None,
    schema: str = "public",
) -> Coroutine[Any, Any, int]: ...
def enqueue_in(
    connection: SyncConnection | AsyncConnection | AsyncpgConnection,
    queue: str,
    payload: Any,
    *,
    delay: float | timedelta | None = None,
    dedup_key: str | None = None,
    schema: str = "public",
) -> int | Coroutine[Any, Any, int]:
    """Stores one message in the transaction of a connection of one's own.

    The message exists exactly when that transaction commits, and waiting consumers
    wake up then. Returns the id, or an awaitable of it when the connection is an
    asynchronous one.

    connection  a psycopg 3, asyncpg or SQLAlchemy 2 connection or session to the
                PostgreSQL database of the queue
    delay       seconds, from the call on, for which the message is not visible
    dedup_key   what the message is known by, as in Producer.enqueue; until the transaction
                ends, others wait who enqueue the same key
    schema      where the tables are

    Raises QueueNotFoundError, and SchemaError where nothing is installed; the
    transaction has then failed, as after any error of PostgreSQL.
    """
    ids = _enqueue(
        connection,
        _Enqueue(queue, [_encode(payload, "payload")], [_arguments.dedup_key(dedup_key)], delay, schema),
    )
    if isinstance(ids, list):
        return ids[0]

    async def first() -> int:
        return (await ids)[0]

    return first()


@overload
def enqueue_batch_in(
    connection: SyncConnection,
    queue: str,
    payloads: Iterable[Any],
    *,
    delay: float | timedelta | None = None,
    dedup_keys: Iterable[str | None] | None = None,
    schema: str = "public",
) -> list[int]: ...
@overload
def enqueue_batch_in(
    connection: AsyncConnection | AsyncpgConnection,
    queue: str,
    payloads: Iterable[Any],
    *,
    delay: float | timedelta | None = None,
    dedup_keys: Iterable[str | None] | None = None,
    schema: str = "public",
) -> Coroutine[Any, Any, list[int]]: ...
def enqueue_batch_in(
    connection: SyncConnection | AsyncConnection | AsyncpgConnection,
    queue: str,
    payloads: Iterable[Any],
    *,
    delay: float | timedelta | None = None,
    dedup_keys: Iterable[str | None] | None = None,
    schema: str = "public",
) -> list[int] | Coroutine[Any, Any, list[int]]:
    """Stores several messages as enqueue_in stores one; their ids are in input order."""
    several = _arguments.items(payloads, "payloads")
    documents = [_encode(payload, f"payloads[{n}]") for n, payload in enumerate(several)]
    keys = _arguments.dedup_keys(dedup_keys, len(documents))
    return _enqueue(connection, _Enqueue(queue, documents, keys, delay, schema))


def _encode(payload: Any, name: str) -> bytes:
    document = _payload.encode(payload, name)
    if _NUL.search(document):  # found here, where it does not end the transaction
        raise ValidationError(f"{name} holds a NUL character, which PostgreSQL cannot store.", field=name)
    return document


class _Enqueue:
    """What to store, as a statement and its parameters in each driver's manner."""

    def __init__(
        self,
        queue: str,
        documents: list[bytes],
        keys: list[str | None],
        delay: float | timedelta | None,
        schema: str,
    ) -> None:
        self.queue = _arguments.text(queue, "queue")
        self.schema = _arguments.text(schema, "schema")
        self.parameters: dict[str, str | int] = {
            "queue": self.queue,
            "payloads": (b"[" + b",".join(documents) + b"]").decode(),
            "delay_ms": 0 if delay is None else _arguments.span_ms(delay, "delay"),
        }
        if any(keys):
            self.parameters["dedup_keys"] = json.dumps(keys)

    def statement(self, mark: Callable[[str, int], str], escape: Callable[[str], str] = str) -> str:
        """The statement with its parameters marked; escape is for the name of the schema."""
        marks = {name: mark(name, n) for n, name in enumerate(self.parameters, 1)}
        quoted = '"' + self.schema.replace('"', '""') + '"'
        text = _ENQUEUE + (_KEYS if "dedup_keys" in self.parameters else "") + ")"
        return text.format(schema=escape(quoted), **marks)

    @contextmanager
    def explained(self) -> Generator[None, None, None]:
        """Raises the errors of pgqrs for those of a driver that mean them; others stay the driver's."""
        try:
            yield
        except Exception as problem:
            sqlstate = _sqlstate(problem)
            if sqlstate == _NO_SUCH_QUEUE:
                raise QueueNotFoundError(
                    f"Queue {self.queue!r} not found. Create it with create_queue first.",
                    sqlstate=sqlstate,
                    operation="enqueue",
                    field="queue",
                ) from problem
            if sqlstate in _NOT_INSTALLED:
                raise SchemaError(
                    f"pgqrs is not installed in schema {self.schema!r} of this connection's database. Call "
                    "`await pgqrs.Admin(dsn).install()` once, or name the schema it is in with schema=….",
                    sqlstate=sqlstate,
                    operation="enqueue",
                    field="schema",
                ) from problem
            raise


def _sqlstate(problem: BaseException | None) -> str | None:
    """PostgreSQL's code in an error of a driver, or in the one that SQLAlchemy wrapped."""
    for candidate in (problem, getattr(problem, "orig", None)):
        code = getattr(candidate, "sqlstate", None) or getattr(candidate, "pgcode", None)
        if code:
            return str(code)
    return None


# --- drivers ------------------------------------------------------------------------


def _psycopg(connection: Any, enqueue: _Enqueue) -> list[int]:
    with enqueue.explained(), connection.cursor(row_factory=_rows_of_psycopg()) as cursor:
        cursor.execute(_for_psycopg(enqueue), enqueue.parameters)
        return [id_ for (id_,) in cursor.fetchall()]


async def _psycopg_async(connection: Any, enqueue: _Enqueue) -> list[int]:
    with enqueue.explained():
        async with connection.cursor(row_factory=_rows_of_psycopg()) as cursor:
            await cursor.execute(_for_psycopg(enqueue), enqueue.parameters)
            return [id_ for (id_,) in await cursor.fetchall()]


def _rows_of_psycopg() -> Any:
    """Rows as tuples, whatever the connection makes of them otherwise."""
    return sys.modules["psycopg"].rows.tuple_row


def _for_psycopg(enqueue: _Enqueue) -> str:
    return enqueue.statement(lambda name, _: f"%({name})s", lambda schema: schema.replace("%", "%%"))


async def _asyncpg(connection: Any, enqueue: _Enqueue) -> list[int]:
    with enqueue.explained():
        rows = await connection.fetch(enqueue.statement(lambda _, n: f"${n}"), *enqueue.parameters.values())
        return [row[0] for row in rows]


def _sqlalchemy(connection: Any, enqueue: _Enqueue) -> list[int]:
    statement = _for_sqlalchemy(connection, enqueue)
    with enqueue.explained():
        return list(connection.execute(statement, enqueue.parameters).scalars())


def _sqlalchemy_async(connection: Any, enqueue: _Enqueue) -> Coroutine[Any, Any, list[int]]:
    statement = _for_sqlalchemy(connection, enqueue)

    async def run() -> list[int]:
        with enqueue.explained():
            return list((await connection.execute(statement, enqueue.parameters)).scalars())

    return run()


def _for_sqlalchemy(connection: Any, enqueue: _Enqueue) -> Any:
    bind = connection.get_bind() if hasattr(connection, "get_bind") else connection  # a session has one
    if bind.dialect.name != "postgresql":
        _refuse(bind.dialect.name)
    text = enqueue.statement(lambda name, _: f":{name}", lambda schema: schema.replace(":", r"\:"))
    return sys.modules["sqlalchemy"].text(text)


def _sqlite(_connection: Any, _enqueue: _Enqueue) -> list[int]:
    return _refuse("sqlite")


def _refuse(database: str) -> list[int]:
    raise PgqrsError(
        f"enqueue_in joins transactions of PostgreSQL only, and this connection is one to {database}: a SQLite "
        "store is written by a connection of its own. Use `pgqrs.produce(store, queue, payload)` after your commit.",
        operation="enqueue",
        field="connection",
    )


_Ids: TypeAlias = list[int] | Coroutine[Any, Any, list[int]]

# module, names of its connections, what stores through them
_DRIVERS: tuple[tuple[str, tuple[str, ...], Callable[[Any, _Enqueue], _Ids]], ...] = (
    ("psycopg", ("Connection",), _psycopg),
    ("psycopg", ("AsyncConnection",), _psycopg_async),
    ("asyncpg.connection", ("Connection",), _asyncpg),
    ("asyncpg.pool", ("PoolConnectionProxy",), _asyncpg),
    ("sqlalchemy.engine", ("Connection",), _sqlalchemy),
    ("sqlalchemy.orm", ("Session", "scoped_session"), _sqlalchemy),
    ("sqlalchemy.ext.asyncio", ("AsyncConnection", "AsyncSession", "async_scoped_session"), _sqlalchemy_async),
    ("sqlite3", ("Connection",), _sqlite),
    ("aiosqlite", ("Connection",), _sqlite),
)


def _enqueue(connection: object, enqueue: _Enqueue) -> _Ids:
    """Stores through the driver the connection belongs to."""
    for module, names, store in _DRIVERS:
        kinds = tuple(getattr(sys.modules[module], name) for name in names) if module in sys.modules else ()
        if isinstance(connection, kinds):
            return store(connection, enqueue)
    kind = f"{type(connection).__module__}.{type(connection).__qualname__}"
    raise TypeError(
        f"connection must be {_ACCEPTED}, not {kind}; a pool or engine gives one, for example "
        "`with engine.begin() as connection`"
    )
