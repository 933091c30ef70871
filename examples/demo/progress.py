"""A progress bar on a terminal, a few plain lines everywhere else."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

WIDTH = 30
DRAW_SECONDS = 0.05  # between two drawings of the bar
LINE_SECONDS = 2.0  # between two plain lines


class Progress:
    """Shows how far one task of `total` steps is."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self.label = label
        self.total = total
        self.stream = stream if stream is not None else sys.stdout
        self.live = self.stream.isatty()
        self.started = time.monotonic()
        self.shown_at = self.started

    def show(self, done: int, note: str = "") -> None:
        """Draws the bar; off a terminal it prints a line now and then."""
        now = time.monotonic()
        if now - self.shown_at < (DRAW_SECONDS if self.live else LINE_SECONDS):
            return
        self.shown_at = now
        if self.live:
            self._draw(done, note)
        else:
            self._line(f"{self.label}: {done:,} of {self.total:,} {note}")

    def done(self) -> float:
        """Ends the bar and returns the seconds since the start."""
        seconds = time.monotonic() - self.started
        if self.live:
            self._draw(self.total, "")
            self.stream.write("\n")
            self.stream.flush()
        else:
            self._line(f"{self.label}: {self.total:,} in {seconds:.1f} s, {self.total / max(seconds, 1e-9):,.0f}/s")
        return seconds

    def _draw(self, done: int, note: str) -> None:
        filled = WIDTH * done // max(self.total, 1)
        rate = done / max(time.monotonic() - self.started, 1e-9)
        bar = "#" * filled + "." * (WIDTH - filled)
        text = f"{self.label:<8} [{bar}] {done:>7,}/{self.total:,} {rate:>8,.0f}/s  {note}"
        columns = shutil.get_terminal_size().columns
        self.stream.write(f"\r\x1b[2K{text.rstrip()[: columns - 1]}")
        self.stream.flush()

    def _line(self, text: str) -> None:
        print(text.rstrip(), file=self.stream, flush=True)
