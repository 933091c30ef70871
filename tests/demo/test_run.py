"""The demo itself, on each engine, and the C example."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
RUN_SECONDS = 180.0


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_demo_survives_the_killed_worker(engine: str, tmp_path: Path) -> None:
    # The whole Go tree: a small one is drained before anybody can be killed half way.
    command = [sys.executable, str(EXAMPLES / "demo" / "run.py"), "--directory", str(tmp_path)]
    if engine == "postgres":
        dsn = os.environ.get("PGQRS_TEST_DSN")
        if not dsn:
            pytest.skip("PGQRS_TEST_DSN names no server")
        command += ["--dsn", dsn]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT / "python")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "OK: the archive holds every file exactly once" in done.stdout
    held = int(re.search(r"holding (\d+)", done.stdout)[1])  # type: ignore[index]
    redelivered = int(re.search(r"redelivered\s+(\d+)", done.stdout)[1])  # type: ignore[index]
    assert held > 0
    assert redelivered > 0
    assert "\r" not in done.stdout
    assert list(tmp_path.iterdir()) == []  # a run that went well leaves nothing


def test_c_example_runs_twice(tmp_path: Path) -> None:
    library = Path(os.environ.get("PGQRS_LIBRARY", ROOT / "build" / "libpgqrs.so.1"))
    compiler = shutil.which(os.environ.get("CC", "cc"))
    assert compiler, "no C compiler"
    program = tmp_path / "quickstart"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT / 'include'}"]
    source = str(EXAMPLES / "c" / "quickstart.c")
    link = [str(library), f"-Wl,-rpath,{library.parent}"]
    subprocess.run([compiler, *flags, source, *link, "-o", str(program)], check=True, timeout=RUN_SECONDS)
    for _ in range(2):
        done = subprocess.run(
            [str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
