"""pgqrs.sync: the same classes without await, on both engines."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import pgqrs
import pgqrs.sync as pgsync

ASYNC_ONLY = {"aclose"}  # close() is enough where nothing is awaited


@pytest.fixture
def store(dsn: str) -> Iterator[pgsync.Store]:
    with pgsync.connect(dsn, bootstrap=True) as opened:
        opened.queue("tasks")
        yield opened


def metrics(store: pgsync.Store) -> tuple[int, int, int]:
    counted = store.admin().queue_metrics("tasks")
    return counted.pending, counted.leased, counted.archived


# --- the surface ----------------------------------------------------------------------


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", [name for name in pgsync.__all__ if inspect.isclass(getattr(pgsync, name))])
def test_each_class_has_the_names_and_arguments_of_its_twin(name: str) -> None:
    asynchronous, sync = getattr(pgqrs, name), getattr(pgsync, name)
    assert public(sync) == public(asynchronous) - ASYNC_ONLY
    if name in ("Admin", "Consumer", "Producer", "Store", "Worker"):
        here, there = (inspect.signature(kind).parameters.values() for kind in (sync, asynchronous))
        assert [(p.name, p.kind, p.default) for p in here] == [(p.name, p.kind, p.default) for p in there]
    for member in public(sync):
        here, there = getattr(sync, member), getattr(asynchronous, member)
        assert not inspect.iscoroutinefunction(here)
        if inspect.isfunction(here):
            assert list(inspect.signature(here).parameters) == list(inspect.signature(there).parameters), member
            assert here.__module__ == "pgqrs.sync"
            assert here.__doc__ or not there.__doc__


def test_each_function_has_the_arguments_of_its_twin() -> None:
    for name in pgsync.__all__:
        here, there = getattr(pgsync, name), getattr(pgqrs, name)
        if inspect.isfunction(here):
            assert list(inspect.signature(here).parameters) == list(inspect.signature(there).parameters), name
    assert list(pgsync.__all__) == sorted(pgsync.__all__)


# --- the verbs --------------------------------------------------------------------------


def test_the_main_job(store: pgsync.Store) -> None:
    with store.producer("tasks", "host", 7) as producer, store.consumer("tasks") as consumer:
        first, second = producer.enqueue_batch([{"n": 1}, "two"])
        producer.enqueue_delayed("later", 60)
        producer.enqueue_at("later", datetime.now(UTC) + timedelta(hours=1))
        assert producer.status() == "READY"
        (msg,) = consumer.dequeue(vt=30)
        assert isinstance(msg, pgsync.QueueMessage)
        assert (msg.id, msg.payload, msg.read_ct) == (first, {"n": 1}, 1)
        assert (msg.producer_worker_id, msg.consumer_worker_id) == (producer.worker_id, consumer.worker_id)
        assert msg.extend_vt(60) is True
        assert [msg.archive(), msg.archive(), msg.delete(), msg.release()] == [True, False, False, False]
        (again,) = pgsync.dequeue(consumer, batch_size=10)
        assert consumer.release_messages([again]) == [True]
        (again,) = consumer.dequeue(wait=5)
        assert (again.id, again.read_ct) == (second, 2)
        assert consumer.archive_batch([again, first, again]) == [True, False, False]
        assert consumer.dequeue(wait=0.05) == []
    archive, messages = store.get_archive(), store.get_messages()
    assert archive.get(first).payload == {"n": 1}
    assert [row.id for row in archive.list()] == [first, second]
    assert messages.count() == 2
    found = messages.list()[0]
    assert isinstance(found, pgsync.QueueMessage)
    with pytest.raises(pgqrs.StateTransitionError, match="read from a table"):
        found.archive()
    assert store.admin().get_workers().count() == 2


def test_constructors_and_functions(store: pgsync.Store, dsn: str) -> None:
    with pgsync.Admin(dsn) as admin, pgsync.Producer(dsn, "tasks") as lazy:
        with pytest.raises(pgqrs.StateTransitionError, match="first awaited call"):
            _ = pgsync.Consumer(dsn, admin.get_queue("tasks").queue_name).worker_id
        ids = [lazy.enqueue(0), pgsync.produce(store, "tasks", 1), *pgsync.produce_batch(admin, "tasks", [2])]
    producer, consumer = pgsync.producer(store, "tasks"), pgsync.consumer(store.admin(), "tasks")
    assert producer.worker_id < consumer.worker_id
    ids += [pgsync.enqueue(producer, 3), *pgsync.enqueue_batch(producer, [4]), pgsync.enqueue_delayed(producer, 5, 0)]
    messages = pgsync.dequeue(consumer, 10, vt=30)
    assert [message.id for message in messages] == ids
    assert pgsync.archive(consumer, messages[0])
    assert pgsync.delete(consumer, ids[1])
    assert pgsync.extend_vt(consumer, messages[2], 60)
    assert pgsync.archive_batch(consumer, messages) == [False, False, True, True, True, True]
    with pytest.raises(pgqrs.QueueNotFoundError, match="none"):
        store.producer("none")
    with pytest.raises(TypeError, match="batch_size"):
        consumer.dequeue(batch_size=True)
    assert repr(consumer).startswith("sync.Consumer(queue='tasks', worker_id=")
    consumer.close()
    with pytest.raises(pgqrs.ClosedError):
        consumer.dequeue()


def test_handlers(store: pgsync.Store) -> None:
    async def asynchronous(_msg: object) -> None: ...

    seen: list[object] = []
    assert pgsync.consume(store, "tasks", seen.append) is False
    pgsync.produce_batch(store, "tasks", range(4))
    assert pgsync.consume(store, "tasks", seen.append) is True
    assert isinstance(seen[0], pgsync.QueueMessage)
    assert pgsync.consume(store, "tasks", lambda _msg: False) is True
    with pytest.raises(ZeroDivisionError):
        pgsync.consume(store, "tasks", lambda _msg: 1 // 0)
    with pytest.raises(TypeError, match="plain function"):
        pgsync.consume(store, "tasks", asynchronous)
    assert metrics(store) == (3, 0, 1)
    assert pgsync.consume_batch(store, "tasks", 10, lambda messages: [m.archive() for m in messages]) == 3
    assert metrics(store) == (0, 0, 4)
    assert store.get_workers().count() == 0


def test_a_handler_may_call_the_store_and_run_a_loop_of_its_own(store: pgsync.Store, dsn: str) -> None:
    async def asynchronously() -> int:
        async with await pgqrs.connect(dsn) as other:
            return sum(await asyncio.gather(*[pgqrs.produce(other, "tasks", n) for n in range(5)]))

    def handler(_msg: pgsync.QueueMessage) -> None:
        assert asyncio.run(asynchronously()) > 0
        assert pgsync.produce(store, "tasks", "nested") > 0

    pgsync.produce(store, "tasks", 0)
    assert pgsync.consume(store, "tasks", handler) is True
    assert metrics(store) == (6, 0, 1)


def test_it_works_where_a_loop_runs_as_in_a_notebook(store: pgsync.Store) -> None:
    async def cell() -> int:
        task = asyncio.create_task(asyncio.sleep(0))
        id_ = pgsync.produce(store, "tasks", 1)
        with store.consumer("tasks") as consumer:
            assert [m.id for m in consumer.dequeue()] == [id_]
        await task
        return id_

    assert asyncio.run(cell()) > 0


# --- iterators --------------------------------------------------------------------------


def test_the_loop_body_is_the_handler(store: pgsync.Store) -> None:
    pgsync.produce_batch(store, "tasks", range(5))
    for msg in pgsync.consume_iter(store, "tasks", batch_size=3):
        if msg.payload == 2:
            assert msg.delete()
        if msg.payload == 3:
            break
    # All is released when the statement after the loop runs; 3 is behind 4, which nobody saw.
    assert metrics(store) == (2, 0, 2)
    with store.consume_iter("tasks", poll_interval_ms=50) as iterator:
        for msg in iterator:
            assert iterator.archive(msg.id)
            if msg.payload == 3:
                break
    assert list(iterator) == []
    assert metrics(store) == (0, 0, 4)
    assert store.get_workers().count() == 0


def test_an_exception_in_the_loop_body_leaves_no_lease(store: pgsync.Store) -> None:
    pgsync.produce_batch(store, "tasks", range(2))
    with pytest.raises(LookupError), store.consume_iter("tasks", batch_size=2) as iterator:
        for _msg in iterator:
            raise LookupError
    assert metrics(store) == (2, 0, 0)
    with store.consumer("tasks") as consumer:
        assert [(m.payload, m.read_ct) for m in consumer.dequeue(2)] == [(1, 1), (0, 2)], "prefetched ones are unread"


# --- builders -----------------------------------------------------------------------------


def test_builders(store: pgsync.Store) -> None:
    with store.producer("tasks") as producer, store.consumer("tasks") as consumer:
        assert len(pgsync.enqueue().message(1).messages([2, 3]).worker(producer).execute(store)) == 3
        assert len(pgsync.enqueue().message(4).to("tasks").delay(0).execute(store)) == 1
        one = pgsync.dequeue().worker(consumer).vt(30).wait(5).fetch_one(store)
        assert one is not None
        assert one.archive()
        (two,) = pgsync.dequeue().from_queue("tasks").batch(1).fetch_all(store)
        assert isinstance(two, pgsync.QueueMessage)
        assert two.archive()
        seen: list[pgsync.QueueMessage] = []
        last = threading.Event()

        def handler(msg: pgsync.QueueMessage) -> None:
            seen.append(msg)
            if msg.payload == 5:
                last.set()

        assert pgsync.dequeue().from_queue("tasks").handle(handler).execute(store) == 1
        with ThreadPoolExecutor(1) as threads:
            polling = threads.submit(pgsync.dequeue().worker(consumer).handle(handler).poll, store)
            pgsync.produce(store, "tasks", 5)
            assert last.wait(10)
            consumer.interrupt()
            assert polling.result(10) == 2
        assert [(type(m), m.payload) for m in seen] == [(pgsync.QueueMessage, n) for n in (3, 4, 5)]
        with pytest.raises(TypeError, match=r"pgqrs\.sync\.Consumer"):
            pgsync.dequeue().worker(producer)  # type: ignore[arg-type]
    assert metrics(store) == (0, 0, 5)


def test_dead_letters(store: pgsync.Store) -> None:
    (first, second) = pgsync.produce_batch(store, "tasks", [{"n": 1}, {"n": 2}])
    messages, dlq = store.get_messages(), store.admin().dlq("tasks")
    assert [m.id for m in messages.filter_by_payload({"n": 2})] == [second]
    messages.move_to_dlq(first)
    assert [m.id for m in dlq.list()] == [first]
    assert dlq.replay_all() == 1
    with store.consumer("tasks"):
        assert store.admin().worker_stats()[0].consumers == store.get_workers().health_stats()[0].healthy == 1


# --- threads ------------------------------------------------------------------------------


def test_eight_threads_share_every_object(store: pgsync.Store) -> None:
    with store.producer("tasks") as producer, store.consumer("tasks") as consumer:

        def work(thread: int) -> list[int]:
            ids = [producer.enqueue([thread, n]) for n in range(25)]
            done: list[int] = []
            while len(done) < 25:
                done += [msg.id for msg in consumer.dequeue(3, wait=10) if msg.archive()]
            return [*ids, *done]

        with ThreadPoolExecutor(8) as threads:
            # Each takes at least its share and less than three more, which the others may starve of.
            producer.enqueue_batch(range(16))
            results = list(threads.map(work, range(8)))
    assert len({id_ for ids in results for id_ in ids[:25]}) == 200
    done = [id_ for ids in results for id_ in ids[25:]]
    assert len(done) == len(set(done)) == metrics(store)[2]


def test_a_waiting_thread_is_woken_by_another(store: pgsync.Store) -> None:
    waiting = threading.Event()
    with store.consumer("tasks") as consumer, ThreadPoolExecutor(1) as threads:

        def wait() -> list[pgsync.QueueMessage]:
            waiting.set()
            return consumer.dequeue(wait=30)

        future = threads.submit(wait)
        waiting.wait()
        id_ = pgsync.produce(store, "tasks", "hello")
        assert [msg.id for msg in future.result(10)] == [id_]


def test_closing_the_store_ends_a_waiting_call(store: pgsync.Store) -> None:
    consumer = store.consumer("tasks")
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(consumer.dequeue, 1, None, 30)
        store.close()
        with pytest.raises(pgqrs.PgqrsError):
            future.result(10)
