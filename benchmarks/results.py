"""The raw results of a run, kept as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
        with self.path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]
