"""A rival that hangs, fails or dies costs the suite its watchdog once and nothing else."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from .. import runner
from ..registry import CONTENDERS, Contender
from ..scenario import Reading, Row, Run, Scenario, Step
from ..server import Counters
from ..verdict import lines

WATCHDOG = 1.0
ONCE = Step("once", "concurrent", {"coroutines": 1, "seconds": 0.05, "warmup": 0.05}, watchdog=WATCHDOG)


class NoServer:
    """Enough of a server for contenders that use none."""

    async def settle(self) -> None: ...

    async def counters(self, _database: str) -> Counters:
        return Counters(0.0, 0, None, None)


class WatchdogTest(unittest.TestCase):
    def setUp(self) -> None:
        self.log = Path(self.enterContext(tempfile.TemporaryDirectory())) / "log"

    def measure(self, mode: str) -> tuple[list[runner.Sample], Scenario]:
        """Three repetitions of a fake in that mode beside a fake that behaves."""
        script = str(Path(__file__).with_name("fake_rival.py"))
        fakes = {
            name: Contender(name, name, (sys.executable, script), options={"mode": how}, engine="sqlite")
            for name, how in (("good", "behaves"), ("bad", mode))
        }
        scenario = Scenario(
            id="T", title="test", runs=[Run("good", [ONCE]), Run("bad", [ONCE])],
            rows=[Row("T", "test", Reading("good", "once"), Reading("bad", "once"), must=1.0)],
        )  # fmt: skip
        run = runner.Runner(NoServer(), log=self.log, record=lambda _: None)  # type: ignore[arg-type]
        with mock.patch.dict(CONTENDERS, fakes):
            return asyncio.run(run.run(scenario)), scenario

    def assert_only_the_bad_one_failed(self, samples: list[runner.Sample], text: str) -> None:
        self.assertEqual([sample.contender for sample in samples], ["good", "bad"] * 3)
        for sample in samples:
            if sample.contender == "good":
                self.assertIsNone(sample.failure)
                self.assertGreater(sample.metrics["messages"], 0)
            else:
                self.assertIn(text, sample.failure or "")

    def test_hung_rival_is_reported_once_and_ended_with_its_children(self) -> None:
        started = time.monotonic()
        samples, scenario = self.measure("hangs")
        took = time.monotonic() - started
        self.assert_only_the_bad_one_failed(samples, f"hung: no answer within {WATCHDOG:.0f} s")
        self.assertLess(took, WATCHDOG + 8, "waited for more than once")
        started_children = re.findall(r"child (\d+) of (\d+)", self.log.read_text())
        self.assertEqual(len(started_children), 1, "started again after it hung")
        for pid in map(int, started_children[0]):
            self.assertTrue(ended(pid), f"process {pid} is still there")
        [line] = lines(scenario, samples, {})
        self.assertIn("bad hung", line.verdict)

    def test_rival_that_hangs_while_it_starts(self) -> None:
        with mock.patch("benchmarks.process.HELLO_SECONDS", WATCHDOG):
            samples, _ = self.measure("hangs at once")
        self.assert_only_the_bad_one_failed(samples, "hung: no answer")

    def test_rival_that_fails_is_tried_again(self) -> None:
        samples, _ = self.measure("fails")
        self.assert_only_the_bad_one_failed(samples, "failed: ValueError: no luck")

    def test_rival_that_dies(self) -> None:
        samples, _ = self.measure("dies")
        self.assert_only_the_bad_one_failed(samples, "ended (status 3)")


def ended(pid: int) -> bool:
    """A process that is gone, or only waits to be reaped by whoever inherited it."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


if __name__ == "__main__":
    unittest.main()
