"""What a scenario is: who does what, and which ratios are looked at."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

from . import scenarios


@dataclass(frozen=True)
class Step:
    """One measurement: a workload of loadgen under a name that rows refer to.

    ``quick`` replaces parameters in the quick mode. ``analyze`` gives the server statistics
    of the tables between preparation and run, as one that has run for a while has them.
    ``checkpoint`` makes one there, so that the pages a run touches are written whole.
    ``held_snapshot`` has another session keep the snapshot of that moment.
    ``fsync_delay``, in seconds, slows the disk down.
    """

    name: str
    workload: str
    params: Mapping[str, Any]
    quick: Mapping[str, Any] = field(default_factory=dict)
    watchdog: float = 60.0  # seconds, for the preparation and again for the run
    analyze: bool = False
    checkpoint: bool = False
    held_snapshot: bool = False
    fsync_delay: float = 0.0


@dataclass(frozen=True)
class Run:
    """The steps that one contender does in one process on one fresh database.

    ``count_syncs`` counts the fsyncs of that process instead of the server's. A run that is
    not ``quick`` is left out of the quick mode; ``repetitions`` limits those of the scenario.
    """

    contender: str
    steps: Sequence[Step]
    options: Mapping[str, Any] = field(default_factory=dict)
    count_syncs: bool = False
    quick: bool = True
    repetitions: int = sys.maxsize


@dataclass(frozen=True)
class Reading:
    """One figure of one measurement: ours, or what it is compared with.

    The step may be a pattern ("batch *"): then the best of the steps counts, by the
    median of a metric that should be high.
    """

    contender: str
    step: str
    metric: str = "rate"

    def matches(self, contender: str, step: str) -> bool:
        return contender == self.contender and fnmatchcase(step, self.step)


@dataclass(frozen=True)
class Row:
    """A line of the table: ours / reference against must and aim.

    Without a reference, must and aim are about the figure itself. Where ``better`` is
    "lower" they are upper bounds. Rows without must and aim are reported; where ``report``
    is set, the row says whether it reaches them, but is no target.
    """

    id: str
    title: str
    ours: Reading
    reference: Reading | None
    must: float | None = None
    aim: float | None = None
    better: Literal["higher", "lower"] = "higher"
    unit: str = "messages/s"
    report: bool = False


@dataclass(frozen=True)
class Scenario:
    id: str
    title: str
    runs: Sequence[Run]
    rows: Sequence[Row]
    note: str = ""  # for the document: what is measured, in one or two sentences
    repetitions: int = 3
    quick_repetitions: int = 3
    plot: str = ""  # the title of its bar chart; none without
    by_name: bool = False  # too long to be part of everything: measured only when it is named

    def shortened(self) -> Scenario:
        """The scenario in the quick mode."""
        runs = [
            replace(run, steps=[replace(step, params={**step.params, **step.quick}) for step in run.steps])
            for run in self.runs
            if run.quick
        ]
        return replace(self._with(runs), repetitions=self.quick_repetitions)

    def only(self, contenders: Sequence[str]) -> Scenario:
        """The scenario without the runs of others, and the rows that can still be filled."""
        return self._with([run for run in self.runs if run.contender in contenders])

    def _with(self, runs: Sequence[Run]) -> Scenario:
        measured = [(run.contender, step.name) for run in runs for step in run.steps]

        def can_be_read(reading: Reading | None) -> bool:
            return reading is None or any(reading.matches(*pair) for pair in measured)

        rows = [row for row in self.rows if can_be_read(row.ours) and can_be_read(row.reference)]
        return replace(self, runs=runs, rows=rows)


def load() -> dict[str, Scenario]:
    """Every scenario by its id: P, then S, B and R, each in the order of the files."""
    found: dict[str, Scenario] = {}
    for module in sorted(pkgutil.iter_modules(scenarios.__path__), key=lambda m: ("psbr".index(m.name[0]), m.name)):
        scenario: Scenario = importlib.import_module(f"{scenarios.__name__}.{module.name}").SCENARIO
        found[scenario.id] = scenario
    return found


def selected(names: Sequence[str], known: Mapping[str, Scenario]) -> Iterator[Scenario]:
    """The scenarios of that name, or all that are not only for their name. P4 does not mean P4b."""
    for name in names:
        if name.upper() not in {key.upper() for key in known}:
            raise SystemExit(f"benchmarks: no scenario {name}; there are {', '.join(known)}")
    wanted = {name.upper() for name in names}
    for key, scenario in known.items():
        if key.upper() in wanted or not (wanted or scenario.by_name):
            yield scenario
