"""The command line, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from children import environment

import pgqrs
from pgqrs._cli._findings import of_settings

HANDLERS = """
def fail(msg):
    raise ValueError("never")
async def work(msg):
    print("handled", msg.payload, flush=True)
handlers = {"tasks": work, "mails": work}
nothing = 5
"""


def pgqrs_command(*arguments: str, stdin: str = "", status: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line to its end, which must have the status."""
    done = subprocess.run(
        [sys.executable, "-m", "pgqrs", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=60,
        env=environment(**env),
        check=False,
    )
    assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


class Line:
    """The command line on one store."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def text(self, *arguments: str, stdin: str = "", status: int = 0) -> str:
        return pgqrs_command(*arguments, stdin=stdin, status=status, PGQRS_DSN=self.dsn).stdout

    def error(self, status: int, *arguments: str) -> str:
        done = pgqrs_command(*arguments, status=status, PGQRS_DSN=self.dsn)
        assert done.stdout == ""
        return done.stderr

    def json(self, *arguments: str, stdin: str = "", status: int = 0) -> Any:
        return json.loads(self.text(*arguments, "--json", stdin=stdin, status=status))


@pytest.fixture
def line(dsn: str) -> Line:
    """The command line on a store of each engine, installed through it."""
    line = Line(dsn)
    assert line.json("install")["installed"] is True
    return line


def dead_letters(dsn: str, count: int) -> None:
    """Makes dead letters in a queue "doomed"."""

    async def main() -> None:
        async with await pgqrs.connect(dsn) as store:
            await store.admin().create_queue("doomed", max_read_ct=1)
            await pgqrs.produce_batch(store, "doomed", range(count))
            async with await store.consumer("doomed") as consumer:
                await consumer.release_messages(await consumer.dequeue(count))

    asyncio.run(main())


# --- every command ------------------------------------------------------------------------


def test_schema(dsn: str) -> None:
    line = Line(dsn)
    if dsn.startswith("postgresql"):  # a new file of SQLite installs itself
        assert "install()" in line.error(5, "verify")
        assert "install()" in line.error(5, "queue", "list")
    assert line.text("install").startswith("Installed, schema version ")
    assert line.text("verify").startswith("The tables are in order, schema version ")
    assert line.json("verify") == {"verified": True, "schema_version": line.json("install")["schema_version"]}


def test_queues(line: Line) -> None:
    assert line.text("queue", "create", "tasks", "--max-read-ct", "3") == "Created queue 'tasks' with id 1.\n"
    assert "already exists" in line.error(1, "queue", "create", "tasks")
    assert line.json("queue", "create", "mails")["max_read_ct"] == 5
    assert [row["queue_name"] for row in line.json("queue", "list")] == ["tasks", "mails"]
    assert [row["queue_name"] for row in line.json("queue", "list", "--limit", "1", "--offset", "1")] == ["mails"]
    head, first, second = line.text("queue", "list").splitlines()
    assert head.split() == ["id", "queue_name", "created_at", "max_read_ct"]
    assert first.split()[1] == "tasks"
    assert second.split()[-1] == "5"
    line.text("enqueue", "tasks", "1")
    assert line.json("queue", "metrics", "tasks")[0]["pending"] == 1
    assert len(line.json("queue", "metrics")) == 2
    assert "not found" in line.error(3, "queue", "metrics", "none")
    assert line.error(1, "queue", "delete", "tasks")
    assert line.json("queue", "purge", "tasks") == {"removed": 1}
    assert line.text("queue", "delete", "tasks") == "Deleted queue 'tasks'.\n"
    assert "not found" in line.error(3, "queue", "delete", "tasks")


def test_enqueue(line: Line) -> None:
    line.text("queue", "create", "tasks")
    assert line.text("enqueue", "tasks", '{"n": 1}') == "1\n"
    assert line.json("enqueue", "tasks", "-", stdin='{"text": "naïve ☃"}\n') == {"ids": [2]}
    ids = line.json("enqueue", "tasks", "-", "--lines", stdin="\n".join(map(str, range(2500))))["ids"]
    assert ids == sorted(ids)
    assert len(ids) == 2500
    line.text("enqueue", "tasks", '"later"', "--delay", "3600")
    (row,) = line.json("queue", "metrics", "tasks")
    assert (row["pending"], row["delayed"]) == (2502, 1)
    once = line.json("enqueue", "tasks", "1", "--dedup-key", "k")
    assert line.json("enqueue", "tasks", "2", "--dedup-key", "k", "--delay", "9") == once
    assert "one message" in line.error(2, "enqueue", "tasks", "-", "--lines", "--dedup-key", "k")
    assert "quotes" in line.error(2, "enqueue", "tasks", "oops")
    assert line.error(2, "enqueue", "tasks", "NaN")
    assert "--lines" in line.error(2, "enqueue", "tasks", "1", "--lines")
    assert "not found" in line.error(3, "enqueue", "none", "1")


@pytest.mark.parametrize(
    ("handler", "queue"), [("handlers_of_a_test:work", "tasks"), ("handlers_of_a_test:handlers", None)]
)
def test_work(line: Line, tmp_path: Path, handler: str, queue: str | None) -> None:
    (tmp_path / "handlers_of_a_test.py").write_text(HANDLERS)
    for name in ("tasks", "mails"):
        line.text("queue", "create", name)
    line.text("enqueue", "tasks", '{"n": 1}')
    command = [sys.executable, "-m", "pgqrs", "work", handler, *(["--queue", queue] if queue else [])]
    env = environment(PGQRS_DSN=line.dsn)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=tmp_path) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "handled {'n': 1}\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
    (archived,) = line.json("archive", "list")
    assert archived["payload"] == {"n": 1}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("work", "x"), "MODULE:HANDLER"),
        (("work", "no_such_module:x"), "no_such_module"),
        (("work", "json:nothing"), "nothing"),
        (("work", "json:__doc__"), "function"),
        (("work", "json:dumps"), "--queue"),
    ],
)
def test_a_handler_that_cannot_be(line: Line, arguments: tuple[str, ...], named: str) -> None:
    assert named in line.error(2, *arguments)


def test_archive_and_dead_letters(line: Line) -> None:
    assert line.json("archive", "list") == []
    assert line.json("dlq", "list") == []
    dead_letters(line.dsn, 120)
    rows = line.json("dlq", "list", "--queue", "doomed", "--limit", "1000")
    assert len(rows) == 120
    assert rows[0]["read_ct"] == 1
    assert rows[0]["dead_reason"]
    assert len(line.json("archive", "list", "--queue", "doomed", "--limit", "50")) == 50
    assert line.text("dlq", "list").splitlines()[0].split()[0] == "id"
    first, second = rows[0]["id"], rows[1]["id"]
    assert line.json("dlq", "replay", str(first), str(second)) == {"replayed": [first, second]}
    assert "not found" in line.error(3, "dlq", "replay", str(first))
    assert line.text("dlq", "replay", "--all", "--queue", "doomed") == "Replayed 118 messages.\n"
    assert line.json("queue", "metrics", "doomed")[0]["pending"] == 120
    assert "--all" in line.error(2, "dlq", "replay")
    assert line.error(2, "dlq", "replay", "1", "--all")
    assert line.error(3, "dlq", "list", "--queue", "none")


def test_workers(line: Line) -> None:
    dead_letters(line.dsn, 1)  # its consumer is stopped
    (row,) = line.json("worker", "list", "--queue", "doomed")
    assert (row["name"], row["status"]) == ("consumer", "stopped")
    assert "stopped" in line.text("worker", "list")
    assert line.json("worker", "purge") == {"removed": 1}
    assert line.text("worker", "purge", "--older-than", "60") == "Removed 0 workers.\n"
    assert line.json("worker", "list") == []


# --- doctor -------------------------------------------------------------------------------


def findings(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["check"]: row["state"] for row in rows}


def test_doctor_finds_a_store_in_order(line: Line) -> None:
    line.text("queue", "create", "tasks")
    assert set(findings(line.json("doctor", "--strict")).values()) == {"ok"}
    assert "ok       schema: version " in line.text("doctor")


def test_doctor_names_remedies(line: Line) -> None:
    assert findings(line.json("doctor"))["queues"] == "warning"
    dead_letters(line.dsn, 2)
    line.text("queue", "create", "tasks")
    line.text("enqueue", "tasks", "1")
    rows = line.json("doctor", "--max-age", "0")
    assert findings(rows)["dead letters"] == "warning"
    assert findings(rows)["backlog"] == "warning"
    assert "work MODULE:HANDLER --queue tasks" in next(row["remedy"] for row in rows if row["check"] == "backlog")
    assert "-> Look at them: `pgqrs dlq list`" in line.text("doctor", "--strict", status=1)


def test_doctor_shows_the_settings_that_matter(line: Line) -> None:
    line.text("queue", "create", "tasks")
    told = line.text("doctor")
    if line.dsn.startswith("sqlite"):
        path = line.dsn.removeprefix("sqlite:///")
        assert f"{path}, mode 0600" in told
        assert "ok       durability: journal_mode wal, synchronous full" in told
    else:
        assert "ok       database: PostgreSQL " in told
        assert "no pooler" in told
        assert "ok       vacuum: " in told


def test_doctor_warns_of_settings_that_lose_messages(pg_dsn: str) -> None:
    weak = f"{pg_dsn}&options=-c%20synchronous_commit%3Doff"
    pgqrs_command("install", "--dsn", pg_dsn)
    rows = json.loads(pgqrs_command("doctor", "--json", "--dsn", weak).stdout)
    (row,) = [row for row in rows if row["detail"] == "synchronous_commit is off"]
    assert (row["check"], row["state"]) == ("durability", "warning")
    assert "set synchronous_commit = on" in row["remedy"]


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"engine": "postgres", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}, []),
        ({"engine": "postgres", "fsync": "off", "synchronous_commit": "local"}, ["fsync is off"]),
        ({"engine": "sqlite", "journal_mode": "delete", "synchronous": "normal"},
         ["journal_mode is delete", "synchronous is normal"]),
        ({"engine": "postgres", "oldest_snapshot": "pid 4711, state idle in transaction, for 93 s"},
         ["held back by pid 4711, state idle in transaction, for 93 s"]),
    ],
)  # fmt: skip
def test_what_doctor_makes_of_settings(settings: dict[str, str], warned: list[str]) -> None:
    all_of_them = {"version": "3", "path": "x", "pooler": "none"} | settings
    found = [finding for finding in of_settings(all_of_them) if finding.state != "ok"]
    assert [finding.detail for finding in found] == warned
    assert all(finding.remedy for finding in found)
    if "oldest_snapshot" in settings:
        assert "pg_terminate_backend(4711)" in (found[0].remedy or "")


def test_doctor_finds_workers_that_died(line: Line) -> None:
    line.text("queue", "create", "tasks")
    code = """
import asyncio, os, sys, pgqrs
async def main():
    store = await pgqrs.connect_with(pgqrs.Config(sys.argv[1], heartbeat_interval_seconds=0.1))
    consumer = await store.consumer("tasks")  # kept: one that nobody has any more shuts its worker down
    os._exit(0)
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", code, line.dsn], env=environment(), check=True, timeout=60)
    for _ in range(20):  # stale after three intervals
        done = pgqrs_command("doctor", "--json", PGQRS_DSN=line.dsn, PGQRS_HEARTBEAT_INTERVAL_SECONDS="0.1")
        if findings(json.loads(done.stdout))["workers"] == "warning":
            break
    assert "1 of 1 have stopped giving signs of life: 1 of queue 'tasks'" in done.stdout


def test_doctor_where_nothing_is_installed(pg_dsn: str) -> None:
    done = pgqrs_command("doctor", "--dsn", pg_dsn, status=5)
    assert "Run `pgqrs install`" in done.stdout


def test_doctor_without_a_server() -> None:
    done = pgqrs_command("doctor", "--dsn", "postgresql://u:s3cret@127.0.0.1:1/db", status=4)
    assert "problem  connection" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


# --- around the commands ----------------------------------------------------------------------


def test_passwords_are_never_shown() -> None:
    dsn = "postgresql://user:s3cret@127.0.0.1:1/db"
    for arguments, status in (
        (("queue", "list", "--dsn", dsn), 4),
        (("--dsn", dsn, "--json", "doctor"), 4),
        ((dsn, "install"), 2),
        (("install", dsn), 2),
        (("queue", "list", "--dsn", "nonsense://user:s3cret@host/db"), 2),
        (("queue", "list", "--dsn", "host=127.0.0.1 port=1 password=s3cret"), 4),
    ):
        done = pgqrs_command(*arguments, status=status)
        assert "s3cret" not in done.stdout + done.stderr, arguments


def test_options_stand_before_or_after_the_command(sqlite_dsn: str) -> None:
    for arguments in (("--dsn", sqlite_dsn, "--json", "install"), ("install", "--json", "--dsn", sqlite_dsn)):
        assert json.loads(pgqrs_command(*arguments).stdout)["installed"] is True


def test_a_schema_of_its_own(pg_server: str) -> None:
    here, there = ("--dsn", pg_server, "--schema", "cli one"), ("--dsn", pg_server, "--schema", "cli two")
    for schema in (here, there):
        pgqrs_command("install", *schema)
    pgqrs_command("queue", "create", "tasks", *here)
    assert json.loads(pgqrs_command("queue", "list", "--json", *there).stdout) == []
    assert len(json.loads(pgqrs_command("queue", "list", *here[:2], "--json", PGQRS_SCHEMA="cli one").stdout)) == 1


def test_mistakes_on_the_command_line(line: Line) -> None:
    for arguments in (
        (),
        ("unknown",),
        ("queue",),
        ("queue", "create"),
        ("queue", "create", "x", "--max-read-ct", "0"),
        ("queue", "list", "--limit", "0"),
        ("worker", "purge", "--older-than", "-1"),
        ("enqueue", "tasks", "1", "--delay", "soon"),
    ):
        assert line.error(2, *arguments)


def test_without_a_store(tmp_path: Path) -> None:
    env = {name: value for name, value in environment().items() if not name.startswith("PGQRS_DSN")}
    done = subprocess.run(
        [sys.executable, "-m", "pgqrs", "queue", "list"], capture_output=True, text=True, env=env, cwd=tmp_path,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done
    assert "PGQRS_DSN" in done.stderr


def test_help_documents_the_exit_codes() -> None:
    for arguments in (("--help",), ("queue", "list", "--help")):
        out = pgqrs_command(*arguments).stdout
        assert ("exit codes:" in out) == (arguments == ("--help",))
        assert "--dsn" in out


def test_a_reader_that_goes_away(line: Line) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m pgqrs queue list | true; echo "${{PIPESTATUS[0]}}"',
        shell=True, executable="/bin/bash", capture_output=True, text=True, timeout=60,
        env=environment(PGQRS_DSN=line.dsn), check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_bar_on_a_terminal_only(line: Line) -> None:
    line.text("queue", "create", "tasks")
    command = [sys.executable, "-m", "pgqrs", "enqueue", "tasks", "-", "--lines"]
    documents = "\n".join(map(str, range(20_000))).encode()
    quiet = subprocess.run(
        command, input=documents, capture_output=True, env=environment(PGQRS_DSN=line.dsn), check=True, timeout=60
    )
    assert quiet.stderr == b""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            command, input=documents, stdout=subprocess.PIPE, stderr=theirs, env=environment(PGQRS_DSN=line.dsn),
            check=True, timeout=60,
        )  # fmt: skip
        shown = os.read(ours, 100_000)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"enqueueing [" in shown  # however soon it was done: the first step draws
    assert shown.endswith(b"\r\x1b[K")
