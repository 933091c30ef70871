"""The pauses between the attempts of a message."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import pgqrs


def test_pauses_grow_up_to_a_limit() -> None:
    retry = pgqrs.Retry(initial_seconds=2, factor=3, max_seconds=40, jitter=0)
    assert [retry.pause(attempt) for attempt in (0, 1, 2, 3, 4, 10**9)] == [2, 2, 6, 18, 40, 40]
    assert pgqrs.Retry(initial_seconds=0, factor=3).pause(10**9) == 0


def test_jitter_takes_a_random_part_off() -> None:
    pauses = [pgqrs.Retry(initial_seconds=10, jitter=0.5).pause(1) for _ in range(200)]
    assert 5 <= min(pauses) < 6
    assert 9 < max(pauses) <= 10


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"initial_seconds": -1}, pgqrs.ValidationError),
        ({"factor": 0.5}, pgqrs.ValidationError),
        ({"max_seconds": float("nan")}, pgqrs.ValidationError),
        ({"jitter": 2}, pgqrs.ValidationError),
        ({"jitter": "much"}, TypeError),
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind, match=next(iter(wrong))):
        pgqrs.Retry(**wrong)


def test_it_is_a_value() -> None:
    assert pgqrs.Retry() == pgqrs.Retry()
    with pytest.raises(dataclasses.FrozenInstanceError):
        pgqrs.Retry().factor = 3  # type: ignore[misc]
