"""The contender that measures the boundary from other languages finds the library it measures."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


class LibraryTest(unittest.TestCase):
    def test_the_named_library_is_found(self) -> None:
        paths = [HERE, HERE / "contenders", HERE.parent / "python"]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PGQRS_LIBRARY": __file__,  # any file: nothing loads it
        }
        found = subprocess.run(
            [sys.executable, "-c", "import bindings; print(bindings.library())"],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        self.assertEqual(found.stdout.strip(), str(Path(__file__).resolve()))
