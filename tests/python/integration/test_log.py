"""What the library logs arrives in the standard logging module, by itself."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from children import run_child
from waiting import eventually

import pgqrs
import pgqrs.sync as pgsync
from pgqrs import _log

WARNING = "stopping workers failed, their leases will expire by themselves: %s"


class Kept(logging.Handler):
    """Keeps the records of the library; those of the package itself are not its."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.threadName == "pgqrs-log":
            self.records.append(record)

    def about(self, dsn: str) -> list[logging.LogRecord]:
        """The records of one store. The schema tells it from others on one server."""
        schema = re.search(r"pgqrs_schema=(\w+)", dsn)
        mine = {"pgqrs_schema": schema[1]} if schema else {"pgqrs_store": dsn}
        return [record for record in self.records if mine.items() <= vars(record).items()]

    def seen(self, dsn: str, start: str, seconds: float = 20.0) -> logging.LogRecord:
        """The first record of a store whose text begins so."""
        deadline = time.monotonic() + seconds
        while not (found := [each for each in self.about(dsn) if each.getMessage().startswith(start)]):
            assert time.monotonic() < deadline, [each.getMessage() for each in self.records]
            time.sleep(0.02)
        return found[0]


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, logger = Kept(), logging.getLogger("pgqrs")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def provoke(dsn: str) -> None:
    """Closes a store whose tables are gone: it cannot tell that its consumer has ended."""
    with pgsync.connect(dsn, bootstrap=True) as store:
        store.queue("tasks")
        consumer = store.consumer("tasks")
        store.admin().uninstall()
    del consumer  # not before: what nobody holds is closed


def test_a_warning_without_doing_anything(dsn: str, kept: Kept) -> None:
    before = time.time()
    provoke(dsn)
    record = kept.seen(dsn, "stopping workers failed")
    assert (record.name, record.levelno) == ("pgqrs", logging.WARNING)
    assert str(record.msg).startswith(WARNING), "the same for every line of its kind"
    fields = vars(record)
    assert fields["pgqrs_error"] in record.getMessage()
    assert fields["pgqrs_store"].startswith(("postgresql://", "postgres://", "sqlite:///"))
    assert before - 1 < record.created < time.time()
    assert abs(record.msecs - record.created % 1 * 1000) < 1
    assert logging.Formatter("%(asctime)s %(module)s %(funcName)s %(message)s").format(record)


def test_levels_are_those_of_the_moment(dsn: str, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    logger, asked = logging.getLogger("pgqrs"), threading.Event()
    enabled = logger.isEnabledFor

    def ask(level: int) -> bool:
        answer = enabled(level)
        if level == logging.WARNING:
            asked.set()
        return answer

    monkeypatch.setattr(logger, "isEnabledFor", ask)
    logger.setLevel(logging.ERROR)
    provoke(dsn)
    assert asked.wait(20)
    logger.setLevel(logging.WARNING)
    provoke(dsn)
    kept.seen(dsn, "stopping workers failed")
    assert len(kept.about(dsn)) == 1


@pytest.mark.asyncio
async def test_a_connection_that_was_lost(pg_server: str, pg_schema: str, pg_dsn: str, kept: Kept) -> None:
    secret = "hunter2"  # the server of the tests trusts everybody
    dsn = re.sub(r"//(\w+)@", rf"//\1:{secret}@", pg_dsn)
    assert secret in dsn
    async with await pgqrs.connect(dsn, bootstrap=True) as store:
        await store.queue("tasks")
        async with await store.consumer("tasks") as consumer:
            waiting = asyncio.create_task(consumer.dequeue(wait=30))
            # A transaction would go on seeing the sessions of its first look.
            async with await psycopg.AsyncConnection.connect(pg_server, autocommit=True) as other:

                async def killed() -> bool:
                    # Its channel is the only thing that tells this store's listener from others',
                    # and there may be some: a closed store's connection takes a while to end.
                    cursor = await other.execute(
                        "select count(pg_terminate_backend(pid)) from pg_stat_activity where query ilike %s",
                        [f'listen "pgqrs_{pg_schema}"%'],
                    )
                    row = await cursor.fetchone()
                    return row is not None and row[0] > 0

                await eventually(killed)
            record = await asyncio.to_thread(kept.seen, pg_dsn, "listening for wake-ups failed, polling until")
            assert record.levelno == logging.WARNING
            assert "terminating connection due to administrator command" in record.getMessage()
            await pgqrs.produce(store, "tasks", 1)
            assert len(await waiting) == 1, "the library goes on"
    assert vars(record)["pgqrs_store"].split("://")[1].startswith("postgres:***@")
    assert not [each for each in kept.records if secret in each.getMessage() or secret in str(vars(each))]


def test_several_loops_and_threads_have_one_log(dsn: str, kept: Kept) -> None:
    def run() -> None:
        async def main() -> None:
            async with await pgqrs.connect(dsn, bootstrap=True):
                pass

        asyncio.run(main())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [thread.name for thread in threading.enumerate()].count("pgqrs-log") == 1
    provoke(dsn)
    kept.seen(dsn, "stopping workers failed")
    assert len(kept.about(dsn)) == 1


def test_a_handler_that_fails_does_not_end_it(sqlite_dsn: str, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def wrong(record: logging.LogRecord) -> bool:
        raise LookupError(record.msg)

    logger = logging.getLogger("pgqrs")
    logger.addFilter(wrong)
    try:
        provoke(sqlite_dsn)
        deadline = time.monotonic() + 20
        while not told:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        logger.removeFilter(wrong)
    assert (told[0].exc_type, told[0].thread and told[0].thread.name) == (LookupError, "pgqrs-log")
    provoke(sqlite_dsn)
    kept.seen(sqlite_dsn, "stopping workers failed")


def test_a_record_of_a_line() -> None:
    line = {
        "time": 1_700_000_000_123_456,
        "level": "warn",
        "message": "100% wrong",
        "attributes": {"store": "s", "error": "no %s", "messages": 3},
        "dropped": 7,
    }
    record = _log.record(logging.WARNING, line)
    assert record.getMessage() == "100% wrong: no %s (store=s, messages=3, dropped=7)"
    assert (record.created, record.msecs) == (1_700_000_000.123456, 123.0)
    assert vars(record).items() >= {"pgqrs_messages": 3, "pgqrs_error": "no %s", "pgqrs_dropped": 7}.items()
    bare = _log.record(logging.DEBUG, {"time": 0, "level": "debug", "message": "100%", "dropped": 0})
    assert bare.getMessage() == "100%"


# --- processes ----------------------------------------------------------------------------

HEAD = """
import logging, os, sys, threading, time
import pgqrs.sync
log = logging.getLogger("pgqrs")
def provoke():
    with pgqrs.sync.connect(sys.argv[1], bootstrap=True) as store:
        store.queue("tasks")
        consumer = store.consumer("tasks")
        store.admin().uninstall()
    del consumer  # not before: what nobody holds is closed
"""
SHOWN = "logging.basicConfig(format='%(levelname)s %(name)s %(message)s')\n"


def test_silence_where_logging_is_not_configured(sqlite_dsn: str) -> None:
    done = run_child(HEAD + "provoke()", sqlite_dsn).check()
    assert done.out + done.err == ""


def test_the_last_lines_come_before_the_exit(sqlite_dsn: str) -> None:
    code = """
store = pgqrs.sync.connect(sys.argv[1], bootstrap=True)
store.queue("tasks")
consumer = store.consumer("tasks")
store.admin().uninstall()
"""
    for _ in range(5):
        done = run_child(HEAD + SHOWN + code, sqlite_dsn).check()
        assert re.fullmatch(r"(?s).*WARNING pgqrs stopping workers failed.*", done.err), done.err
        assert done.seconds < 20


def test_a_program_that_hangs_there_does_not_keep_the_process(sqlite_dsn: str) -> None:
    code = """
hangs = threading.Event()
def wait(record):  # a filter: a handler would wait with its lock, for which logging's own exit hook waits
    hangs.set()
    threading.Event().wait()
log.addFilter(wait)
provoke()
print(hangs.wait(20))
"""
    done = run_child(HEAD + code, sqlite_dsn).check()
    assert done.out == "True\n"
    assert done.seconds < 20


def test_a_forked_child_has_no_log(sqlite_dsn: str) -> None:
    code = """
provoke()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        log.warning("from the child")  # no lock of the log thread is held here
        try:
            pgqrs.sync.connect(sys.argv[1])
        except pgqrs.ForkError:
            sys.exit(0)  # with everything atexit has
        sys.exit(1)
    if os.waitpid(pid, 0)[1]: print("wrong")
provoke()
"""
    done = run_child(HEAD + SHOWN + code, sqlite_dsn, options=("-W", "ignore::DeprecationWarning")).check()
    assert done.out == ""
    assert done.err.count("from the child") == 20
    assert done.err.count("stopping workers failed") == 2


def test_importing_starts_nothing(sqlite_dsn: str) -> None:
    done = run_child(
        HEAD
        + """
print(threading.active_count())
with pgqrs.sync.connect(sys.argv[1]): print(threading.active_count())
with pgqrs.sync.connect(sys.argv[1]): print(threading.active_count())
""",
        sqlite_dsn,
    ).check()
    assert done.out == "1\n2\n2\n"
