"""Random steps of producers and consumers against a model of a few dictionaries, through the public API."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from properties_of import TIMES, Stores, settled, stores

import pgqrs

__all__ = ["stores"]

RUNS = 20
LIMIT = 3  # leases of a message
LOCK = 600.0  # seconds; no lease expires in a test

ways = st.booleans()  # of naming a message: the object or its id
consumers = st.integers(0, 1)
picks = st.integers(0, 1000)


@dataclass
class Message:
    """What the model knows of a message."""

    id: int
    payload: Any
    since: int  # when it became eligible, in steps
    read_ct: int = 0
    owner: int | None = None
    lease: pgqrs.QueueMessage | None = None  # the newest
    stale: pgqrs.QueueMessage | None = None  # an older one


done: Counter[str] = Counter()
numbers = itertools.count()


class Lifecycle(RuleBasedStateMachine):
    """One queue of one store, a producer, two consumers."""

    store: pgqrs.Store  # set by the test
    all_: Stores

    @initialize()
    def open(self) -> None:
        self.queue = f"queue-{next(numbers)}"
        self.live: dict[int, Message] = {}
        self.archived: dict[int, Any] = {}
        self.dead: set[int] = set()
        self.gone: list[int] = []  # ids that are nobody's any more
        self.now = 0

        async def workers() -> tuple[pgqrs.Producer, list[pgqrs.Consumer]]:
            await self.store.admin().create_queue(self.queue, max_read_ct=LIMIT)
            return await self.store.producer(self.queue), [await self.store.consumer(self.queue) for _ in range(2)]

        self.producer, self.consumers = self.all_.run(workers())

    def teardown(self) -> None:
        if hasattr(self, "consumers"):
            for worker in [self.producer, *self.consumers]:
                self.all_.run(worker.close())

    @rule(payloads=st.lists(st.integers() | st.text("ab", max_size=3), max_size=5))
    def enqueue(self, payloads: list[Any]) -> None:
        ids = self.all_.run(self.producer.enqueue_batch(payloads))
        assert ids == sorted(set(ids)) and not set(ids) & {*self.live, *self.gone}
        self.now += 1
        self.live.update({n: Message(n, p, self.now) for n, p in zip(ids, payloads, strict=True)})
        done["enqueued"] += len(ids)

    @rule(who=consumers, most=st.integers(1, 4))
    def dequeue(self, who: int, most: int) -> None:
        free = sorted((m for m in self.live.values() if m.owner is None), key=lambda m: (m.since, m.id))
        messages = self.all_.run(self.consumers[who].dequeue(most, vt=LOCK))
        assert [m.id for m in messages] == [m.id for m in free[:most]]
        for message in messages:
            ours = self.live[message.id]
            ours.owner, ours.read_ct = who, ours.read_ct + 1
            ours.stale, ours.lease = ours.lease, message
            assert (message.payload, message.read_ct) == (ours.payload, ours.read_ct)
            assert message.consumer_worker_id == self.consumers[who].worker_id
        done["dequeued"] += len(messages)

    def choose(self, pick: int, by_id: bool) -> tuple[int, Any]:
        """Any id there ever was, or one there never was, and how the message is named."""
        leased = [m.id for m in self.live.values() if m.owner is not None]
        known = [*leased * 4, *self.live, *self.gone[-3:], 10**12]
        chosen = known[pick % len(known)]
        lease = self.live[chosen].lease if chosen in self.live else None
        return chosen, chosen if by_id or lease is None else lease

    def owns(self, who: int, chosen: int) -> bool:
        return chosen in self.live and self.live[chosen].owner == who

    def acknowledge(self, what: str, who: int, pick: int, by_id: bool, *more: Any) -> int | None:
        """Acknowledges, which takes effect exactly if this consumer owns the message; its id then."""
        chosen, named = self.choose(pick, by_id)
        took = self.all_.run(getattr(self.consumers[who], what)(named, *more))
        assert took is self.owns(who, chosen)
        done[f"{what}: {took}"] += 1
        return chosen if took else None

    @rule(who=consumers, pick=picks, by_id=ways)
    def archive(self, who: int, pick: int, by_id: bool) -> None:
        if chosen := self.acknowledge("archive", who, pick, by_id):
            self.archived[chosen] = self.live.pop(chosen).payload
            self.gone.append(chosen)

    @rule(who=consumers, pick=picks, by_id=ways)
    def delete(self, who: int, pick: int, by_id: bool) -> None:
        if chosen := self.acknowledge("delete", who, pick, by_id):
            del self.live[chosen]
            self.gone.append(chosen)

    @rule(who=consumers, pick=picks, by_id=ways, seconds=st.sampled_from([0, 1, 5000]))
    def extend(self, who: int, pick: int, by_id: bool, seconds: int) -> None:
        self.acknowledge("extend_vt", who, pick, by_id, seconds)

    @rule(who=consumers, picked=st.lists(picks, min_size=1, max_size=4))
    def release(self, who: int, picked: list[int]) -> None:
        """Of ids that stand twice the first counts; at the limit a message is dead."""
        chosen = [self.choose(pick, True)[0] for pick in picked]
        expected, seen = [], set()
        for each in chosen:
            expected.append(self.owns(who, each) and each not in seen)
            seen.add(each)
        outcomes = self.all_.run(self.consumers[who].release_messages(chosen))
        assert outcomes == expected
        self.now += 1
        for each in {each for each, took in zip(chosen, outcomes, strict=True) if took}:
            message = self.live[each]
            message.owner, message.since = None, self.now
            if message.read_ct >= LIMIT:
                self.dead.add(each)
                self.archived[each] = self.live.pop(each).payload
                self.gone.append(each)
            done["released"] += 1

    @rule(who=consumers, pick=picks)
    def archive_with_an_older_lease(self, who: int, pick: int) -> None:
        """The token of a lease that was given up fits no later one, not even of the same consumer."""
        stale = [m for m in self.live.values() if m.stale is not None and m.owner is not None]
        if stale:
            message = stale[pick % len(stale)]
            assert message.stale is not None
            assert self.all_.run(self.consumers[who].archive(message.stale)) is False
            done["refused an older lease"] += 1

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "queue"):
            return
        m = self.all_.run(self.store.admin().queue_metrics(self.queue))
        leased = sum(message.owner is not None for message in self.live.values())
        assert (m.pending, m.leased, m.delayed) == (len(self.live) - leased, leased, 0)
        assert (m.archived, m.dead) == (len(self.archived) - len(self.dead), len(self.dead))
        done["steps"] += 1


@pytest.mark.parametrize("engine", [0, 1], ids=["postgres", "sqlite"])
def test_lifecycle(stores: Stores, engine: int) -> None:
    class OnThis(Lifecycle):
        store = stores.opened[engine]
        all_ = stores

    done.clear()
    run_state_machine_as_test(OnThis, settings=settled(RUNS, stateful_step_count=50))
    print(f"{dict(done.most_common())}, {RUNS * TIMES} runs")
    assert done["steps"] > 300
