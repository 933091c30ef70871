"""Wrong arguments fail before anything is opened, and are named."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import pgqrs
from pgqrs import _arguments, _payload

DSN = "postgresql://nobody@127.0.0.1:1/none"  # nothing listens there


def producer() -> pgqrs.Producer:
    return pgqrs.Producer(DSN, "tasks")


def consumer() -> pgqrs.Consumer:
    return pgqrs.Consumer(DSN, "tasks")


def admin() -> pgqrs.Admin:
    return pgqrs.Admin(DSN)


async def nothing(_msg: object) -> None: ...


CONSTRUCTORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: pgqrs.Producer(DSN, 7), TypeError, "queue must be str, not int"),  # type: ignore[arg-type]
    (lambda: pgqrs.Producer(DSN, ""), ValueError, "queue must not be empty"),
    (lambda: pgqrs.Producer(DSN, "\udc80"), ValueError, "queue"),
    (lambda: pgqrs.Producer(DSN, "q", 5), TypeError, "hostname must be str"),  # type: ignore[arg-type]
    (lambda: pgqrs.Producer(DSN, "q", "h", "80"), TypeError, "port must be int, not str"),  # type: ignore[arg-type]
    (lambda: pgqrs.Producer(DSN, "q", "h", True), TypeError, "port must be int, not bool"),
    (lambda: pgqrs.Producer(DSN, "q", "h", -1), ValueError, "port must be between 0 and 65535"),
    (lambda: pgqrs.Consumer(DSN, "q", "h", 65536), ValueError, "port must be between 0 and 65535"),
    (lambda: pgqrs.Consumer(42, "q"), TypeError, "dsn must be a DSN, Config, Store or Admin, not int"),  # type: ignore[arg-type]
    (lambda: pgqrs.Admin(None), TypeError, "dsn must be"),  # type: ignore[arg-type]
    (lambda: pgqrs.Admin(""), ValueError, "dsn must not be empty"),
    (lambda: pgqrs.Admin(DSN, schema=3), TypeError, "schema must be str"),  # type: ignore[arg-type]
    (lambda: pgqrs.Admin(pgqrs.Admin(DSN), schema="s"), TypeError, "schema goes with a DSN or a Config"),
    (lambda: pgqrs.Config(DSN, max_connections="4"), TypeError, "max_connections must be int, not str"),  # type: ignore[arg-type]
    (lambda: pgqrs.Config(DSN, max_read_ct=True), TypeError, "max_read_ct must be int, not bool"),
    (lambda: pgqrs.Config(DSN, max_lease_seconds=math.nan), ValueError, "max_lease_seconds"),
    (lambda: pgqrs.Config(DSN, forbidden_keys="password"), TypeError, "forbidden_keys must be a list"),  # type: ignore[arg-type]
    (lambda: pgqrs.consume_iter("q", "q"), TypeError, "store must be a Store or Admin, not str"),  # type: ignore[arg-type]
    (lambda: pgqrs.consume_iter(admin(), "q", batch_size=0), ValueError, "batch_size must be between 1"),
    (lambda: pgqrs.consume_iter(admin(), "q", vt=-1), ValueError, "vt must be between 0"),
    (lambda: pgqrs.consume_iter(admin(), "q", poll_interval_ms=0), ValueError, "poll_interval_ms"),
]

CALLS: list[tuple[Callable[[], Coroutine[Any, Any, Any]], type[Exception], str]] = [
    (lambda: producer().enqueue({1, 2}), TypeError, "payload cannot be stored as JSON"),
    (lambda: producer().enqueue({"x": object()}), TypeError, "payload"),
    (lambda: producer().enqueue({"x": math.nan}), ValueError, "payload.*NaN"),
    (lambda: producer().enqueue([math.inf]), ValueError, "payload"),
    (lambda: producer().enqueue("\ud800"), ValueError, r"payload holds a lone surrogate \(U\+D800\)"),
    (lambda: producer().enqueue({"\udfff": 1}), ValueError, "lone surrogate"),
    (lambda: producer().enqueue_batch({"a": 1}), TypeError, "payloads must be a list, not dict"),
    (lambda: producer().enqueue_batch("abc"), TypeError, "payloads must be a list, not str"),
    (lambda: producer().enqueue_batch([1, {2}]), TypeError, r"payloads\[1\]"),
    (lambda: producer().enqueue_delayed(1, delay_seconds=-1), ValueError, "delay_seconds"),
    (lambda: producer().enqueue_delayed(1, delay_seconds=math.nan), ValueError, "delay_seconds"),
    (lambda: producer().enqueue_delayed(1, delay_seconds=math.inf), ValueError, "delay_seconds"),
    (lambda: producer().enqueue_delayed(1, delay_seconds="5"), TypeError, "delay_seconds"),  # type: ignore[arg-type]
    (lambda: producer().enqueue_delayed(1, delay_seconds=True), TypeError, "delay_seconds.*bool"),
    (lambda: producer().enqueue_delayed(1, timedelta(seconds=-1)), ValueError, "delay_seconds"),
    (lambda: producer().enqueue_at(1, datetime(2030, 1, 1)), ValueError, "when must be timezone-aware"),
    (lambda: producer().enqueue_at(1, 1700000000), TypeError, "when must be datetime"),  # type: ignore[arg-type]
    (lambda: consumer().dequeue(0), ValueError, "batch_size must be between 1"),
    (lambda: consumer().dequeue(-3), ValueError, "batch_size"),
    (lambda: consumer().dequeue(2.0), TypeError, "batch_size must be int, not float"),  # type: ignore[arg-type]
    (lambda: consumer().dequeue(True), TypeError, "batch_size must be int, not bool"),
    (lambda: consumer().dequeue(vt=0), ValueError, "vt must be more than 0"),
    (lambda: consumer().dequeue(vt=-2), ValueError, "vt"),
    (lambda: consumer().dequeue(wait="1"), TypeError, "wait"),  # type: ignore[arg-type]
    (lambda: consumer().dequeue(wait=-1), ValueError, "wait"),
    (lambda: consumer().dequeue_batch(0), ValueError, "batch_size"),
    (lambda: consumer().archive("7"), TypeError, r"message must be a QueueMessage or an id \(int\), not str"),  # type: ignore[arg-type]
    (lambda: consumer().archive(True), TypeError, "bool"),
    (lambda: consumer().delete(0), ValueError, "message id must be between 1"),
    (lambda: consumer().archive(2**63), ValueError, "message id"),
    (lambda: consumer().archive_batch(5), TypeError, "messages must be a list, not int"),  # type: ignore[arg-type]
    (lambda: consumer().extend_vt(1, -5), ValueError, "seconds"),
    (lambda: consumer().extend_vt(1, None), TypeError, "seconds"),  # type: ignore[arg-type]
    (lambda: consumer().consume(None), TypeError, "handler must be a function"),  # type: ignore[arg-type]
    (lambda: consumer().consume_batch(5), TypeError, "handler must be a function"),
    (lambda: consumer().consume_batch(0, nothing), ValueError, "batch_size"),
    (lambda: admin().create_queue(5), TypeError, "name must be str"),  # type: ignore[arg-type]
    (lambda: admin().create_queue("q", max_read_ct=0), ValueError, "max_read_ct"),
    (lambda: admin().delete_worker("1"), TypeError, "worker_id must be int"),  # type: ignore[arg-type]
    (lambda: admin().dlq_messages(limit=0), ValueError, "limit"),
    (lambda: pgqrs.connect(5), TypeError, "dsn must be str"),  # type: ignore[arg-type]
    (lambda: pgqrs.connect_with(DSN), TypeError, "config must be Config, not str"),  # type: ignore[arg-type]
    (lambda: pgqrs.enqueue(consumer(), 1), TypeError, "producer must be a Producer, not Consumer"),  # type: ignore[arg-type]
    (lambda: pgqrs.dequeue(producer()), TypeError, "consumer must be a Consumer, not Producer"),  # type: ignore[arg-type]
    (lambda: pgqrs.produce(DSN, "q", 1), TypeError, "store must be a Store or Admin, not str"),  # type: ignore[arg-type]
    (lambda: pgqrs.consume(None, "q", nothing), TypeError, "store must be"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("construct", "kind", "text"), CONSTRUCTORS)
def test_constructors_name_the_wrong_argument(construct: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        construct()


@pytest.mark.parametrize(("call", "kind", "text"), CALLS)
def test_calls_name_the_wrong_argument_and_open_nothing(
    call: Callable[[], Coroutine[Any, Any, Any]], kind: type[Exception], text: str
) -> None:
    # The host of the DSN refuses connections, so a call that crossed would say so.
    with pytest.raises(kind, match=text) as failure:
        asyncio.run(call())
    assert not isinstance(failure.value, pgqrs.PgqrsConnectionError)


def test_deep_and_circular_payloads_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        _payload.encode(deep)
    circle: dict[str, Any] = {}
    circle["self"] = circle
    with pytest.raises(ValueError, match="payload"):
        _payload.encode(circle)


def test_spans_round_up_so_that_they_last_at_least_as_long() -> None:
    assert _arguments.span_ms(0.0001, "x") == 1
    assert _arguments.span_ms(5, "x") == 5000
    assert _arguments.span_ms(1.5, "x") == 1500
    assert _arguments.span_ms(timedelta(minutes=1, microseconds=1), "x") == 60_001
    assert _arguments.wait_ms(None) == 0
    assert _arguments.wait_ms(math.inf) == -1


def test_instants_are_exact() -> None:
    assert _arguments.instant(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), "x") == 1767323045678901


def test_payloads_come_back_equal() -> None:
    payload = {"big": 2**200, "neg": -(10**40), "text": "naïve ☃ 𝄞 \u0001", "nested": [1.5, None, True, {"a": []}]}
    assert _payload.decode(_payload.encode(payload)) == payload


def test_config_shows_what_was_given_or_the_default_and_no_password() -> None:
    config = pgqrs.Config("postgresql://user:geheim@host/db?password=geheim", schema="jobs", max_connections=4)
    assert (config.schema, config.max_connections, config.max_read_ct) == ("jobs", 4, 5)
    assert config.given == {"schema": "jobs", "max_connections": 4}
    assert "geheim" not in repr(config)
    assert config == pgqrs.Config(config.dsn, schema="jobs", max_connections=4)
    assert hash(config) == hash(pgqrs.Config(config.dsn, schema="jobs", max_connections=4))
    assert config != pgqrs.Config.from_dsn("postgresql://host/db")
    with pytest.raises(AttributeError, match="immutable"):
        config.schema = "other"
    assert "geheim" not in repr(pgqrs.Admin(config))


def test_status_words_compare_without_regard_to_case() -> None:
    ready: object = pgqrs.WorkerStatus.Ready
    assert ready == "READY"
    assert ready == "ready"
    assert ready != "stopped"
    assert ready != pgqrs.WorkerStatus.Stopped
    assert pgqrs.WorkerStatus("Suspended") is pgqrs.WorkerStatus.Suspended
    assert {pgqrs.WorkerStatus.Ready: 1}[pgqrs.WorkerStatus("READY")] == 1
    assert str(pgqrs.WorkerStatus.Polling) == "polling"


def test_integers_beyond_the_digit_limit_of_int_come_back_exact() -> None:
    """PostgreSQL writes 1e5000 as 5,001 digits; int() takes 4,300 of a string."""
    document = b'{"big": 1' + b"0" * 5000 + b', "negative": -1' + b"0" * 4400 + b"}"
    assert _payload.decode(document) == {"big": 10**5000, "negative": -(10**4400)}
