"""Python code in a process of its own: whatever can crash or hang runs there."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "python"


@dataclass
class Child:
    """How a process ended."""

    status: int
    out: str
    err: str
    seconds: float

    def check(self) -> Child:
        """Itself, if the process ended with status 0."""
        assert self.status == 0, f"status {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"
        return self


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child: ours, able to import the package under test."""
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **extra}


def run_child(
    code: str, *arguments: str, timeout: float = 60.0, options: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> Child:
    """Runs the code and waits for its end; a process that hangs is killed and fails the test."""
    command = [sys.executable, *options, "-c", textwrap.dedent(code), *arguments]
    start = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=environment(**(env or {})), check=False
        )
    except subprocess.TimeoutExpired as expired:
        raise AssertionError(
            f"the child hung for {timeout} s\n--- stdout\n{expired.stdout}\n--- stderr\n{expired.stderr}"
        ) from None
    return Child(done.returncode, done.stdout, done.stderr, time.monotonic() - start)
