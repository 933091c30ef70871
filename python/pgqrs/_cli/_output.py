"""What is printed: tables for people, JSON for programs, progress on a terminal."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
Row = Mapping[str, Any]

CELL_MAX = 60  # characters of a table's cell
BAR = 30
TICK_SECONDS = 0.1


class Output:
    """Standard output of one command. Progress goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def rows(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Several records; the columns also when there are none."""
        if self.as_json:
            self._document([dict(row) for row in rows])
            return
        cells = [list(columns)] + [[_cell(row[column]) for column in columns] for row in rows]
        widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
        right = [bool(rows) and all(isinstance(row[column], int | None) for row in rows) for column in columns]
        for line in cells:
            padded = [
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(line, widths, right, strict=True)
            ]
            print("  ".join(padded).rstrip())

    def result(self, text: str, **fields: Any) -> None:
        """What a command did: a sentence, or its facts as an object."""
        if self.as_json:
            self._document(fields)
        else:
            print(text)

    def progress(self, label: str, total: int | None = None) -> Progress:
        return Progress(label, total, shown=sys.stderr.isatty() and not self.as_json)

    @staticmethod
    def _document(value: Any) -> None:
        print(json.dumps(value, default=_plain, ensure_ascii=False))


class Progress:
    """A bar while something long goes on, when standard error is a terminal; else nothing."""

    def __init__(self, label: str, total: int | None, *, shown: bool) -> None:
        self._label = label
        self._total = total
        self._shown = shown
        self._done = 0
        self._start = time.monotonic()
        self._due = self._start  # of the next drawing: the first step shows at once, so a short command has a bar too

    def advance(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if self._shown and now >= self._due:
            self._due = now + TICK_SECONDS
            self._draw()

    async def during(self, work: Awaitable[T]) -> T:
        """Waits for one long operation, of which only the time is known."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait([task], timeout=TICK_SECONDS))[0]:
                self.advance(0)
            return task.result()
        finally:
            task.cancel()

    def _draw(self) -> None:
        if self._total:
            full = min(BAR, BAR * self._done // self._total)
            state = f"[{'#' * full}{'.' * (BAR - full)}] {self._done}/{self._total}"
        else:
            state = f"{self._done or ''} {time.monotonic() - self._start:.0f} s".strip()
        print(f"\r\x1b[K{self._label} {state}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = value if isinstance(value, str) else json.dumps(value, default=_plain, ensure_ascii=False)
    text = "".join(char if char.isprintable() else "?" for char in text)  # no control sequences of a payload
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
