"""The command line: `python -m benchmarks [SCENARIO...] [--quick]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from . import machine, plan, report, runner, table
from .paths import RESULTS
from .registry import CONTENDERS
from .results import Archive, read
from .scenario import Scenario, load, selected
from .server import Server
from .verdict import Line, lines


def arguments(known: dict[str, Scenario]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures pgqrs beside its floors and rivals."
    )
    parser.add_argument("scenario", nargs="*", help="ids, for example P1 P2 or P1,P2; all when none is given")
    parser.add_argument("--quick", action="store_true", help="short runs: under 15 minutes for everything")
    parser.add_argument("--list", action="store_true", help="list the scenarios, with how long they take, and exit")
    parser.add_argument("--document", action="store_true", help="write docs/benchmarks.md after a part too")
    parser.add_argument("--from", dest="files", nargs="+", type=Path, help="only write the document, from raw results")
    parser.add_argument("--only", default="", metavar="CONTENDERS", help="leave out all but these, as in registry.py")
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    for name in options.only:
        if name not in CONTENDERS:
            parser.error(f"no contender {name}; there are {', '.join(CONTENDERS)}")
    options.scenario = [name for argument in options.scenario for name in argument.split(",") if name]
    return options


async def measure(scenarios: list[Scenario], archive: Archive, *, mode: str, log: Path) -> list[Line]:
    titles = {contender.name: contender.title for contender in CONTENDERS.values()}
    found: list[Line] = []
    async with Server() as server:
        about = {
            "mode": mode,
            "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "pgqrs from": runner.source(),
            **machine.description(),
        }
        settings = await server.settings()
        archive.write("about", {"machine": about, "server": settings})
        for name, value in (about | settings).items():
            print(f"  {name}: {value}", file=sys.stderr)
        run = runner.Runner(server, log=log, record=archive.sample)
        for scenario in scenarios:
            started = time.monotonic()
            print(f"\n{scenario.id}: {scenario.title}", file=sys.stderr, flush=True)
            samples = await run.run(scenario)
            measured = lines(scenario, samples, titles)
            for line in measured:
                archive.write("line", {"scenario": scenario.id, **line.data()})
            print(table.plain(measured), flush=True)
            took = time.monotonic() - started
            archive.write("took", {"scenario": scenario.id, "mode": mode, "seconds": took})
            print(f"  {took:.0f} s", file=sys.stderr, flush=True)
            found += measured
        archive.write("versions", run.versions)
    return found


def main() -> int:
    known = load()
    options = arguments(known)
    if options.files:
        report.write(read(options.files), known)
        return 0
    chosen = list(selected(options.scenario, known))
    mode = "quick" if options.quick else "full"
    if options.quick:
        chosen = [scenario.shortened() for scenario in chosen]
    if options.list:
        print(plan.listing(chosen, mode, plan.last_took(RESULTS, mode)))
        return 0
    if options.only:
        chosen = [scenario.only(options.only) for scenario in chosen]
    RESULTS.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    archive = Archive(RESULTS / f"{stamp}.jsonl")
    log = RESULTS / f"{stamp}.log"
    found = asyncio.run(measure(chosen, archive, mode=mode, log=log))
    if not (options.scenario or options.only) or options.document:
        report.write(archive.records(), known)
    if len(chosen) > 1:
        print(f"\n{table.plain(found)}")
    print(f"\nraw results: {archive.path}; what the contenders printed: {log}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
