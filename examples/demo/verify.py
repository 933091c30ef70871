"""Does the archive hold every file exactly once, with the right results?"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from files import Facts


@dataclass(frozen=True, slots=True)
class Archived:
    """What the demo needs of an archived message."""

    id: int
    path: str
    read_ct: int
    dead_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over many files; equal sums mean equal files, results and names."""

    files: int
    size: int
    lines: int
    sha256: str  # of all names and hashes, in the order of the names

    @classmethod
    def of(cls, facts: Iterable[Facts]) -> Sums:
        ordered = sorted(facts, key=lambda f: f.path)
        digest = hashlib.sha256("".join(f"{f.sha256}  {f.path}\n" for f in ordered).encode())
        return cls(len(ordered), sum(f.size for f in ordered), sum(f.lines for f in ordered), digest.hexdigest())


def problems(walked: list[Facts], archive: list[Archived], results: dict[int, Facts]) -> list[str]:
    """Everything that is wrong, in words; empty when all is well.

    walked is the truth, measured directly; archive the finished messages; results
    what the workers recorded, by message id.
    """
    found = []
    expected = {facts.path: facts for facts in walked}
    times = Counter(message.path for message in archive)
    found += [f"not archived: {path}" for path in expected if path not in times]
    found += [f"archived {n} times: {path}" for path, n in times.items() if n > 1]
    found += [f"archived, but no such file: {path}" for path in times if path not in expected]
    for message in archive:
        if message.dead_reason is not None:
            found.append(f"archived as a dead letter ({message.dead_reason}): {message.path}")
        elif message.id not in results:
            found.append(f"archived without a result: {message.path}")
        elif message.path in expected and results[message.id] != expected[message.path]:
            found.append(f"wrong result: {message.path}")
    if not found:
        sums, truth = Sums.of(results[message.id] for message in archive), Sums.of(walked)
        if sums != truth:
            found.append(f"sums differ: {sums} instead of {truth}")
    return found
