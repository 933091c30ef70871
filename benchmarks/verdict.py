"""From samples to lines of the table: medians, ratios, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from .runner import Sample
from .scenario import Reading, Row, Scenario

REACHED, MUST_ONLY, MISSED = "reached", "must only", "NOT REACHED"


@dataclass(frozen=True)
class Figure:
    """Median and extremes over the repetitions."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Figure | None:
        return Figure(median(values), min(values), max(values)) if values else None


@dataclass(frozen=True)
class Line:
    """A row with its figures. ``value`` is what must and aim are about: the median of
    the ratios of neighbouring repetitions, or our own figure where there is no reference."""

    id: str
    title: str
    unit: str
    better: str
    must: float | None
    aim: float | None
    ours_name: str
    reference_name: str | None
    ours: Figure | None
    reference: Figure | None
    value: Figure | None
    noisy: int
    repetitions: int
    why: str | None
    report: bool = False

    @property
    def verdict(self) -> str:
        if self.why:
            return self.why
        if self.must is None or self.value is None:
            return "reported"
        if self.aim is not None and self._reaches(self.aim):
            found = REACHED
        else:
            found = MUST_ONLY if self._reaches(self.must) else MISSED
        return f"reported: {found.lower()}" if self.report else found

    def _reaches(self, bound: float) -> bool:
        assert self.value is not None
        return self.value.median >= bound if self.better == "higher" else self.value.median <= bound

    def data(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of(data: dict[str, Any]) -> Line:
        figures = {key: Figure(**data[key]) if data[key] else None for key in ("ours", "reference", "value")}
        return Line(**{**data, **figures})


def lines(scenario: Scenario, samples: Iterable[Sample], titles: dict[str, str]) -> list[Line]:
    found = list(samples)
    return [_line(row, found, titles) for row in scenario.rows]


def _line(row: Row, samples: list[Sample], titles: dict[str, str]) -> Line:
    ours = _series(row.ours, samples)
    reference = _series(row.reference, samples) if row.reference else {}
    if row.reference is None:
        values = list(ours.values())
    else:
        values = [ours[n] / reference[n] for n in sorted(ours.keys() & reference.keys()) if reference[n]]
    failures = [
        f"{titles.get(sample.contender, sample.contender)} {sample.failure}"
        for sample in samples
        if sample.failure and any(_about(sample, reading) for reading in (row.ours, row.reference))
    ]
    concerned = [s for s in samples if any(_about(s, reading) for reading in (row.ours, row.reference)) and s.metrics]
    return Line(
        row.id, row.title, row.unit, row.better, row.must, row.aim,
        titles.get(row.ours.contender, row.ours.contender),
        titles.get(row.reference.contender, row.reference.contender) if row.reference else None,
        Figure.of(list(ours.values())), Figure.of(list(reference.values())), Figure.of(values),
        sum(bool(sample.noise) for sample in concerned), len(values),
        None if values else (failures[0] if failures else "not measured"),
        row.report,
    )  # fmt: skip


def _about(sample: Sample, reading: Reading | None) -> bool:
    return reading is not None and reading.matches(sample.contender, sample.step)


def _series(reading: Reading, samples: Iterable[Sample]) -> dict[int, float]:
    """The figure of each repetition that has it. Of several steps the one that is best over all."""
    steps: dict[str, dict[int, float]] = {}
    for sample in samples:
        if _about(sample, reading) and reading.metric in sample.metrics:
            steps.setdefault(sample.step, {})[sample.repetition] = sample.metrics[reading.metric]
    return max(steps.values(), key=lambda series: median(series.values()), default={})
