"""Writes the calculated part of docs/scaling.md: `python -m benchmarks.scaling RESULTS...`.

What a message cost the server (processor time, WAL, fsyncs) in a run of the suite,
multiplied by the cores of larger servers. Every figure comes from the results.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .paths import SCALING
from .results import read, runs
from .runner import Sample
from .table import filled, markdown, number

CORES = (8, 32, 96)
RATES = (1_000, 10_000, 100_000, 1_000_000)
BEGIN, END = "<!-- begin: written by benchmarks/scaling.py -->", "<!-- end -->"


@dataclass(frozen=True)
class Way:
    """A way of using the queue whose whole cycle some scenario measures."""

    scenario: str
    contender: str
    step: str
    title: str


WAYS = (
    Way("R4", "ours", "cycle", "one after the other: `enqueue`, `dequeue(1)`, `archive`"),
    Way("P6", "ours", "end to end", "100 coroutines `enqueue` one by one, a `Worker` handles"),
    Way("P9", "ours", "flat out", "batches of 100 stored, 50 fetched and archived; a snapshot held"),
    Way("P11", "core", "steady", "the Go core, batches of 500"),
    Way("P12", "core", "2048 B by 100", "the Go core, payloads of 2 KB, batches of 100"),
)


@dataclass(frozen=True)
class Cost:
    """Medians of what one whole cycle of a message cost the server."""

    title: str
    cpu_us: float
    wal_bytes: float
    fsyncs: float | None

    def at_most(self, cores: int) -> float:
        """Messages a second that so many cores have the time for."""
        return cores * 1e6 / self.cpu_us


def costs(samples: Iterable[Sample]) -> list[Cost]:
    found: list[Cost] = []
    known = list(samples)
    for way in WAYS:
        metrics = [
            sample.metrics
            for sample in known
            if (sample.scenario, sample.contender, sample.step) == (way.scenario, way.contender, way.step)
            and "server_cpu_us" in sample.metrics
        ]
        if metrics:
            fsyncs = [one["fsyncs_per_message"] for one in metrics if "fsyncs_per_message" in one]
            found.append(
                Cost(
                    f"{way.title} ({way.scenario})",
                    median(one["server_cpu_us"] for one in metrics),
                    median(one["wal_bytes_per_message"] for one in metrics),
                    median(fsyncs) if fsyncs else None,
                )
            )
    return found


def generated(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The text between the marks; None when the records hold none of the ways."""
    found = costs(Sample.of(record["sample"]) for record in records if "sample" in record)
    if not found:
        return None
    about: dict[str, Any] = next((record["about"] for record in records if "about" in record), {})
    machine, server = about.get("machine", {}), about.get("server", {})
    facts = filled(
        f"Measured {machine.get('started', '?')} in the {machine.get('mode', '?')} mode: PostgreSQL "
        f"{server.get('server_version', '?')} on {machine.get('cores', '?')} cores ({machine.get('processor', '?')}), "
        f"clients on the same machine, `fsync` {server.get('fsync', '?')}, "
        f"`synchronous_commit` {server.get('synchronous_commit', '?')}."
    )
    measured = markdown(
        ("a whole cycle", "server CPU, µs", "WAL, bytes", "fsyncs"),
        ((cost.title, *map(_or_nothing, (cost.cpu_us, cost.wal_bytes, cost.fsyncs))) for cost in found),
        right=(1, 2, 3),
    )
    bounds = markdown(
        ("messages/s at most", *(f"{cores} cores" for cores in CORES), f"WAL at {CORES[-1]} cores, MB/s"),
        (
            (
                cost.title,
                *(number(cost.at_most(cores)) for cores in CORES),
                number(cost.at_most(CORES[-1]) * cost.wal_bytes / 1e6),
            )
            for cost in found
        ),
        right=range(1, len(CORES) + 2),
    )
    needs = markdown(
        ("needed for", *(f"{rate:,}/s" for rate in RATES)),
        ((cost.title, *(_needed(cost, rate) for rate in RATES)) for cost in found),
        right=range(1, len(RATES) + 1),
    )
    return "\n\n".join((facts, measured, bounds, "Cores of the server, and MB of WAL a second:", needs))


def _or_nothing(value: float | None) -> str:
    return "" if value is None else number(value)


def _needed(cost: Cost, rate: int) -> str:
    return f"{number(rate * cost.cpu_us / 1e6)}; {number(rate * cost.wal_bytes / 1e6)}"


def write(records: Sequence[Mapping[str, Any]]) -> bool:
    """Replaces the part of the document between the marks; whether there was anything to write."""
    text = generated(records)
    if text is None:
        return False
    before, _, rest = SCALING.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"benchmarks: {SCALING} has lost its marks {BEGIN} and {END}")
    SCALING.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    return True


def main() -> int:
    files = [Path(name) for name in sys.argv[1:]]
    if not files:
        raise SystemExit("usage: python -m benchmarks.scaling RESULTS.jsonl...")
    if not write([record for run in runs(read(files)) for record in run.records]):
        raise SystemExit(f"benchmarks: none of {', '.join(sorted({way.scenario for way in WAYS}))} in these results")
    return 0


if __name__ == "__main__":
    sys.exit(main())
