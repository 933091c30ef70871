"""The scenarios as they are declared: nothing is measured."""

from __future__ import annotations

import unittest

from .. import plan
from ..registry import CONTENDERS
from ..scenario import Scenario, load, selected

KNOWN = load()
ALL = list(selected([], KNOWN))


class ScenarioTest(unittest.TestCase):
    def test_every_row_reads_what_is_measured(self) -> None:
        for scenario in KNOWN.values():
            measured = [(run.contender, step.name) for run in scenario.runs for step in run.steps]
            for row in scenario.rows:
                for reading in filter(None, (row.ours, row.reference)):
                    with self.subTest(row=row.id, reading=reading):
                        self.assertTrue(any(reading.matches(*pair) for pair in measured))

    def test_every_contender_is_known(self) -> None:
        used = {run.contender for scenario in KNOWN.values() for run in scenario.runs}
        self.assertEqual(used - CONTENDERS.keys(), set())

    def test_rows_have_names_of_their_own(self) -> None:
        names = [row.id for scenario in KNOWN.values() for row in scenario.rows]
        self.assertEqual(len(names), len(set(names)))

    def test_the_quick_mode_keeps_every_target(self) -> None:
        def targets(scenarios: list[Scenario]) -> list[str]:
            return [row.id for scenario in scenarios for row in scenario.rows if row.must is not None]

        self.assertEqual(targets([scenario.shortened() for scenario in ALL]), targets(ALL))

    def test_both_modes_fit_into_their_time(self) -> None:
        self.assertLess(sum(map(plan.estimated, ALL)), plan.LIMITS["full"])
        self.assertLess(sum(plan.estimated(scenario.shortened()) for scenario in ALL), plan.LIMITS["quick"])

    def test_full_runs_repeat_targets_three_times(self) -> None:
        for scenario in ALL:
            if any(row.must is not None and not row.report for row in scenario.rows):
                self.assertGreaterEqual(scenario.repetitions, 3, scenario.id)
