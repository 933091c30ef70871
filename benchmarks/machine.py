"""The machine: what it is, whether it is quiet, and how much processor time was used."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))

QUIET_BUSY = 0.05  # share of the machine that others may use before a run
QUIET_FOREIGN = 0.10  # and during it
QUIET_STEAL = 0.02


class Processors(NamedTuple):
    """Processor seconds of the whole machine since it started."""

    busy: float
    steal: float
    all: float

    @staticmethod
    def now() -> Processors:
        fields = [int(n) / TICK for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        user, nice, system, idle, iowait, irq, softirq, steal = fields
        busy = user + nice + system + irq + softirq
        return Processors(busy, steal, busy + steal + idle + iowait)

    def since(self, before: Processors) -> Processors:
        return Processors(*(now - then for now, then in zip(self, before, strict=True)))


class Quiet(NamedTuple):
    """How quiet the machine was just before a measurement."""

    busy: float
    steal: float
    load: float


async def listen(seconds: float = 0.3) -> Quiet:
    """Does nothing for a moment and looks at what others do."""
    before = Processors.now()
    await asyncio.sleep(seconds)
    used = Processors.now().since(before)
    return Quiet(used.busy / max(used.all, 1e-9), used.steal / max(used.all, 1e-9), os.getloadavg()[0])


def process_tree(root: int) -> set[int]:
    """A process and its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents[int(entry.name)] = int(fields[1])
    tree, found = {root}, True
    while found:
        more = {child for child, parent in parents.items() if parent in tree} - tree
        tree |= more
        found = bool(more)
    return tree


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of processes and of their children that have ended."""
    return sum(sum(map(int, fields[11:15])) / TICK for fields in map(_stat, pids) if fields)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat from the third on; None when it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def file_system(path: str) -> str:
    """The kind of file system a path is on."""
    done = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def description() -> dict[str, str]:
    """What figures depend on, by name."""
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.split(":", 1)[1].strip() for line in processors if line.startswith("model name"))
    memory = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return {
        "cores": str(CORES),
        "processor": next(models, platform.machine()),
        "memory": f"{memory / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Go": _output("go", "version").removeprefix("go version go").split(" ")[0],
    }


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return "none"
