"""What a scenario is: who does what, and which ratios are looked at."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from . import scenarios


@dataclass(frozen=True)
class Step:
    """One measurement: a workload of loadgen under a name that rows refer to.

    ``quick`` replaces parameters in the quick mode. ``analyze`` gives the server statistics
    of the tables between preparation and run, as one that has run for a while has them.
    ``fsync_delay``, in seconds, slows the disk down.
    """

    name: str
    workload: str
    params: Mapping[str, Any]
    quick: Mapping[str, Any] = field(default_factory=dict)
    watchdog: float = 60.0  # seconds, for the preparation and again for the run
    analyze: bool = False
    fsync_delay: float = 0.0


@dataclass(frozen=True)
class Run:
    """The steps that one contender does in one process on one fresh database."""

    contender: str
    steps: Sequence[Step]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One figure of one measurement: ours, or what it is compared with.

    The step may be a pattern ("batch *"): then the best of the steps counts, by the
    median of a metric that should be high.
    """

    contender: str
    step: str
    metric: str = "rate"


@dataclass(frozen=True)
class Row:
    """A line of the table: ours / reference against must and aim.

    Without a reference, must and aim are about the figure itself. Where ``better`` is
    "lower" they are upper bounds. Rows without must and aim are reported.
    """

    id: str
    title: str
    ours: Reading
    reference: Reading | None
    must: float | None = None
    aim: float | None = None
    better: Literal["higher", "lower"] = "higher"
    unit: str = "messages/s"


@dataclass(frozen=True)
class Scenario:
    id: str
    title: str
    runs: Sequence[Run]
    rows: Sequence[Row]
    note: str = ""  # for the document: what is measured, in one or two sentences
    repetitions: int = 3
    plot: str = ""  # the title of its bar chart; none without

    def only(self, contenders: Sequence[str]) -> Scenario:
        """The scenario without the runs of others, and the rows that can still be filled."""
        return replace(
            self,
            runs=[run for run in self.runs if run.contender in contenders],
            rows=[
                row
                for row in self.rows
                if all(reading is None or reading.contender in contenders for reading in (row.ours, row.reference))
            ],
        )


def load() -> dict[str, Scenario]:
    """Every scenario by its id: P, then S, then B, each in the order of the files."""
    found: dict[str, Scenario] = {}
    for module in sorted(pkgutil.iter_modules(scenarios.__path__), key=lambda m: ("psb".index(m.name[0]), m.name)):
        scenario: Scenario = importlib.import_module(f"{scenarios.__name__}.{module.name}").SCENARIO
        found[scenario.id] = scenario
    return found


def selected(names: Sequence[str], known: Mapping[str, Scenario]) -> Iterator[Scenario]:
    """The scenarios of that name, or all. P4 does not mean P4b."""
    for name in names:
        if name.upper() not in {key.upper() for key in known}:
            raise SystemExit(f"benchmarks: no scenario {name}; there are {', '.join(known)}")
    wanted = {name.upper() for name in names}
    yield from (scenario for key, scenario in known.items() if not wanted or key.upper() in wanted)
