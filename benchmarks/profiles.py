"""`python -m benchmarks.profiles`: where the time and the allocations of the hot paths go.

Runs Go's benchmarks of the hot paths under the profiler, and a thousand coroutines
that enqueue under Python's, and writes the heads of the profiles as text to
docs/benchmarks/profiles.md, to be compared from commit to commit. The figures of
Go's benchmarks are those of `go test -bench`, which benchstat reads.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .paths import PLOTS, ROOT

DOCUMENT = PLOTS / "profiles.md"
NODES = 20
PYTHON_LOAD = """
import asyncio, cProfile, pstats, pgqrs
async def main():
    async with await pgqrs.connect("sqlite::memory:") as store:
        await store.queue("q")
        producer = await store.producer("q")
        async def one():
            for n in range(50):
                await producer.enqueue({"task": "send_email", "to": "user@example.com", "n": n})
        await asyncio.gather(*(one() for _ in range(1000)))
with cProfile.Profile() as profile:
    asyncio.run(main())
pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(20)
"""


@dataclass(frozen=True)
class HotPath:
    """One hot path: a benchmark of a package."""

    title: str
    package: str
    benchmark: str


HOT = (
    HotPath("a message's whole life on PostgreSQL, batches of 500", "core/postgres", "BenchmarkCycle"),
    HotPath("concurrent enqueues on SQLite", "core/sqlite", "BenchmarkEnqueueTogether"),
    HotPath("the lane of single calls", "core/batch", "BenchmarkLane"),
    HotPath("calls that crossed together", "core/batch", "BenchmarkEach"),
    HotPath("an operation of the ABI", "capi/internal/call", "BenchmarkSubmit"),
    HotPath("the completion queue", "capi/internal/cq", "BenchmarkPostPoll"),
    HotPath("the handle table", "capi/internal/handle", "BenchmarkInsertAcquireRemove"),
    HotPath("records in C memory", "capi/internal/cmem", "BenchmarkMessages"),
)


def main() -> None:
    parts = ["# Profiles of the hot paths\n\nWritten by `make bench/profiles`. Do not edit it.\n"]
    for hot in HOT:
        print(f"profiles: {hot.benchmark}", flush=True)
        parts.append(section(hot))
    print("profiles: Python", flush=True)
    parts.append(f"## Python: a thousand coroutines enqueue on SQLite in memory\n\n```text\n{python()}\n```\n")
    DOCUMENT.write_text("\n".join(parts))


def section(hot: HotPath) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        test = Path(scratch) / "test"
        cpu, memory = Path(scratch) / "cpu", Path(scratch) / "memory"
        figures = output(
            "go", "test", "-run", "^$", "-bench", f"^{hot.benchmark}$", "-benchmem", "-benchtime", "5s",
            "-o", str(test), "-cpuprofile", str(cpu), "-memprofile", str(memory), f"./{hot.package}",
        )  # fmt: skip
        measured = "\n".join(line for line in figures.splitlines() if line.startswith("Benchmark"))
        time = top(test, cpu, "cpu")
        allocated = top(test, memory, "alloc_space")
    return (
        f"## {hot.benchmark}: {hot.title}\n\n```text\n{measured}\n```\n\n"
        f"Processor time:\n\n```text\n{time}\n```\n\nBytes allocated:\n\n```text\n{allocated}\n```\n"
    )


def top(test: Path, profile: Path, sample: str) -> str:
    """The head of a profile, without what differs from machine to machine."""
    text = output(
        "go", "tool", "pprof", "-top", f"-nodecount={NODES}", f"-sample_index={sample}", str(test), str(profile)
    )
    kept = [line.rstrip() for line in text.splitlines() if not re.match(r"(File|Build ID|Type|Time):", line)]
    return "\n".join(kept)


def python() -> str:
    text = output(sys.executable, "-c", PYTHON_LOAD)
    return re.sub(r"0x[0-9a-f]+", "0x…", text).strip()


def output(*command: str) -> str:
    """What a command printed, beside a PostgreSQL of its own."""
    cluster = ROOT / "tests/harness/pgcluster.py"
    done = subprocess.run(
        [sys.executable, str(cluster), "run", "--", *command],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=300,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    main()
