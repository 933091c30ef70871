"""The one multi-shot op: leases that were lost although the library kept them alive."""

from __future__ import annotations

import asyncio

import pytest
from waiting import eventually

import pgqrs
from pgqrs import _bridge

pytestmark = pytest.mark.asyncio

Tokens = list[tuple[int, int]]


async def lose(store: pgqrs.Store, consumer: pgqrs.Consumer, count: int) -> Tokens:
    """Makes a consumer lose so many leases, and returns their tokens."""
    await pgqrs.produce_batch(store, "tasks", range(count))
    messages = await consumer.dequeue(count, vt=0.5, auto_extend=True)
    await store.admin().release_worker_messages(consumer.worker_id)
    return [(message.id, message.read_ct) for message in messages]


async def told(heard: Tokens, expected: Tokens) -> None:
    async def check() -> bool:
        return set(heard) >= set(expected)

    await eventually(check)
    assert sorted(heard) == sorted(expected)


async def test_every_listener_hears_of_every_loss(store: pgqrs.Store, consumer: pgqrs.Consumer) -> None:
    one: Tokens = []
    two: Tokens = []
    listening = [asyncio.create_task(consumer._listen(heard.extend)) for heard in (one, two)]
    await asyncio.sleep(0.1)
    lost = await lose(store, consumer, 3)
    await told(one, lost)
    await told(two, lost)
    await consumer.close()
    for listener in listening:
        with pytest.raises(pgqrs.ClosedError):
            await asyncio.wait_for(listener, 10)


async def test_what_was_acknowledged_is_not_lost(store: pgqrs.Store, consumer: pgqrs.Consumer) -> None:
    heard: Tokens = []
    listening = asyncio.create_task(consumer._listen(heard.extend))
    await pgqrs.produce_batch(store, "tasks", range(2))
    one, two = await consumer.dequeue(2, vt=0.3, auto_extend=True)
    await one.archive()
    await two.release()
    lost = await lose(store, consumer, 1)  # of the released one, or of the new one
    await told(heard, lost)
    await consumer.close()
    with pytest.raises(pgqrs.ClosedError):
        await listening


async def test_a_cancelled_listener_leaves_nothing_behind(store: pgqrs.Store, consumer: pgqrs.Consumer) -> None:
    heard: Tokens = []
    listening = asyncio.create_task(consumer._listen(heard.extend))
    await asyncio.sleep(0.1)
    bridge = _bridge._bridge(asyncio.get_running_loop())
    pending = len(bridge._pending)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening

    async def gone() -> bool:
        return len(bridge._pending) < pending

    await eventually(gone)
    await lose(store, consumer, 1)
    assert heard == []


async def test_a_listener_that_raises_ends_the_op(store: pgqrs.Store, consumer: pgqrs.Consumer) -> None:
    def fail(_tokens: Tokens) -> None:
        raise KeyError("what to do with it")

    listening = asyncio.create_task(consumer._listen(fail))
    await asyncio.sleep(0.1)
    await lose(store, consumer, 2)
    with pytest.raises(KeyError, match="what to do"):
        await asyncio.wait_for(listening, 20)
