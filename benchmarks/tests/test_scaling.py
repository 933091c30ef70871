"""The calculation of docs/scaling.md."""

from __future__ import annotations

import unittest
from dataclasses import asdict

from .. import scaling
from ..runner import Sample
from ..scenario import load


def records(*figures: tuple[scaling.Way, float, float]) -> list[dict[str, object]]:
    return [
        {
            "sample": asdict(
                Sample(
                    way.scenario, way.contender, way.step, 0,
                    {"server_cpu_us": cpu, "wal_bytes_per_message": wal, "fsyncs_per_message": 0.5},
                )
            )
        }
        for way, cpu, wal in figures
    ]  # fmt: skip


class ScalingTest(unittest.TestCase):
    def test_medians_and_bounds(self) -> None:
        way = scaling.WAYS[0]
        samples = [Sample(**record["sample"]) for record in records((way, 10, 900), (way, 40, 1000), (way, 20, 1100))]  # type: ignore[arg-type]
        [cost] = scaling.costs(samples)
        self.assertEqual((cost.cpu_us, cost.wal_bytes, cost.fsyncs), (20, 1000, 0.5))
        self.assertEqual(cost.at_most(8), 400_000)

    def test_text(self) -> None:
        text = scaling.generated(records((scaling.WAYS[1], 50, 1200)))
        assert text is not None
        self.assertIn("| 160,000 | 640,000 | 1,920,000 | 2,300 |", text)
        self.assertIn("| 0.05; 1.2 | 0.5; 12 | 5; 120 | 50; 1,200 |", text)

    def test_nothing_measured_nothing_written(self) -> None:
        self.assertIsNone(scaling.generated([{"about": {}}]))

    def test_the_ways_are_measured_by_scenarios(self) -> None:
        known = load()
        for way in scaling.WAYS:
            measured = {(run.contender, step.name) for run in known[way.scenario].runs for step in run.steps}
            self.assertIn((way.contender, way.step), measured)


if __name__ == "__main__":
    unittest.main()
