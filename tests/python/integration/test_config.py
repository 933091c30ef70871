"""Config through Python: every source, their precedence, bad values, and what the rules refuse.

The environment and the working directory belong to the whole process, so whatever
touches them runs in a child.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import properties
import pytest
from children import run_child
from waiting import eventually

import pgqrs

PROPERTIES = properties.read()
TUNABLE = [p for p in PROPERTIES if p.name != "dsn"]
SECRET = "hunter2"

COMMON = """
import asyncio, contextlib, json, os, sys
from pathlib import Path
import pgqrs

def with_parameters(dsn, **values):
    separator = "&" if "?" in dsn else "?"
    return dsn + separator + "&".join(f"pgqrs_{name}={value}" for name, value in values.items())

async def limit_of_a_new_queue(config, name):
    async with await pgqrs.connect_with(config) as store:
        return (await store.queue(name)).max_read_ct

async def refusal(dsn, **given):
    try:
        async with await pgqrs.connect_with(pgqrs.Config(dsn, **given)):
            return "nothing was refused"
    except (pgqrs.ConfigError, TypeError) as e:
        return str(e)
"""


def in_child(code: str, directory: Path, *arguments: str, env: dict[str, str] | None = None) -> Any:
    """What the child's `main(*arguments)` returns, run in a directory without a pgqrs.yaml of anybody else."""
    script = f"{COMMON}\n{code}\nos.chdir(sys.argv[1])\nprint(json.dumps(asyncio.run(main(*sys.argv[2:]))))"
    directory.mkdir(exist_ok=True)
    return json.loads(run_child(script, str(directory), *arguments, env=env).check().out)


@asynccontextmanager
async def opened(dsn: str, **given: Any) -> AsyncIterator[pgqrs.Store]:
    async with await pgqrs.connect_with(pgqrs.Config(dsn, **given), bootstrap=True) as store:
        await store.queue("tasks")
        yield store


@asynccontextmanager
async def producing(dsn: str, **given: Any) -> AsyncIterator[pgqrs.Producer]:
    async with opened(dsn, **given) as store, await store.producer("tasks") as producer:
        yield producer


# --- sources ------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["pgqrs.yaml", "pgqrs.yml", "PGQRS_CONFIG_FILE"])
def test_precedence_of_all_sources(installed: str, tmp_path: Path, file: str) -> None:
    """argument > DSN parameter > environment > file > default, for each of the 16 subsets of sources."""
    wrong = in_child(
        """
async def main(dsn, file):
    path = Path("named.yaml" if file == "PGQRS_CONFIG_FILE" else file)
    wrong = []
    for subset in range(16):
        given = {source for bit, source in enumerate(["argument", "DSN", "environment", "file"]) if subset & 1 << bit}
        path.unlink(missing_ok=True)
        os.environ.pop("PGQRS_MAX_READ_CT", None)
        os.environ.pop("PGQRS_CONFIG_FILE", None)
        if "file" in given:
            path.write_text("# limits\\nmax_read_ct: 14\\n")
            if file == "PGQRS_CONFIG_FILE":
                os.environ["PGQRS_CONFIG_FILE"] = str(path.resolve())
        if "environment" in given:
            os.environ["PGQRS_MAX_READ_CT"] = "13"
        config = pgqrs.Config(
            with_parameters(dsn, max_read_ct=12) if "DSN" in given else dsn,
            max_read_ct=11 if "argument" in given else None,
        )
        wanted = next((11 + bit for bit in range(4) if subset & 1 << bit), 5)
        limit = await limit_of_a_new_queue(config, f"queue_{subset}")
        if limit != wanted:
            wrong.append([sorted(given), limit, wanted])
    return wrong
        """,
        tmp_path / "here",
        installed,
        file,
    )
    assert wrong == []


def test_the_dsn_itself_from_the_environment_and_the_file(installed: str, tmp_path: Path) -> None:
    code = """
async def main(*arguments):
    return await limit_of_a_new_queue(pgqrs.Config(*arguments), os.environ.get("NAME", "one"))
    """
    quoted = json.dumps(installed)
    (tmp_path / "jobs.yaml").write_text(f"dsn: {quoted}\nmax_read_ct: 3\n")
    named = {"PGQRS_CONFIG_FILE": str(tmp_path / "jobs.yaml")}
    here = tmp_path / "here"
    assert in_child(code, here, env={"PGQRS_DSN": installed, "PGQRS_MAX_READ_CT": "7"}) == 7
    assert in_child(code, here, env={**named, "NAME": "two"}) == 3
    assert in_child(code, here, env={**named, "NAME": "three", "PGQRS_DSN": installed}) == 3
    # The argument wins over a DSN that leads nowhere.
    assert in_child(code, here, installed, env={"PGQRS_DSN": "postgresql://127.0.0.1:1/none", "NAME": "four"}) == 5


def test_the_environment_is_read_when_a_store_is_opened(installed: str, tmp_path: Path) -> None:
    """Not when the library is loaded: os.environ counts until the last moment, and after it for the next store."""
    limits = in_child(
        """
async def main(dsn):
    config, limits = pgqrs.Config(dsn), []
    for n, value in enumerate(["7", None, "8"]):
        os.environ.pop("PGQRS_MAX_READ_CT", None)
        if value:
            os.environ["PGQRS_MAX_READ_CT"] = value
        limits.append(await limit_of_a_new_queue(config, f"queue_{n}"))
    return limits
        """,
        tmp_path / "here",
        installed,
    )
    assert limits == [7, 5, 8]


def good(p: properties.Property) -> str:
    """An allowed value that is not the default, as a text source states it."""
    if p.words:
        return p.words[-1]
    if p.kind == "List":
        return "alpha, beta" if p.name == "forbidden_keys" else "gamma"
    return "jobs" if p.kind == "Text" else f"{p.max:.0f}"


def test_every_property_is_taken_from_every_source(tmp_path: Path) -> None:
    values = {p.name: good(p) for p in TUNABLE}
    (tmp_path / "all.yaml").write_text("".join(f"{name}: {json.dumps(v)}\n" for name, v in _typed(values).items()))
    problems = in_child(
        """
async def attempt(problems, source, dsn, **given):
    try:
        async with await pgqrs.connect_with(pgqrs.Config(dsn, **given)):
            pass
    except pgqrs.PgqrsError as e:
        problems.append([source, str(e)])

async def main(texts, typed, file):
    texts, typed, problems, dsn = json.loads(texts), json.loads(typed), [], "sqlite::memory:"
    await attempt(problems, "arguments", dsn, **typed)
    await attempt(problems, "DSN", with_parameters(dsn, **texts))
    os.environ["PGQRS_CONFIG_FILE"] = file
    await attempt(problems, "file", dsn)
    del os.environ["PGQRS_CONFIG_FILE"]
    os.environ.update({"PGQRS_" + name.upper(): value for name, value in texts.items()})
    await attempt(problems, "environment", dsn)
    return problems
        """,
        tmp_path / "here",
        json.dumps(values),
        json.dumps(_typed(values)),
        str(tmp_path / "all.yaml"),
    )
    assert problems == []


def _typed(values: dict[str, str]) -> dict[str, Any]:
    kinds = {p.name: p.kind for p in PROPERTIES}
    make = {"Text": str, "List": lambda text: text.split(", "), "Integer": int, "Number": float, "Duration": float}
    return {name: make[kinds[name]](text) for name, text in values.items()}


def test_the_attributes_are_the_defaults_of_the_library() -> None:
    config = pgqrs.Config("sqlite::memory:")
    assert {p.name: getattr(config, p.name) for p in TUNABLE} == {p.name: p.value for p in TUNABLE}


def test_every_source_can_switch_an_optional_property_off(installed: str, tmp_path: Path) -> None:
    """Each source against the next weaker one that gives a limit: two messages at once pass."""
    passed = in_child(
        """
async def main(dsn):
    path, limit, passed = Path("pgqrs.yaml"), {"max_enqueue_per_second": 0.001}, []
    off, limited = "max_enqueue_per_second: {}\\n".format, "PGQRS_MAX_ENQUEUE_PER_SECOND"
    async def attempt(config):
        async with await pgqrs.connect_with(config) as store, await store.producer("tasks") as producer:
            try:
                passed.append(len(await asyncio.gather(producer.enqueue(1), producer.enqueue(2))))
            except pgqrs.RateLimitedError:
                passed.append(0)
    path.write_text(off("0.001"))
    await attempt(pgqrs.Config(dsn))                                    # limited by the file
    await attempt(pgqrs.Config(dsn, max_enqueue_per_second=None))       # None says nothing
    await attempt(pgqrs.Config(dsn, max_enqueue_per_second="none"))     # argument against file
    await attempt(pgqrs.Config(with_parameters(dsn, max_enqueue_per_second="none")))
    os.environ[limited] = "none"
    await attempt(pgqrs.Config(dsn))                                    # environment against file
    os.environ[limited] = "0.001"
    await attempt(pgqrs.Config(with_parameters(dsn, max_enqueue_per_second="none")))
    await attempt(pgqrs.Config(with_parameters(dsn, **limit), max_enqueue_per_second="none"))
    del os.environ[limited]
    for nothing in ("none", "null", "~"):
        path.write_text(off(nothing))
        await attempt(pgqrs.Config(dsn))
    return passed
        """,
        tmp_path / "here",
        installed,
    )
    assert passed == [0, 0, 2, 2, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("p", [p for p in TUNABLE if p.optional], ids=lambda p: p.name)
def test_none_is_a_value_of_optional_properties_alone(p: properties.Property) -> None:
    config = pgqrs.Config("sqlite::memory:", **{p.name: "none"})
    assert getattr(config, p.name) is None
    assert config.given == {p.name: "none"}
    assert config != pgqrs.Config("sqlite::memory:")
    with pytest.raises(TypeError, match="max_connections"):
        pgqrs.Config("sqlite::memory:", max_connections="none")  # type: ignore[arg-type]


# --- bad values ---------------------------------------------------------------------


def bad(p: properties.Property) -> str:
    return {"Text": "pg_none", "List": "a\0b"}.get(p.kind, "many")


def test_a_bad_value_names_its_source(tmp_path: Path) -> None:
    """For every property and every source: never a silent default."""
    testable = [p for p in TUNABLE if p.kind != "List"]  # a list has no wrong text but NUL, which no source can hold
    found = in_child(
        """
async def main(values):
    found, dsn = {}, "sqlite::memory:"
    for name, value in json.loads(values).items():
        Path("pgqrs.yaml").write_text(f"# the second line is wrong\\n{name}: {value}\\n")
        file = await refusal(dsn)
        Path("pgqrs.yaml").unlink()
        os.environ["PGQRS_" + name.upper()] = value
        environment = await refusal(dsn)
        # A value that cannot be read is an error even where a stronger source gives the property.
        overruled = await refusal(with_parameters(dsn, **{name: "1"}))
        del os.environ["PGQRS_" + name.upper()]
        parameter = await refusal(with_parameters(dsn, **{name: value}))
        found[name] = [file, environment, overruled, parameter]
    return found
        """,
        tmp_path / "here",
        json.dumps({p.name: bad(p) for p in testable}),
    )
    for p in testable:
        file, environment, overruled, parameter = found[p.name]
        assert file.startswith(f"file pgqrs.yaml, line 2, {p.name}: ")
        assert environment.startswith(f"environment variable {p.env}: ")
        assert overruled == environment
        assert parameter.startswith(f"DSN parameter {p.param}: ")
        for text in found[p.name]:
            assert "; " in text or " is not " in text, f"no remedy in: {text}"


@pytest.mark.asyncio
@pytest.mark.parametrize("p", [p for p in TUNABLE if p.max], ids=lambda p: p.name)
async def test_an_argument_out_of_range_names_the_option_and_the_range(p: properties.Property) -> None:
    kind = int if p.kind == "Integer" else float
    for value in {kind(p.min - 1), kind(p.max * 2)}:
        with pytest.raises(pgqrs.ConfigError) as caught:
            await pgqrs.connect_with(pgqrs.Config("sqlite::memory:", **{p.name: value}))
        assert str(caught.value).startswith(f"option {p.name}: ")
        assert f" to {p.max:.0f}" in str(caught.value)
        assert caught.value.field == p.name


@pytest.mark.parametrize(
    ("given", "problem", "text"),
    [
        ({"max_connections": "4"}, TypeError, "max_connections must be int, not str"),
        ({"max_connections": 4.0}, TypeError, "max_connections must be int"),
        ({"max_connections": True}, TypeError, "max_connections must be int, not bool"),
        ({"poll_interval_ms": "fast"}, TypeError, "poll_interval_ms must be float"),
        ({"poll_interval_ms": float("nan")}, pgqrs.ConfigError, "poll_interval_ms must be a finite number"),
        ({"schema": 1}, TypeError, "schema"),
        ({"forbidden_keys": "password"}, TypeError, "forbidden_keys"),
        ({"forbidden_keys": [1]}, TypeError, "forbidden_keys"),
        ({"max_conections": 4}, TypeError, "max_conections"),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused_at_once(
    given: dict[str, Any], problem: type[Exception], text: str
) -> None:
    with pytest.raises(problem, match=text):
        pgqrs.Config("sqlite::memory:", **given)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"max_enqueue_burst": 5}, "max_enqueue_burst: has no meaning without max_enqueue_per_second; give both"),
        ({"forbidden_keys": ["a"], "required_keys": ["b", "a"]}, "remove it from one of them"),
        ({"pooler": "session"}, '"session" is not one of auto, transaction, none'),
        ({"schema": "pg_jobs"}, "choose another name"),
        ({"schema": "x" * 64}, "choose a shorter name"),
    ],
)
async def test_properties_that_contradict_each_other_or_the_database(given: dict[str, Any], text: str) -> None:
    with pytest.raises(pgqrs.ConfigError) as caught:
        await pgqrs.connect_with(pgqrs.Config("sqlite::memory:", **given))
    assert text in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert caught.value.safe_to_retry


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("dsn", "text"),
    [
        ("mysql://localhost/db", "the scheme mysql is not known; supported are postgresql://"),
        ("sqlite:jobs.db", "three slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:///jobs.db?mode=ro", "no parameters but those that begin with pgqrs_"),
        ("sqlite::memory:?pgqrs_max_conections=3", "the nearest is pgqrs_max_connections"),
        ("sqlite::memory:?pgqrs_max_connections=3&pgqrs_max_connections=4", "twice"),
    ],
)
async def test_a_bad_dsn_says_what_to_write(dsn: str, text: str) -> None:
    with pytest.raises(pgqrs.ConfigError, match="dsn") as caught:
        await pgqrs.connect(dsn)
    assert text in str(caught.value)


def test_a_bad_file_names_itself_and_the_line(tmp_path: Path) -> None:
    texts = in_child(
        """
async def main():
    dsn, texts = "sqlite::memory:", []
    for lines in [["max_conections: 3"], ["max_read_ct: 1", "max_read_ct: 2"], ["", "", "schema"], ["schema: &x a"]]:
        Path("pgqrs.yaml").write_text("\\n".join(lines))
        texts.append(await refusal(dsn))
    Path("pgqrs.yml").write_text("")
    texts.append(await refusal(dsn))
    os.environ["PGQRS_CONFIG_FILE"] = "none.yaml"
    texts.append(await refusal(dsn))
    os.environ["PGQRS_CONFIG_FILE"] = ""
    texts.append(await refusal(dsn))
    return texts
        """,
        tmp_path / "here",
    )
    assert texts[0].startswith("file pgqrs.yaml: line 1: max_conections is not a property of pgqrs; the nearest is ")
    assert texts[0].endswith("max_connections")
    assert texts[1].startswith("file pgqrs.yaml, line 2: max_read_ct is given twice")
    assert texts[2].startswith("file pgqrs.yaml: line 3: ")
    assert texts[3].startswith("file pgqrs.yaml: line 1: ")
    assert "pgqrs.yml; remove one of them" in texts[4]
    assert texts[5].startswith("file none.yaml: cannot be read: ")
    assert "PGQRS_CONFIG_FILE names it" in texts[5]
    assert texts[6].startswith("environment variable PGQRS_CONFIG_FILE: is empty")


def test_no_dsn_at_all_names_the_places_for_one(tmp_path: Path) -> None:
    text = in_child("async def main():\n    return await refusal(None)", tmp_path / "here")
    assert "PGQRS_DSN" in text


# --- payload validation -----------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rule", "allowed", "refused"),
    [
        (
            {"max_string_length": 5},
            ["12345", {"k": "näïve"}, {"é" * 5: 1}, [1234567890], {"n": {"k": ["12345"]}}],
            ["123456", {"k": "naïve!"}, {"long key": 1}, {"n": {"k": ["123456"]}}],
        ),
        (
            {"forbidden_keys": ["password", "naïve"]},
            [{"Password": 1}, {"passwords": 1}, ["password"], {"k": "password"}],
            [{"password": 1}, {"k": [{"n": {"password": None}}]}, {"naïve": 1}],
        ),
        (
            {"required_keys": ["id", "kind"]},
            [{"id": 1, "kind": "x"}, {"kind": None, "more": 1, "id": None}],
            [{"id": 1}, {}, {"nested": {"id": 1, "kind": 2}}, [{"id": 1, "kind": 2}], 7, None],
        ),
        ({"max_payload_size_bytes": 10}, ["12345678", 1234567890, {"a": 12}], ["123456789", 12345678901, "é" * 5]),
        ({"max_object_depth": 2}, [[[1]], {"a": {"b": 1}}, 7], [[[[1]]], {"a": {"b": {}}}, [{"a": []}]]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_payload_rules_when_switched_on(
    dsn: str, rule: dict[str, Any], allowed: list[object], refused: list[object]
) -> None:
    (name,) = rule
    async with producing(dsn, **rule) as producer:
        for payload in allowed:
            assert await producer.enqueue(payload) > 0
        for payload in refused:
            with pytest.raises(pgqrs.ValidationError) as caught:
                await producer.enqueue(payload)
            assert name in str(caught.value), "the text names the rule, so that it can be changed"
            assert caught.value.field == "payload"
            assert caught.value.safe_to_retry
            with pytest.raises(pgqrs.ValidationError):
                await producer.enqueue_batch([allowed[0], payload])
        async with pgqrs.Admin(dsn) as admin:
            assert (await admin.queue_metrics("tasks")).pending == len(allowed), "a refused batch stores nothing"


@pytest.mark.asyncio
async def test_rules_are_off_by_default(dsn: str) -> None:
    async with producing(dsn) as producer:
        for payload in ["x" * 900_000, {"password": 1}, {}, None, json.loads("[" * 64 + "]" * 64)]:
            assert await producer.enqueue(payload) > 0
        with pytest.raises(pgqrs.ValidationError, match="max_payload_size_bytes"):
            await producer.enqueue("x" * (1 << 20))
        with pytest.raises(pgqrs.ValidationError, match="max_object_depth"):
            await producer.enqueue(json.loads("[" * 65 + "]" * 65))


@pytest.mark.asyncio
async def test_rules_hold_for_every_way_to_enqueue(dsn: str) -> None:
    async with opened(dsn, forbidden_keys=["password"]) as store, await store.producer("tasks") as producer:
        payload = {"password": 1}
        for attempt in (
            producer.enqueue(payload),
            producer.enqueue_delayed(payload, 1),
            producer.enqueue_batch([payload]),
            pgqrs.produce(store, "tasks", payload),
            pgqrs.produce_batch(store, "tasks", [payload]),
            pgqrs.enqueue(producer, payload),
        ):
            with pytest.raises(pgqrs.ValidationError, match="forbidden_keys"):
                await attempt


# --- rate limiting ------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_rate_limit_says_when_to_try_again(dsn: str) -> None:
    async with producing(dsn, max_enqueue_per_second=4, max_enqueue_burst=3) as producer:
        await producer.enqueue_batch([1, 2])
        await producer.enqueue(3)
        with pytest.raises(pgqrs.RateLimitedError, match="max_enqueue_per_second") as caught:
            await producer.enqueue(4)
        assert caught.value.retry_after is not None
        assert 0 < caught.value.retry_after <= 0.25
        assert caught.value.transient
        assert caught.value.safe_to_retry
        await asyncio.sleep(caught.value.retry_after)  # the promise itself: after this the call goes through
        assert await producer.enqueue(4) > 0


@pytest.mark.asyncio
async def test_a_batch_beyond_the_burst_passes_a_full_bucket_and_leaves_a_debt(dsn: str) -> None:
    """It could never pass otherwise; the messages after it wait for both."""
    async with producing(dsn, max_enqueue_per_second=1, max_enqueue_burst=3) as producer:
        await producer.enqueue_batch([1, 2, 3, 4, 5])
        with pytest.raises(pgqrs.RateLimitedError) as caught:
            await producer.enqueue(6)
        assert caught.value.retry_after is not None
        assert 2 < caught.value.retry_after <= 3


@pytest.mark.asyncio
async def test_each_producer_has_a_rate_of_its_own(dsn: str) -> None:
    async with opened(dsn, max_enqueue_per_second=0.01, max_enqueue_burst=1) as store:
        for _ in range(2):
            async with await store.producer("tasks") as producer:
                await producer.enqueue(1)
                with pytest.raises(pgqrs.RateLimitedError):
                    await producer.enqueue(2)


# --- other properties that can be seen from outside -------------------------------------------


@pytest.mark.asyncio
async def test_max_read_ct_is_the_limit_of_queues_created_without_one(dsn: str) -> None:
    async with opened(dsn, max_read_ct=2) as store, store.admin() as admin:
        assert (await admin.get_queue("tasks")).max_read_ct == 2
        assert (await admin.create_queue("other", max_read_ct=9)).max_read_ct == 9
        async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
            await producer.enqueue("poison")
            for _ in range(2):
                (msg,) = await consumer.dequeue()
                await msg.release()
            assert await consumer.dequeue() == []
        (dead,) = await admin.dlq_messages("tasks")
        assert (dead.read_ct, dead.payload) == (2, "poison")
        assert dead.dead_reason


@pytest.mark.asyncio
async def test_default_lock_time_is_how_long_a_lease_lasts(dsn: str) -> None:
    async with opened(dsn, default_lock_time_seconds=60) as store, await store.consumer("tasks") as consumer:
        await pgqrs.produce(store, "tasks", 1)
        (msg,) = await consumer.dequeue()
        assert msg.dequeued_at
        assert 59 < (msg.vt - msg.dequeued_at).total_seconds() < 61


@pytest.mark.asyncio
async def test_default_max_batch_size_is_the_batch_of_helpers(dsn: str) -> None:
    async with opened(dsn, default_max_batch_size=3) as store, await store.consumer("tasks") as consumer:
        await pgqrs.produce_batch(store, "tasks", range(6))
        assert len(await consumer.dequeue_batch()) == 3
        assert len(await consumer.dequeue_batch(5)) == 3, "what is left; larger requests are allowed"


@pytest.mark.asyncio
async def test_default_max_batch_size_of_a_weaker_source(sqlite_dsn: str) -> None:
    dsn = f"{sqlite_dsn}?pgqrs_default_max_batch_size=3"
    async with opened(dsn) as store, await store.consumer("tasks") as consumer:
        await pgqrs.produce_batch(store, "tasks", range(6))
        assert len(await consumer.dequeue_batch()) == 3


@pytest.mark.asyncio
async def test_poll_interval_bounds_how_late_a_delayed_message_is(dsn: str) -> None:
    """Nothing announces that a delay is over: a waiting consumer finds the message by looking."""
    async with opened(dsn, poll_interval_ms=50) as store, await store.consumer("tasks") as consumer:
        async with await store.producer("tasks") as producer:
            await producer.enqueue_delayed("soon", 0.3)
        (msg,) = await consumer.dequeue(wait=20)
        assert msg.dequeued_at
        assert 0 <= (msg.dequeued_at - msg.vt).total_seconds() + 5 < 1.5  # vt is the lease's end, 5 s later


@pytest.mark.asyncio
async def test_heartbeats_come_at_their_interval(dsn: str) -> None:
    async with opened(dsn, heartbeat_interval_seconds=0.1) as store, await store.consumer("tasks") as consumer:
        workers = await store.get_workers()

        async def beaten() -> bool:
            worker = await workers.get(consumer.worker_id)
            return (worker.heartbeat_at - worker.started_at).total_seconds() > 0.25

        await eventually(beaten, 4)  # with the default of 5 seconds there would be none yet


@pytest.mark.asyncio
async def test_max_lease_bounds_how_long_the_library_keeps_a_lease(dsn: str) -> None:
    async with (
        opened(dsn, max_lease_seconds=1, default_lock_time_seconds=0.5) as store,
        await store.consumer("tasks") as silent,
        await store.consumer("tasks") as other,
    ):
        await pgqrs.produce(store, "tasks", 1)
        (kept,) = await silent.dequeue(auto_extend=True)
        assert await other.dequeue(wait=0.7) == [], "it is kept alive beyond its lock time"
        (again,) = await other.dequeue(wait=20, vt=60)
        assert (again.id, again.read_ct) == (kept.id, 2)
        assert await kept.archive() is False


@pytest.mark.asyncio
async def test_connection_timeout_ends_the_wait_for_a_silent_server() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1")  # accepts and never answers
    port = server.sockets[0].getsockname()[1]
    start = asyncio.get_running_loop().time()
    try:
        with pytest.raises((pgqrs.PgqrsConnectionError, pgqrs.TimeoutError)) as caught:
            dsn = f"postgresql://me:{SECRET}@127.0.0.1:{port}/db?sslmode=disable"
            await pgqrs.connect_with(pgqrs.Config(dsn, connection_timeout_seconds=0.3))
    finally:
        server.close()
    assert asyncio.get_running_loop().time() - start < 10, "the default is 30 seconds"
    assert caught.value.transient
    assert SECRET not in str(caught.value)


@pytest.mark.asyncio
async def test_behind_a_pooler_waiting_consumers_look_for_messages(pg_dsn: str) -> None:
    """Without LISTEN nothing announces a message; the poll interval bounds how late it is."""
    async with (
        opened(pg_dsn, pooler="transaction", poll_interval_ms=50) as store,
        await store.consumer("tasks") as consumer,
        pgqrs.Admin(pg_dsn) as elsewhere,
    ):
        waiting = asyncio.create_task(consumer.dequeue(wait=20))
        await asyncio.sleep(0.2)
        await pgqrs.produce(elsewhere, "tasks", 1)
        (msg,) = await waiting
        assert msg.dequeued_at
        assert (msg.dequeued_at - msg.enqueued_at).total_seconds() < 2


@pytest.mark.asyncio
async def test_the_schema_of_every_source_is_the_same_schema(pg_server: str, pg_schema: str, pg_dsn: str) -> None:
    async with (
        opened(pg_server, schema=pg_schema),
        await pgqrs.connect(pg_dsn) as same,
        pgqrs.Admin(pg_server, schema=pg_schema) as admin,
    ):
        await pgqrs.produce(same, "tasks", 1)
        assert (await admin.queue_metrics("tasks")).pending == 1


# --- secrets ---------------------------------------------------------------------------------------

SECRET_DSNS = [
    f"postgresql://me:{SECRET}@127.0.0.1:1/db",
    f"postgres://me:{SECRET}@127.0.0.1:1/db?connect_timeout=1",
    f"postgresql://127.0.0.1:1/db?user=me&password={SECRET}",
    f"postgresql://me:p%40{SECRET}@127.0.0.1:1/db",
    f"postgresql://me:a:{SECRET}@127.0.0.1:1/db",
    f"host=127.0.0.1 port=1 user=me password={SECRET}",
    f"host=127.0.0.1 port=1 user=me password='a {SECRET}'",
    f"mysql://me:{SECRET}@127.0.0.1/db",
    f"postgresql://me:{SECRET}@127.0.0.1:port/db",
    # Mistakes people make: a password that should have been percent-encoded, a missing scheme or host.
    f"postgresql://me:a/{SECRET}@127.0.0.1:1/db",
    f"postgresql://me:a?{SECRET}@127.0.0.1:1/db",
    f"postgresql://me:a#{SECRET}@127.0.0.1:1/db",
    f"postgresql://me:a@{SECRET}@127.0.0.1:1/db",
    f"postgresql://me:{SECRET}",
    f"me:{SECRET}@127.0.0.1:1/db",
    f"postgresql://127.0.0.1:1/db?pass%77ord={SECRET}",
    f"postgresql://127.0.0.1:1/db?sslpassword={SECRET}",
    f"host=127.0.0.1 port=1 password='a {SECRET}",
]

PLAIN_DSNS = [
    "postgresql://me@h1:1,h2:2/db",
    "postgresql://[::1]:5432/db",
    "postgresql://%2Frun%2Fpostgresql/db?sslmode=require",
    "host=/run/postgresql dbname=db",
    "sqlite:////tmp/a:b.db",
    "sqlite::memory:",
    "a text: to user@example.com at 12:30",
]


@pytest.mark.parametrize("dsn", PLAIN_DSNS)
def test_a_dsn_without_a_password_is_shown_as_it_is(dsn: str) -> None:
    assert repr(pgqrs.Config(dsn)) == f"Config({dsn!r})"


@pytest.mark.asyncio
@pytest.mark.parametrize("dsn", SECRET_DSNS)
async def test_no_password_in_reprs_errors_and_logs(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = pgqrs.Config(dsn, max_connections=2)
    workers = [pgqrs.Producer(dsn, "tasks"), pgqrs.Consumer(dsn, "tasks")]
    texts = [f"{thing!r} {thing}" for thing in [config, pgqrs.Store(config), pgqrs.Admin(dsn), *workers]]
    with pytest.raises((pgqrs.ConfigError, pgqrs.PgqrsConnectionError)) as caught:
        await pgqrs.connect(dsn)
    error: BaseException | None = caught.value
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    texts += ["".join(traceback.format_exception(caught.value)), caplog.text]
    # The traceback quotes the lines of this file, not the values in them.
    assert [text for text in texts if SECRET in text] == []


def test_no_password_from_the_environment_or_a_file(tmp_path: Path) -> None:
    texts = in_child(
        """
async def main(dsn):
    texts = []
    os.environ["PGQRS_DSN"] = dsn
    texts.append(await refusal(None))
    os.environ["PGQRS_MAX_CONNECTIONS"] = dsn  # a DSN that strayed into the wrong place
    texts.append(await refusal("sqlite::memory:"))
    del os.environ["PGQRS_DSN"], os.environ["PGQRS_MAX_CONNECTIONS"]
    for content in [f"dsn: {dsn}\\n", f"{dsn}\\n", f"max_connections: {dsn}\\n"]:
        Path("pgqrs.yaml").write_text(content)
        texts.append(await refusal(None if content.startswith("dsn") else "sqlite::memory:"))
    return texts
        """,
        tmp_path / "here",
        f"mysql://me:{SECRET}@127.0.0.1/db",
    )
    assert len(texts) == 5
    assert [text for text in texts if SECRET in text or "nothing was refused" in text] == []
