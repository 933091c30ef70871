"""The raw results of a run, kept as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .runner import Sample


class Archive:
    """One file a run; every line is an object of one key that says what it is:
    about, sample, line, took or versions. Written as it comes, so that an interrupted run
    leaves what it has measured."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, kind: str, value: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({kind: value}, default=str) + "\n")

    def sample(self, sample: Sample) -> None:
        self.write("sample", vars(sample))

    def records(self) -> list[dict[str, Any]]:
        return read([self.path])


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The records of several files, one after the other."""
    return [json.loads(line) for path in paths for line in path.open(encoding="utf-8")]


class Measured(NamedTuple):
    """One run: what it says about itself, and what counts of it."""

    about: Mapping[str, Any]
    records: list[Mapping[str, Any]]

    @property
    def scenarios(self) -> list[str]:
        """The scenarios that count, in their order."""
        return list(dict.fromkeys(record["line"]["scenario"] for record in self.records if "line" in record))


def runs(records: Iterable[Mapping[str, Any]]) -> list[Measured]:
    """The runs one after the other. A scenario that a later run measured again counts there only, with
    everything that was measured for it: figures of two runs are never mixed."""
    found: list[Measured] = []
    last: dict[str, int] = {}
    for record in records:
        if "about" in record or not found:
            found.append(Measured(record.get("about", {}), []))
        found[-1].records.append(record)
        if "line" in record:
            last[record["line"]["scenario"]] = len(found) - 1

    def counts(record: Mapping[str, Any], run: int) -> bool:
        scenario = _scenario(record)
        return scenario is None or last.get(scenario, run) == run

    return [
        Measured(one.about, [record for record in one.records if counts(record, number)])
        for number, one in enumerate(found)
    ]


def _scenario(record: Mapping[str, Any]) -> str | None:
    """What a record belongs to; None for what is said about the whole run."""
    for kind in ("sample", "line", "took"):
        if kind in record:
            return str(record[kind]["scenario"])
    return None
