"""How long scenarios take: what they ask for, and what they took last time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .scenario import Run, Scenario, Step

RUN_SECONDS = 0.6  # a fresh database, a fresh process, connections
STEP_SECONDS = 0.4  # listening for quiet, counters, analyze
FILL_RATE = 30_000  # messages a second into a backlog, of the slower contenders
LIMITS = {"quick": 15 * 60, "full": 60 * 60}


def estimated(scenario: Scenario) -> float:
    """Seconds by the parameters of its steps, rivals that hang aside."""
    return sum(min(scenario.repetitions, run.repetitions) * _run_seconds(run) for run in scenario.runs)


def _run_seconds(run: Run) -> float:
    return RUN_SECONDS + sum(STEP_SECONDS + _step_seconds(step) for step in run.steps)


def _step_seconds(step: Step) -> float:
    params: dict[str, Any] = dict(step.params)
    warmup, seconds = params.get("warmup", 0.5), params.get("seconds", 0.0)
    if step.workload in ("drain", "standing"):
        warmup = 0.3  # counted in fetches there
    if step.workload == "drain":
        seconds *= 1.5  # what the fast are given besides has to be stored
    if step.workload == "wakeup":
        seconds = params["messages"] * 0.045
    if step.workload == "paced":
        warmup = params.get("calibration", 3.0) + 1.0
    if step.workload == "fleet":
        warmup += 0.5 * params["processes"]
    if step.workload == "store_and_drain":
        seconds = params["messages"] / 20_000
    return float(warmup + seconds + params.get("backlog", 0) / FILL_RATE)


def last_took(results: Path, mode: str) -> dict[str, float]:
    """Seconds by scenario, from the newest raw results of a mode that have it whole."""
    found: dict[str, float] = {}
    for file in sorted(results.glob("*.jsonl")):
        for record in map(json.loads, file.open(encoding="utf-8")):
            if "took" in record and record["took"]["mode"] == mode:
                found[record["took"]["scenario"]] = record["took"]["seconds"]
    return found


def listing(scenarios: Iterable[Scenario], mode: str, took: dict[str, float]) -> str:
    """The scenarios with their times, and the sum beside the limit of the mode."""
    rows = [f"{'':5} {'plan':>6} {'last':>6}  in the {mode} mode, seconds"]
    planned = lasted = 0.0
    for scenario in scenarios:
        plan = estimated(scenario)
        last = took.get(scenario.id)
        planned, lasted = planned + plan, lasted + (plan if last is None else last)
        rows.append(f"{scenario.id:5} {plan:6.0f} {'' if last is None else f'{last:.0f}':>6}  {scenario.title}")
    limit = LIMITS[mode]
    rows.append(f"{'':5} {planned:6.0f} {lasted:6.0f}  of {limit} (last: the plan where there is none)")
    return "\n".join(rows)
