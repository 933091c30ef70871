"""Runs scenarios: repetitions interleaved, every contender in a fresh process on a
fresh database, counters read right before and after the measured part."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import machine
from .fsync_meter import SyncCounter
from .process import Failure, Hung, Process
from .registry import CONTENDERS, SOURCE, Contender
from .scenario import Run, Scenario, Step
from .server import Counters, Server, scratch_directory


@dataclass
class Sample:
    """One measurement of one step, or why there is none."""

    scenario: str
    contender: str
    step: str
    repetition: int
    metrics: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    noise: list[str] = field(default_factory=list)
    at: float = 0.0

    def line(self) -> str:
        return json.dumps({"sample": vars(self)})

    @staticmethod
    def of(data: dict[str, Any]) -> Sample:
        return Sample(**data)


class Runner:
    def __init__(self, server: Server, *, log: Path, record: Callable[[Sample], None]) -> None:
        self._server = server
        self._log = log
        self._record = record
        self._databases = 0
        self.versions: dict[str, str] = {}

    async def run(self, scenario: Scenario) -> list[Sample]:
        """All repetitions of a scenario, A B A B."""
        samples: list[Sample] = []
        hung: dict[str, str] = {}
        for repetition in range(scenario.repetitions):
            for run in scenario.runs:
                if repetition >= run.repetitions:
                    continue
                contender = CONTENDERS[run.contender]
                why = contender.missing or hung.get(contender.name)
                if why:
                    found = _failed(scenario, run, repetition, why)
                else:
                    found = await self._repetition(scenario, run, contender, repetition, hung)
                for sample in found:
                    sample.at = time.time()
                    self._record(sample)
                samples += found
        return samples

    async def _repetition(
        self, scenario: Scenario, run: Run, contender: Contender, repetition: int, hung: dict[str, str]
    ) -> list[Sample]:
        self._databases += 1
        database = f"bench_{self._databases}"
        samples: list[Sample] = []
        with scratch_directory() as directory:
            await self._server.settle()
            if contender.engine == "sqlite":
                dsn = f"sqlite:///{directory}/bench.db"
            else:
                dsn = await self._server.create_database(database)
            options = {**run.options, "directory": directory}
            counter = SyncCounter() if run.count_syncs else None
            try:
                preload = counter.environment if counter else {}
                async with Process(contender, dsn, options, self._log, preload) as process:
                    self.versions |= process.versions
                    for step in run.steps:
                        sample = Sample(scenario.id, contender.name, step.name, repetition)
                        samples.append(sample)
                        try:
                            await self._measure(process, step, database, sample, counter)
                        except Hung:
                            raise
                        except Failure as failure:
                            sample.failure = str(failure)
            except Failure as failure:
                # A hung rival is reported, not waited for again.
                if isinstance(failure, Hung) and contender.name != "ours":
                    hung[contender.name] = str(failure)
                samples = [sample for sample in samples if sample.metrics]
                measured = {sample.step for sample in samples}
                rest = replace(run, steps=[step for step in run.steps if step.name not in measured])
                samples += _failed(scenario, rest, repetition, str(failure))
            finally:
                if counter:
                    counter.close()
                if contender.engine != "sqlite":
                    await self._server.drop_database(database)
        return samples

    async def _measure(
        self, process: Process, step: Step, database: str, sample: Sample, counter: SyncCounter | None
    ) -> None:
        async def count() -> Counters:
            counted = await self._server.counters(database)
            # A preparation without any fsync: the kernel refused to count.
            return replace(counted, fsyncs=counter.count or None) if counter else counted

        await process.ask({"prepare": step.workload, "params": step.params}, step.watchdog)
        async with AsyncExitStack() as around:
            await self._surround(step, database, around)
            quiet = await machine.listen()
            before, processors = await count(), machine.Processors.now()
            result = await process.ask({"run": True}, step.watchdog + step.params.get("seconds", 0.0))
            used, after = machine.Processors.now().since(processors), await count()
        sample.metrics = metrics(result, before, after, used)
        sample.metrics |= {"busy_before": quiet.busy, "load_before": quiet.load}
        sample.noise = list(noises(quiet, sample.metrics))

    async def _surround(self, step: Step, database: str, around: AsyncExitStack) -> None:
        """Brings about what a step wants to be so while it runs."""
        if step.analyze:
            await self._server.analyze(database)
        if step.checkpoint:
            await self._server.settle()
        if step.held_snapshot:
            await around.enter_async_context(self._server.held_snapshot(database))
        if step.fsync_delay:
            self._server.meter.delay(step.fsync_delay)
            around.callback(self._server.meter.delay, 0)


def _failed(scenario: Scenario, run: Run, repetition: int, why: str) -> list[Sample]:
    return [Sample(scenario.id, run.contender, step.name, repetition, failure=why) for step in run.steps]


def metrics(result: dict[str, float], before: Counters, after: Counters, used: machine.Processors) -> dict[str, float]:
    """Everything a row may ask for, from what was counted during one run."""
    found = dict(result)
    messages, seconds = result.get("messages", 0), result.get("seconds", 0.0)
    client = result.get("client_cpu", 0.0)
    server = after.cpu - before.cpu
    if seconds:
        found["rate"] = messages / seconds
    found["server_cpu"] = server
    found["wal_bytes"] = after.wal_bytes - before.wal_bytes
    if after.statements is not None and before.statements is not None:
        found["statements"] = after.statements - before.statements
        found["statements_per_second"] = found["statements"] / seconds if seconds else 0.0
    if after.fsyncs is not None and before.fsyncs is not None:
        found["fsyncs"] = after.fsyncs - before.fsyncs
    if messages and "costs_unknown" not in result:
        found |= {
            f"{name}_per_message": found[name] / messages
            for name in ("wal_bytes", "statements", "fsyncs")
            if name in found
        }
        found["client_cpu_us"] = client / messages * 1e6
        found["server_cpu_us"] = server / messages * 1e6
    # Whatever was busy beside client and server; counted in ticks, so never exact.
    found["foreign"] = max(0.0, used.busy - client - server) / max(used.all, 1e-9)
    found["steal"] = used.steal / max(used.all, 1e-9)
    return found


def noises(quiet: machine.Quiet, found: dict[str, float]) -> Iterable[str]:
    """What was wrong with the quiet of a measurement."""
    if quiet.busy > machine.QUIET_BUSY:
        yield f"{quiet.busy:.0%} busy before"
    if found["foreign"] > machine.QUIET_FOREIGN:
        yield f"{found['foreign']:.0%} used by others"
    if max(found["steal"], quiet.steal) > machine.QUIET_STEAL:
        yield f"{max(found['steal'], quiet.steal):.0%} stolen"


def source() -> str:
    return {"wheel": "the installed wheel", "tree": "the working tree"}.get(SOURCE, "another checkout")
