"""Single calls of many coroutines cross into the library together."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from waiting import eventually

import pgqrs
from pgqrs import _gather, _pending
from pgqrs._native import _cq

pytestmark = pytest.mark.asyncio


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions of the library that operations were submitted to."""
    names: list[str] = []
    original = _cq.CompletionQueue.submit

    def submit(self: Any, call: Any, user_data: int) -> int | None:
        names.append(call.function)
        return original(self, call, user_data)

    monkeypatch.setattr(_cq.CompletionQueue, "submit", submit)
    return names


async def test_enqueues_of_one_turn_cross_together(
    store: pgqrs.Store, producer: pgqrs.Producer, submitted: list[str]
) -> None:
    count = 2 * _gather.SHARE_MAX + 10
    ids = await asyncio.gather(*[producer.enqueue(n) for n in range(count)])
    assert submitted.count("pgqrs_enqueue_each") == 3
    messages = {m.id: m.payload for m in await (await store.get_messages()).list(count)}
    assert [messages[id] for id in ids] == list(range(count)), "everybody gets the id of their own message"
    assert ids == sorted(ids)


async def test_the_first_calls_of_many_cross_at_once(producer: pgqrs.Producer, submitted: list[str]) -> None:
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(_gather.EAGER + 1)]
    await asyncio.sleep(0)
    assert len(submitted) == 1, "nothing was under way, so the database need not wait for the last one"
    await asyncio.gather(*tasks)
    assert len(submitted) == 2
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(_gather.EAGER - 1)]
    await asyncio.sleep(0)
    assert len(submitted) == 2
    await asyncio.gather(*tasks)
    assert len(submitted) == 3


async def test_many_callers_cross_in_equal_halves_from_their_second_turn_on(
    producer: pgqrs.Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    sent = _pending.Group.sent

    def record(self: _pending.Group[Any], number: int) -> None:
        sizes.append(len(self.items))
        sent(self, number)

    monkeypatch.setattr(_pending.Group, "sent", record)
    for count in (100, 100, 10, 100):
        await asyncio.gather(*[producer.enqueue(n) for n in range(count)])
    assert sizes == [32, 68, 50, 50, 10, 32, 68]


COMMITS_WAIT = """
create function "{schema}".wait() returns trigger language plpgsql as $$ begin
  if new.payload = '"slow"' then perform pg_sleep(0.003);
  else perform pg_advisory_xact_lock_shared(hashtext('{schema}')); end if;
  return null;
end $$;
create constraint trigger wait after insert on "{schema}".pgqrs_messages
deferrable initially deferred for each row execute function "{schema}".wait()"""
"""Commits take 3 ms, or as long as somebody holds the lock."""


async def test_ids_keep_the_order_of_the_calls_where_commits_overlap(
    pg_server: str, pg_schema: str, pg_dsn: str
) -> None:
    async with (
        await pgqrs.connect(pg_dsn, bootstrap=True) as store,
        await psycopg.AsyncConnection.connect(pg_server, autocommit=True) as other,
    ):
        await store.queue("tasks")
        producer = await store.producer("tasks")
        await other.execute(COMMITS_WAIT.format(schema=pg_schema).encode())
        for _ in range(40):  # a flush each; one of them tells how slow commits are
            await producer.enqueue("slow")
        await other.execute("select pg_advisory_lock(hashtext(%s))", [pg_schema])
        tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(2000)]

        async def they_overlap() -> bool:
            return (await store.stats()).enqueue.flying > 1

        await eventually(they_overlap)
        assert not any(task.done() for task in tasks), "nobody is answered before their own commit"
        await other.execute("select pg_advisory_unlock(hashtext(%s))", [pg_schema])
        ids = await asyncio.gather(*tasks)
        assert ids == sorted(ids)


async def test_calls_with_other_arguments_go_apart(
    producer: pgqrs.Producer, consumer: pgqrs.Consumer, submitted: list[str]
) -> None:
    plain, delayed, later = await asyncio.gather(
        producer.enqueue("now"), producer.enqueue_delayed("later", 600), producer.enqueue_delayed("much later", 1200)
    )
    assert submitted == ["pgqrs_enqueue_each"] * 3
    assert len({plain, delayed, later}) == 3
    assert [m.id for m in await consumer.dequeue(10)] == [plain]


async def test_equal_numbers_of_different_arguments_are_told_apart(
    producer: pgqrs.Producer, consumer: pgqrs.Consumer
) -> None:
    long_ago = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=600_000)
    _, now = await asyncio.gather(producer.enqueue_delayed("later", 600), producer.enqueue_at("now", long_ago))
    assert [m.id for m in await consumer.dequeue(10)] == [now]


async def test_a_refused_message_fails_alone(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    results = await asyncio.gather(
        *[producer.enqueue("a\0b" if n % 10 == 3 else n) for n in range(50)], return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, pgqrs.PgqrsError)]
    assert len(refused) == 5
    assert all(r.operation == "enqueue" and "NUL" in str(r) for r in refused), refused[0]
    assert len({id(r) for r in refused}) == 5
    assert await (await store.get_messages()).count() == 45


async def test_acknowledgements_of_one_turn_cross_together(
    producer: pgqrs.Producer, consumer: pgqrs.Consumer, submitted: list[str]
) -> None:
    await producer.enqueue_batch(range(40))
    messages = await consumer.dequeue(40, vt=60)
    submitted.clear()
    took = await asyncio.gather(*[m.archive() for m in messages[:20]], consumer.archive(10**12))
    assert took == [True] * 20 + [False]
    assert await asyncio.gather(*[m.extend_vt(90) for m in messages[20:]]) == [True] * 20
    assert await asyncio.gather(*[m.release() for m in messages[20:30]]) == [True] * 10
    assert await asyncio.gather(*[m.delete() for m in messages[30:]], messages[0].delete()) == [True] * 10 + [False]
    assert submitted == ["pgqrs_archive", "pgqrs_extend_vt", "pgqrs_release", "pgqrs_delete"]


async def test_one_of_two_acknowledgements_of_a_message_is_true(
    producer: pgqrs.Producer, consumer: pgqrs.Consumer
) -> None:
    await producer.enqueue(1)
    (message,) = await consumer.dequeue(vt=60)
    assert sorted(await asyncio.gather(message.archive(), message.archive())) == [False, True]


async def test_cancelled_before_it_was_sent_means_not_stored(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(10)]
    await asyncio.sleep(0)  # every task has asked, nothing was sent
    for task in tasks[:9]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(r, asyncio.CancelledError) for r in results] == [True] * 9 + [False]
    assert [m.payload for m in await (await store.get_messages()).list(20)] == [9]


async def test_when_everybody_has_gone_the_operation_is_cancelled(
    producer: pgqrs.Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[int] = []
    monkeypatch.setattr(_pending, "cancel", cancelled.append)
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # sent
    for task in tasks:
        assert cancelled == []
        task.cancel()
        await asyncio.wait([task])
    assert len(cancelled) <= 1  # none when the answer was faster


async def test_what_was_begun_is_stored_before_a_close(store: pgqrs.Store) -> None:
    producer = await store.producer("tasks")
    tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(10)]
    await asyncio.sleep(0)
    await producer.close()
    assert len(set(await asyncio.gather(*tasks))) == 10


async def test_a_failure_of_all_is_told_to_each(producer: pgqrs.Producer) -> None:
    await producer.suspend()
    results = await asyncio.gather(*[producer.enqueue(n) for n in range(3)], return_exceptions=True)
    assert [type(r) for r in results] == [pgqrs.StateTransitionError] * 3
    assert len({id(r) for r in results}) == 3
    assert all("resume()" in str(r) for r in results)


async def test_stats_tell_how_calls_shared_transactions(store: pgqrs.Store, producer: pgqrs.Producer) -> None:
    before = (await store.stats()).enqueue
    await asyncio.gather(*[producer.enqueue(n) for n in range(100)])
    after = (await store.stats()).enqueue
    assert after.rows - before.rows == 100
    assert 1 <= after.flushes - before.flushes <= 3
    assert after.largest >= 34
    assert (after.waiting, after.flying) == (0, 0)
    assert after.mean_rows > 1 and after.mean_wait.total_seconds() < 10
