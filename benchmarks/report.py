"""Writes docs/benchmarks.md and its plots from the records of a run.

The text around the figures lives in document.md beside this file; what stands
between the marks in it is generated, and no figure is written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from . import scaling, svg, table
from .paths import DOCUMENT, HERE, PLOTS, SUMMARY
from .registry import CONTENDERS
from .results import Measured, runs
from .runner import Sample
from .scenario import Scenario
from .table import markdown, number
from .verdict import MISSED, MUST_ONLY, REACHED, Figure, Line

TEMPLATE = HERE / "document.md"
COSTS = (
    ("client_cpu_us", "client CPU, us"),
    ("server_cpu_us", "server CPU, us"),
    ("wal_bytes_per_message", "WAL, bytes"),
    ("statements_per_message", "statements"),
    ("fsyncs_per_message", "fsyncs"),
)


def write(records: Sequence[Mapping[str, Any]], scenarios: Mapping[str, Scenario]) -> None:
    """The document, the plots, the calculation of docs/scaling.md and the summary.

    What a later run measured again replaces what an earlier one did, and the document says so.
    """
    measured = runs(records)
    records = [record for run in measured for record in run.records]
    about = measured[0].about
    lines: dict[str, list[Line]] = {}
    for record in records:
        if "line" in record:
            data = dict(record["line"])
            lines.setdefault(data.pop("scenario"), []).append(Line.of(data))
    samples = [Sample.of(record["sample"]) for record in records if "sample" in record]
    known = [scenario for scenario in scenarios.values() if scenario.id in lines]
    parts = {
        "settings": _settings(about, measured[1:], _merged(records, "versions")),
        "targets": _targets([line for scenario in known for line in lines[scenario.id] if line.must is not None]),
        "scenarios": "\n\n".join(_scenario(scenario, lines[scenario.id], samples) for scenario in known),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    DOCUMENT.write_text(text, encoding="utf-8")
    scaling.write(records)
    summary = {
        "about": about,
        "lines": [{"scenario": scenario.id, **line.data()} for scenario in known for line in lines[scenario.id]],
    }
    SUMMARY.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def _merged(records: Iterable[Mapping[str, Any]], kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in records:
        found |= record.get(kind, {})
    return found


def _settings(about: Mapping[str, Mapping[str, str]], later: Sequence[Measured], versions: Mapping[str, str]) -> str:
    rows = [(name, str(value)) for part in about.values() for name, value in part.items()]
    for run in later:
        machine = run.about["machine"]
        rows.append((f"measured again, {machine['mode']}, {machine['started']}", ", ".join(run.scenarios)))
    rows += [(f"version of {name}", value) for name, value in versions.items() if value and name != "from"]
    return markdown(("setting", "value"), rows)


def _targets(lines: Sequence[Line]) -> str:
    verdicts = [line.verdict for line in lines]
    count = {name: verdicts.count(name) for name in (REACHED, MUST_ONLY, MISSED)}
    targets = sum(not line.report for line in lines)
    rest = targets - sum(count.values())
    says = f"{targets} targets: {count[REACHED]} reach the aim, {count[MUST_ONLY]} the must only, "
    says += f"{count[MISSED]} do not reach the must" + (f", {rest} could not be measured." if rest else ".")
    return says + "\n\n" + markdown(table.HEAD, map(table.cells, lines), right=(4, 5, 6))


def _scenario(scenario: Scenario, lines: Sequence[Line], samples: Sequence[Sample]) -> str:
    mine = [sample for sample in samples if sample.scenario == scenario.id]
    parts = [f"### {scenario.id}: {scenario.title}", table.filled(scenario.note)]
    groups = _groups(mine)
    if scenario.plot and groups:
        PLOTS.mkdir(exist_ok=True)
        name = f"{scenario.id.lower()}.svg"
        (PLOTS / name).write_text(svg.chart(scenario.plot, groups), encoding="utf-8")
        parts.append(f"![{scenario.plot}](benchmarks/{name})")
    reported = [line for line in lines if line.must is None]
    if reported:
        parts.append(markdown(table.HEAD, map(table.cells, reported), right=(4, 5, 6)))
    costs = _costs(mine)
    if costs:
        parts += ["What a message cost, medians:", costs]
    return "\n\n".join(part for part in parts if part)


def _groups(samples: Sequence[Sample]) -> list[svg.Group]:
    """The rates of a scenario, a group for each step."""
    groups: list[svg.Group] = []
    for step in dict.fromkeys(sample.step for sample in samples):
        bars: list[svg.Bar] = []
        for contender in dict.fromkeys(sample.contender for sample in samples):
            figure = Figure.of(_values(samples, contender, step, "rate"))
            if figure:
                bars.append(svg.Bar(CONTENDERS[contender].title, figure, contender.startswith("ours")))
        if bars:
            groups.append(svg.Group(step, bars))
    return groups


def _costs(samples: Sequence[Sample]) -> str:
    rows: list[tuple[str, ...]] = []
    for step in dict.fromkeys(sample.step for sample in samples):
        for contender in dict.fromkeys(sample.contender for sample in samples):
            columns = [_values(samples, contender, step, metric) for metric, _ in COSTS]
            if any(columns):
                figures = (number(median(values)) if values else "" for values in columns)
                rows.append((step, CONTENDERS[contender].title, *figures))
    return markdown(("step", "", *(title for _, title in COSTS)), rows, right=range(2, 7)) if rows else ""


def _values(samples: Sequence[Sample], contender: str, step: str, metric: str) -> list[float]:
    return [
        sample.metrics[metric]
        for sample in samples
        if sample.contender == contender and sample.step == step and metric in sample.metrics
    ]
