"""pgqrs.sync.Worker: what becomes of messages, by what their handlers do. The rules are
those of test_worker.py; here is what threads do to them."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import pgqrs
import pgqrs.sync as pgsync
from pgqrs._bridge import drive

AT_ONCE = pgqrs.Retry(initial_seconds=0)


@pytest.fixture
def store(dsn: str) -> Iterator[pgsync.Store]:
    with pgsync.connect(dsn, bootstrap=True) as opened:
        opened.queue("tasks")
        yield opened


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    eventually(lambda: not [t for t in threading.enumerate() if t.name.startswith("pgqrs-") and t.name != "pgqrs-log"])


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {seconds} s"
        time.sleep(0.02)


def metrics(store: pgsync.Store, queue: str = "tasks") -> pgqrs.QueueMetrics:
    return store.admin().queue_metrics(queue)


def finished(store: pgsync.Store, count: int, queue: str = "tasks") -> None:
    """Waits until so many messages are archived and none is left."""

    def check() -> bool:
        now = metrics(store, queue)
        return now.archived + now.dead == count and now.pending + now.leased + now.delayed == 0

    eventually(check)


# --- outcomes -----------------------------------------------------------------------


def test_handlers_of_several_queues(store: pgsync.Store) -> None:
    store.queue("mails")
    pgsync.produce_batch(store, "tasks", range(300))
    pgsync.produce_batch(store, "mails", range(30))
    seen: dict[str, list[Any]] = {"tasks": [], "mails": []}

    def task(msg: pgsync.QueueMessage) -> int:
        assert isinstance(msg, pgsync.QueueMessage)
        assert threading.current_thread() is not threading.main_thread()
        seen["tasks"].append(msg.payload)
        return 0  # equal to False, but not an explicit one

    with pgsync.Worker(store, {"tasks": task, "mails": lambda msg: seen["mails"].append(msg.payload)}) as worker:
        assert "running" in repr(worker)
        finished(store, 300)
        finished(store, 30, "mails")
        assert {w.status for w in store.get_workers().list()} == {pgqrs.WorkerStatus.Polling}
    assert {name: sorted(payloads) for name, payloads in seen.items()} == {
        "tasks": list(range(300)),
        "mails": list(range(30)),
    }
    assert {w.status for w in store.get_workers().list()} == {pgqrs.WorkerStatus.Stopped}


def test_an_explicit_false_releases(store: pgsync.Store) -> None:
    pgsync.produce(store, "tasks", 1)
    attempts: list[int] = []

    def handler(msg: pgsync.QueueMessage) -> bool:
        attempts.append(msg.read_ct)
        return msg.read_ct == 3

    with pgsync.Worker(store, {"tasks": handler}):
        finished(store, 1)
    assert attempts == [1, 2, 3]


def test_a_handler_may_acknowledge_itself(store: pgsync.Store, caplog: pytest.LogCaptureFixture) -> None:
    pgsync.produce_batch(store, "tasks", ["delete", "fail"])

    def handler(msg: pgsync.QueueMessage) -> None:
        if msg.payload == "delete":
            msg.delete()
            return
        msg.archive()
        raise RuntimeError("after the fact")

    with pgsync.Worker(store, {"tasks": handler}):
        finished(store, 1)
        eventually(lambda: "after the fact" in caplog.text)
    assert "lease was lost" not in caplog.text


def test_a_failure_is_logged_and_tried_again_later(store: pgsync.Store, caplog: pytest.LogCaptureFixture) -> None:
    id_ = pgsync.produce(store, "tasks", {"secret": "in the payload"})

    def fail(_msg: pgsync.QueueMessage) -> None:
        raise ValueError("no such customer")

    before = datetime.now(UTC)
    with pgsync.Worker(store, {"tasks": fail}, retry=pgqrs.Retry(initial_seconds=200, jitter=0)):
        eventually(lambda: metrics(store).delayed == 1)
    message = store.get_messages().get(id_)
    assert (message.read_ct, message.consumer_worker_id) == (1, None)
    assert timedelta(seconds=195) < message.vt - before < timedelta(seconds=230)
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.name == "pgqrs"
    assert record.exc_info
    assert isinstance(record.exc_info[1], ValueError)
    assert f"message {id_} (attempt 1 of 5, next in 200.0 s): no such customer" in record.getMessage()
    assert "in the payload" not in caplog.text


def test_a_message_dies_at_the_limit(store: pgsync.Store) -> None:
    store.admin().create_queue("twice", max_read_ct=2)
    id_ = pgsync.produce(store, "twice", 1)

    def fail(_msg: pgsync.QueueMessage) -> None:
        raise SystemExit(3)  # ends nothing but this attempt

    with pgsync.Worker(store, {"twice": fail}, retry=AT_ONCE):
        finished(store, 1, "twice")
    (dead,) = store.admin().dlq_messages("twice")
    assert (dead.id, dead.read_ct) == (id_, 2)


def test_async_handlers_are_refused(store: pgsync.Store, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(_msg: object) -> None: ...

    class Callable:
        async def __call__(self, _msg: object) -> None: ...

    for wrong in (handler, Callable()):
        with pytest.raises(TypeError, match=r"handlers\['tasks'\] must be a plain function; the classes of pgqrs"):
            pgsync.Worker(store, {"tasks": wrong})
    pgsync.produce(store, "tasks", 1)
    with pgsync.Worker(store, {"tasks": lambda msg: handler(msg)}, retry=pgqrs.Retry(initial_seconds=99)):
        eventually(lambda: metrics(store).delayed == 1)
    assert "must not return an awaitable" in caplog.text


# --- limits --------------------------------------------------------------------------


def test_no_more_handlers_at_once_than_allowed(store: pgsync.Store) -> None:
    store.queue("mails")
    for queue in ("tasks", "mails"):
        pgsync.produce_batch(store, queue, range(30))
    running, most, lock = 0, 0, threading.Lock()

    def handler(_msg: pgsync.QueueMessage) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    with pgsync.Worker(store, {"tasks": handler, "mails": handler}, concurrency=4):
        for queue in ("tasks", "mails"):
            finished(store, 30, queue)
    assert most == 4


def test_a_full_worker_leaves_messages_to_others(store: pgsync.Store) -> None:
    pgsync.produce_batch(store, "tasks", range(10))
    started, go = threading.Event(), threading.Event()

    def handler(_msg: pgsync.QueueMessage) -> None:
        started.set()
        go.wait(20)

    with pgsync.Worker(store, {"tasks": handler}, concurrency=2):
        assert started.wait(20)
        with store.consumer("tasks") as other:
            assert len(other.dequeue(10)) == 8
            go.set()


def test_a_thread_that_takes_too_long_keeps_its_place(store: pgsync.Store, caplog: pytest.LogCaptureFixture) -> None:
    pgsync.produce_batch(store, "tasks", ["slow", "quick"])
    told, order = threading.Event(), []

    def handler(msg: pgsync.QueueMessage) -> None:
        if msg.payload == "slow" and not told.is_set():
            assert msg.lease_lost.wait(20)
            time.sleep(0.2)
            order.append("slow ends")
            told.set()
        else:
            order.append(msg.payload)

    with pgsync.Worker(store, {"tasks": handler}, concurrency=1, timeout_seconds=0.1, retry=AT_ONCE):
        finished(store, 2)
    assert order[0] == "slow ends"
    assert sorted(order[1:]) == ["quick", "slow"]
    assert "The handler took longer than 0.1 s." in caplog.text


# --- leases --------------------------------------------------------------------------


def test_a_lease_is_kept_while_its_handler_runs(store: pgsync.Store) -> None:
    pgsync.produce(store, "tasks", 1)
    attempts: list[int] = []

    def handler(msg: pgsync.QueueMessage) -> None:
        attempts.append(msg.read_ct)
        time.sleep(5)

    one, other = (pgsync.Worker(store, {"tasks": handler}, lock_seconds=2) for _ in range(2))
    with one, other:
        finished(store, 1)
    assert attempts == [1]


def test_a_handler_is_told_that_its_lease_was_lost(store: pgsync.Store, caplog: pytest.LogCaptureFixture) -> None:
    id_ = pgsync.produce(store, "tasks", 1)
    started, told = threading.Event(), threading.Event()

    def handler(msg: pgsync.QueueMessage) -> None:
        started.set()
        if msg.lease_lost.wait(20):
            told.set()

    with pgsync.Worker(store, {"tasks": handler}, concurrency=1, lock_seconds=1):
        assert started.wait(20)
        holder = store.get_messages().get(id_).consumer_worker_id
        assert holder
        with store.consumer("tasks") as thief:
            store.admin().release_worker_messages(holder)
            (stolen,) = thief.dequeue(vt=60, wait=20)
            assert told.wait(20)
            assert stolen.archive() is True, "the handler acknowledged nothing"
        eventually(lambda: "was not archived" in caplog.text)
    assert f"the lease of message {id_} of queue 'tasks' was lost" in caplog.text


def test_a_worker_that_was_stopped_by_others_registers_anew(
    store: pgsync.Store, caplog: pytest.LogCaptureFixture
) -> None:
    with pgsync.Worker(store, {"tasks": lambda _msg: None}):
        (first,) = store.get_workers().list()
        store.admin().release_worker_messages(first.id)
        pgsync.produce(store, "tasks", 1)
        finished(store, 1)
        assert [worker.status for worker in store.get_workers().list()] == ["stopped", "polling"]
    assert "registered anew" in caplog.text


def test_an_interruption_ends_the_worker(store: pgsync.Store, caplog: pytest.LogCaptureFixture) -> None:
    worker = pgsync.Worker(store, {"tasks": print})
    thread = threading.Thread(target=worker.run)
    thread.start()
    eventually(lambda: [w.status for w in store.get_workers().list()] == ["polling"])
    drive(worker._queues[0]._consumer.interrupt())
    thread.join(20)
    assert not thread.is_alive()
    assert "was interrupted" in caplog.text
    assert [w.status for w in store.get_workers().list()] == ["stopped"]


# --- the end -------------------------------------------------------------------------


def test_stop_while_idle_returns_at_once(store: pgsync.Store) -> None:
    worker = pgsync.Worker(store, {"tasks": print})
    threading.Timer(0.5, worker.stop).start()
    start = time.monotonic()
    worker.run()
    assert time.monotonic() - start < 2.5
    worker.stop()
    with pytest.raises(pgqrs.StateTransitionError, match="make a new one"):
        worker.run()


def test_stop_before_the_start(store: pgsync.Store) -> None:
    worker = pgsync.Worker(store, {"tasks": print})
    worker.stop()
    worker.run()


def test_stop_while_the_server_does_not_answer() -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # accepts, and never says a word
    with silent:
        dsn = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/db?sslmode=disable"
        worker = pgsync.Worker(pgsync.Store(dsn), {"tasks": print})
        threading.Timer(0.2, worker.stop).start()
        start = time.monotonic()
        worker.run()
        assert time.monotonic() - start < 5


def test_stop_lets_handlers_finish(store: pgsync.Store) -> None:
    pgsync.produce_batch(store, "tasks", range(50))

    def handler(_msg: pgsync.QueueMessage) -> None:
        worker.stop()
        time.sleep(0.3)

    worker = pgsync.Worker(store, {"tasks": handler}, concurrency=5)
    worker.run()
    now = metrics(store)
    assert now.leased == 0
    assert 1 <= now.archived <= 5
    assert now.pending == 50 - now.archived
    assert {m.read_ct for m in store.get_messages().list()} == {0}


def test_handlers_that_outlast_the_grace_period_are_released(store: pgsync.Store) -> None:
    pgsync.produce(store, "tasks", 1)
    ended = threading.Event()

    def handler(msg: pgsync.QueueMessage) -> None:
        worker.stop()
        if msg.lease_lost.wait(20):
            ended.set()

    worker = pgsync.Worker(store, {"tasks": handler}, grace_seconds=0.2)
    start = time.monotonic()
    worker.run()
    assert time.monotonic() - start < 5
    assert ended.wait(5)
    now = metrics(store)
    assert (now.archived, now.leased, now.pending) == (0, 0, 1)


def test_many_messages_and_two_workers_in_a_row(store: pgsync.Store) -> None:
    pgsync.produce_batch(store, "tasks", range(2000))
    seen: list[int] = []

    def handler(msg: pgsync.QueueMessage) -> None:
        seen.append(msg.payload)
        if len(seen) == 700:
            first.stop()

    first = pgsync.Worker(store, {"tasks": handler}, concurrency=20)
    first.run()
    now = metrics(store)
    assert now.leased == 0
    assert now.archived == len(seen) < 2000
    with pgsync.Worker(store, {"tasks": handler}, concurrency=20):
        finished(store, 2000)
    assert sorted(seen) == list(range(2000))


# --- mistakes ------------------------------------------------------------------------


def test_an_unknown_queue_is_told_at_the_start(store: pgsync.Store) -> None:
    with pytest.raises(pgqrs.QueueNotFoundError, match="mails"):
        pgsync.Worker(store, {"tasks": print, "mails": print}).run()
    with pytest.raises(pgqrs.QueueNotFoundError, match="mails"), pgsync.Worker(store, {"mails": print}):
        raise AssertionError("never entered")
    assert [w for w in store.get_workers().list() if w.status != "stopped"] == []


def test_a_store_that_is_closed_ends_the_worker(dsn: str) -> None:
    with pgsync.connect(dsn, bootstrap=True) as opened:
        opened.queue("tasks")
        worker = pgsync.Worker(opened, {"tasks": print})
        threading.Timer(0.5, opened.close).start()
        with pytest.raises(pgqrs.ClosedError):
            worker.run()


@pytest.mark.parametrize(
    ("handlers", "options", "kind", "named"),
    [
        ({}, {}, pgqrs.ValidationError, "handlers"),
        ({"tasks": 1}, {}, TypeError, r"handlers\['tasks'\]"),
        ({"tasks": print}, {"concurrency": 0}, pgqrs.ValidationError, "concurrency"),
        ({"tasks": print}, {"lock_seconds": 0}, pgqrs.ValidationError, "lock_seconds"),
        ({"tasks": print}, {"retry": 3}, TypeError, "retry"),
    ],
)
def test_wrong_arguments(handlers: Any, options: dict[str, Any], kind: type[Exception], named: str) -> None:
    with pytest.raises(kind, match=named):
        pgsync.Worker(pgsync.Store("sqlite::memory:"), handlers, **options)
