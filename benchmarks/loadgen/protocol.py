"""JSON lines between the suite and a contender's process.

    suite      {"dsn": ..., "options": {...}}                       once
    contender  {"ok": {"versions": {...}}}
    suite      {"prepare": "concurrent", "params": {...}}           connections, backlog, warm-up
    contender  {"ok": {}}
    suite      {"run": true}                                        the measured part
    contender  {"ok": {"seconds": ..., "messages": ..., ...}}
    suite      {"quit": true}

An answer may be {"unsupported": why} or {"error": traceback} instead. Standard
output is taken away from the contender: what a library prints goes to the suite's log.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import traceback
from typing import IO, Any

from .catalog import WORKLOADS
from .contender import Contender, Unsupported
from .workloads import Workload


def serve(make: type[Contender]) -> None:
    """Runs a contender until the suite ends it."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    main = _Session(make, answers).run()
    try:
        import uvloop  # not everywhere; whoever has it is measured with it
    except ImportError:
        asyncio.run(main)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    # Libraries may keep threads that never end; everything was closed or is thrown away.
    answers.flush()
    os._exit(0)


def cpu_seconds() -> float:
    """CPU time of this process with all its threads, and of children that ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class _Session:
    def __init__(self, make: type[Contender], answers: IO[str]) -> None:
        self._make = make
        self._answers = answers
        self._contender: Contender | None = None
        self._workload: Workload | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            line = await loop.run_in_executor(None, sys.stdin.readline)
            command: dict[str, Any] = json.loads(line) if line else {"quit": True}
            try:
                answer: dict[str, Any] = {"ok": await self._obey(command)}
            except Unsupported as missing:
                answer = {"unsupported": str(missing)}
            except Exception:
                answer = {"error": traceback.format_exc()}
            if "quit" in command:
                return
            self._answers.write(json.dumps(answer) + "\n")
            self._answers.flush()

    async def _obey(self, command: dict[str, Any]) -> dict[str, Any]:
        if "dsn" in command:
            self._contender = self._make(command["dsn"], command.get("options", {}))
            await self._contender.open()
            return {"versions": self._contender.versions()}
        assert self._contender is not None
        if "run" in command:
            assert self._workload is not None
            before = cpu_seconds()
            result = await self._workload.run()
            result["client_cpu"] = result.get("client_cpu", 0.0) + cpu_seconds() - before
            result["rss_mb"] = resident_bytes() / 1e6
            return result
        # Not within the answer of the run: the suite counts until that arrives.
        if self._workload is not None:
            workload, self._workload = self._workload, None
            await workload.close()
        if "prepare" in command:
            self._workload = WORKLOADS[command["prepare"]](self._contender, command["params"])
            await self._workload.prepare()
            return {}
        await self._contender.close()
        return {}
