"""Processes that work until a signal comes, and what they left behind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

from children import environment, run_child

_COUNTS = """
import asyncio, sys, pgqrs
async def main():
    async with await pgqrs.connect(sys.argv[1]) as store:
        m = await store.admin().queue_metrics("tasks")
        left = await (await store.get_messages()).list()
        archived = await (await store.get_archive()).list(100_000)
        print(m.pending, m.delayed, m.leased, m.archived, m.dead, max([x.read_ct for x in left], default=0),
              len({a.payload for a in archived}))
asyncio.run(main())
"""


def counts(dsn: str) -> dict[str, int]:
    names = ("pending", "delayed", "leased", "archived", "dead", "read_ct", "payloads")
    return dict(zip(names, map(int, run_child(_COUNTS, dsn).check().out.split()), strict=True))


@contextmanager
def working(head: str, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that works; it is killed if it outlives the block."""
    command = [sys.executable, "-c", head + textwrap.dedent(code), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    for read in process.stdout:
        if read == f"{line}\n":
            return
    raise AssertionError(f"the worker ended with {process.wait()} and never said {line!r}")


def ends(process: subprocess.Popen[str], within: float = 20.0) -> str:
    """What the process said to its end, with status 0 and in time."""
    start = time.monotonic()
    out, _ = process.communicate(timeout=within + 20)
    assert process.returncode == 0, out
    assert time.monotonic() - start < within, out
    return out
