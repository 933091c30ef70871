"""Retry: how long a message waits after its handler failed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import _arguments

_FACTOR_MAX = 1000.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with jitter, for the messages of a Worker.

    The pause after the first failure is initial_seconds, each further one is factor
    times as long, none is longer than max_seconds. Then a random part of it, at most
    the fraction jitter, is taken off, so that messages which failed together do not
    come back together. How often a message is tried is its queue's max_read_ct.
    """

    initial_seconds: float = 1.0
    factor: float = 2.0
    max_seconds: float = 300.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        _arguments.number(self.initial_seconds, "initial_seconds", 0, _arguments.SPAN_MAX)
        _arguments.number(self.factor, "factor", 1, _FACTOR_MAX)
        _arguments.number(self.max_seconds, "max_seconds", 0, _arguments.SPAN_MAX)
        _arguments.number(self.jitter, "jitter", 0, 1)

    def pause(self, attempt: int) -> float:
        """Seconds until a message may be leased again that has been leased `attempt` times."""
        try:
            longest = min(self.max_seconds, self.initial_seconds * float(self.factor) ** (max(attempt, 1) - 1))
        except OverflowError:
            longest = self.max_seconds if self.initial_seconds else 0.0
        return longest * (1 - self.jitter * random.random())


TROUBLE = Retry(initial_seconds=0.25, max_seconds=15)
"""Pauses of a loop while the database cannot be used."""
