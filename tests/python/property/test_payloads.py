"""Any JSON value, through both engines: equal under the rules of PostgreSQL's jsonb."""

from __future__ import annotations

import asyncio
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from properties_of import Stores, counted, settled, stores

import pgqrs
from pgqrs import _payload

__all__ = ["stores"]

# What no database stores: NUL and lone surrogates. They are refused below.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers() | st.integers(-(10**400), 10**400)
scalars = st.none() | st.booleans() | integers | floats | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=30,
)


def normal(value: Any) -> Any:
    """A value as jsonb keeps it: numbers by value, so 1e16 is an int and -0.0 is 0.

    The value of a number is that of its digits in the document. A float is written with the
    fewest digits that are its own, so one beyond 2**53 that comes back as an int is the int
    of these digits: float() of it is the same, its last digits need not be.
    """
    if isinstance(value, dict):
        return {key: normal(each) for key, each in value.items()}
    if isinstance(value, list):
        return [normal(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))
    return value


def same(ours: Any, theirs: Any) -> bool:
    """Equal, and of the same kind: 1 and True are equal in Python and are not the same JSON."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return isinstance(ours, bool) == isinstance(theirs, bool) and ours == theirs


@counted
@settled(60)
@given(st.lists(values, min_size=1, max_size=20))
def test_payloads_come_back_equal(stores: Stores, payloads: list[Any]) -> None:
    async def through(store: pgqrs.Store) -> None:
        async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
            ids = await producer.enqueue_batch(payloads)
            messages = await consumer.dequeue(len(payloads))
            assert [m.id for m in messages] == ids
            for sent, message in zip(payloads, messages, strict=True):
                note(f"{sent!r} came back as {message.payload!r}")
                assert same(normal(sent), normal(message.payload))
            assert all(await consumer.archive_batch(messages))
            archived = await (await store.get_archive()).get(ids[-1])
            assert same(normal(payloads[-1]), normal(archived.payload))

    stores.each(through)


@counted
@settled(60)
@given(st.lists(st.tuples(texts, scalars), min_size=1, max_size=6))
def test_the_last_of_duplicate_keys_wins(stores: Stores, members: list[tuple[str, Any]]) -> None:
    """Python cannot write such a document, other clients can."""
    document = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in members) + "}"

    class Written(str):
        """A text that the encoder is made to take for JSON that is written already."""

    async def through(store: pgqrs.Store) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                _payload, "_pieces", lambda value, _: (value if isinstance(value, Written) else json.dumps(value),)
            )
            async with await store.producer("tasks") as producer, await store.consumer("tasks") as consumer:
                await producer.enqueue(Written(document))
                (message,) = await consumer.dequeue()
                assert same(normal(json.loads(document)), normal(message.payload))
                assert await message.delete()

    stores.each(through)


unstorable = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, object(), {1, 2}, b"bytes", 1j, asyncio.sleep]),
    st.sampled_from(["\x00", "a\x00b", "\ud800", "\udfff!", {"\x00": 1}, {"\ud800": 1}]),
    st.just({(1, 2): 3}),
)
around: list[Any] = [lambda bad: bad, lambda bad: [1, bad], lambda bad: {"key": bad}, lambda bad: [[{"deep": [bad]}]]]


@counted
@settled(60)
@given(st.lists(scalars, max_size=4), unstorable, st.sampled_from(around), st.integers(0, 4))
def test_what_cannot_be_stored_stores_nothing_of_its_batch(
    stores: Stores, good: list[Any], bad: Any, wrap: Any, place: int
) -> None:
    batch = [*good[:place], wrap(bad), *good[place:]]

    async def through(store: pgqrs.Store) -> None:
        async with await store.producer("tasks") as producer:
            with pytest.raises((TypeError, ValueError)) as failure:
                await producer.enqueue_batch(batch)
            assert "payload" in str(failure.value) or isinstance(failure.value, pgqrs.PgqrsError)
            assert await (await store.get_messages()).count() == 0

    stores.each(through)
