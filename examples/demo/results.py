"""Where workers keep their results: one append-only file of JSON lines each.

A queue delivers at least once: a worker that dies between writing a result and
acknowledging its message leaves both a result and a message that somebody will
take again. So a result is stored under the id of its message, and reading them
back lets a later one replace an earlier one. Written and synced first,
acknowledged afterwards: then nothing is lost, and what is done twice counts once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from files import Facts


class ResultFile:
    """The results of one worker."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __enter__(self) -> ResultFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def add(self, results: Iterable[tuple[int, Facts]]) -> None:
        """Appends results by message id; they are on disk when this returns."""
        lines = "".join(json.dumps({"id": id, **asdict(facts)}) + "\n" for id, facts in results)
        remaining = lines.encode()
        while remaining:
            remaining = remaining[os.write(self._file, remaining) :]
        os.fsync(self._file)


def read_results(directory: Path) -> dict[int, Facts]:
    """The results of all workers by message id."""
    results = {}
    for path in sorted(directory.glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:  # a killed worker may leave half a last line
            record = json.loads(line)
            message = record.pop("id")
            results[message] = Facts(**record)
    return results
