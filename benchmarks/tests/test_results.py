"""Results of several runs in one document."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any

from ..report import _settings
from ..results import Archive, read, runs


def run(started: str, **figures: float) -> list[dict[str, Any]]:
    """The records of a run with a figure for each scenario."""
    records: list[dict[str, Any]] = [{"about": {"machine": {"mode": "full", "started": started}}}]
    for scenario, figure in figures.items():
        records += [
            {"sample": {"scenario": scenario, "figure": figure}},
            {"line": {"scenario": scenario, "figure": figure}},
            {"took": {"scenario": scenario, "mode": "full", "seconds": 1}},
        ]
    return [*records, {"versions": {"pgqrs": started}}]


class RunsTest(unittest.TestCase):
    def test_a_scenario_counts_only_as_the_last_run_measured_it(self) -> None:
        whole, again = runs([*run("early", P1=1, P2=2), *run("late", P2=20)])
        self.assertEqual((whole.scenarios, again.scenarios), (["P1"], ["P2"]))
        figures = [
            record[kind]["figure"]
            for one in (whole, again)
            for record in one.records
            for kind in ("sample", "line")
            if kind in record
        ]
        self.assertEqual(figures, [1, 1, 20, 20])
        self.assertIn({"versions": {"pgqrs": "early"}}, whole.records)

    def test_samples_of_an_interrupted_run_replace_nothing(self) -> None:
        broken: list[dict[str, Any]] = [{"about": {}}, {"sample": {"scenario": "P1", "figure": 9}}]
        whole, again = runs([*run("early", P1=1), *broken])
        self.assertEqual((whole.scenarios, again.scenarios), (["P1"], []))
        self.assertNotIn("sample", {kind for record in again.records for kind in record})

    def test_the_document_says_what_was_measured_again(self) -> None:
        whole, again = runs([*run("early", P1=1, P2=2, P3=3), *run("late", P2=20, P3=30)])
        settings = _settings(whole.about, [again], {})
        self.assertIn("| started | early |", settings)
        self.assertIn("| measured again, full, late | P2, P3 |", settings)


class ReadTest(unittest.TestCase):
    def test_files_are_read_one_after_the_other(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            paths = [Path(directory, name) for name in ("b", "a")]
            for path in paths:
                Archive(path).write("about", {"from": path.name})
            self.assertEqual(read(paths), [{"about": {"from": "b"}}, {"about": {"from": "a"}}])
