"""What a contender's process does for the commands of the suite."""

from __future__ import annotations

import io
import unittest
from unittest import mock

from ..loadgen import Contender, catalog, protocol
from ..loadgen.workloads import Workload


class Noted(Workload):
    """Writes down what becomes of it."""

    async def prepare(self) -> None:
        self.params["notes"].append("prepared")

    async def run(self) -> dict[str, float]:
        self.params["notes"].append("ran")
        return {"messages": 1}

    async def close(self) -> None:
        self.params["notes"].append("closed")


class SessionTest(unittest.IsolatedAsyncioTestCase):
    async def test_the_answer_of_a_run_comes_before_its_end_costs_the_server_anything(self) -> None:
        notes: list[str] = []
        session = protocol._Session(Contender, io.StringIO())
        prepare = {"prepare": "noted", "params": {"notes": notes}}
        with (
            mock.patch.dict(catalog.WORKLOADS, {"noted": Noted}),
            mock.patch.multiple(Contender, open=mock.AsyncMock(), close=mock.AsyncMock()),
        ):
            await session._obey({"dsn": "", "options": {}})
            await session._obey(prepare)
            self.assertEqual((await session._obey({"run": True}))["messages"], 1)
            self.assertEqual(notes, ["prepared", "ran"])
            await session._obey(prepare)
            self.assertEqual(notes, ["prepared", "ran", "closed", "prepared"])
            await session._obey({"run": True})
            await session._obey({"quit": True})
        self.assertEqual(notes[-2:], ["ran", "closed"])
