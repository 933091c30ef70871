"""Where things are."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
SUMMARY = RESULTS / "summary.json"
VENVS = HERE / ".venvs"
BUILD = HERE / ".build"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
SCALING = ROOT / "docs" / "scaling.md"
PLOTS = ROOT / "docs" / "benchmarks"
