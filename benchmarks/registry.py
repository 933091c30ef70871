"""The contenders: how each is started, and whether it can be."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .paths import BUILD, HERE, ROOT, VENVS

# What is measured as ours: the installed "wheel", this "tree", or the path of another checkout.
SOURCE = os.environ.get("PGQRS_BENCH_SOURCE", "wheel")


@dataclass(frozen=True)
class Contender:
    """A program that speaks the protocol of loadgen."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    engine: str = "postgres"

    @property
    def missing(self) -> str | None:
        """Why it cannot be started, if so."""
        if not Path(self.command[0]).exists():
            return "not installed (make bench/rivals)"
        return None


def _python(name: str, title: str, script: str, **more: object) -> Contender:
    return Contender(name, title, (sys.executable, str(HERE / "contenders" / script)), **more)  # type: ignore[arg-type]


def _rival(name: str, title: str) -> Contender:
    python = VENVS / name / "bin" / "python"
    return Contender(name, title, (str(python), str(HERE / "rivals" / name / "adapter.py")))


def _ours(name: str, title: str, script: str = "ours.py", **more: object) -> Contender:
    environment = {}
    if SOURCE != "wheel":
        tree = ROOT if SOURCE == "tree" else Path(SOURCE).resolve()
        library = os.environ.get("PGQRS_LIBRARY", str(tree / "build/libpgqrs.so.1"))
        environment = {"PYTHONPATH": f"{HERE}{os.pathsep}{tree / 'python'}", "PGQRS_LIBRARY": library}
    return _python(name, title, script, environment=environment, **more)


def _binding(language: str, title: str) -> Contender:
    return _ours(f"binding-{language}", title, "bindings.py", engine="sqlite", options={"language": language})


CONTENDERS = {
    contender.name: contender
    for contender in (
        _ours("ours", "pgqrs"),
        _ours("ours-sqlite", "pgqrs on SQLite", engine="sqlite"),
        _python("raw", "raw asyncpg", "raw.py"),
        _python("raw-notify", "raw LISTEN", "raw.py", options={"notify": True}),
        _python("coalescer", "naive coalescer", "coalescer.py"),
        _python("bare", "floor", "bare.py", engine="sqlite"),
        _rival("pgqrs_upstream", "upstream pgqrs"),
        _rival("pgmq", "pgmq"),
        _rival("pgqueuer", "pgqueuer"),
        _rival("procrastinate", "procrastinate"),
        _rival("awa", "awa"),
        Contender("river", "River", (str(BUILD / "river"),)),
        Contender("core", "pgqrs, the Go core", (str(BUILD / "core"),)),
        Contender("core-sqlite", "the Go core on SQLite", (str(BUILD / "core"),), engine="sqlite"),
        _binding("c", "pgqrs from C"),
        _binding("cpp", "pgqrs from C++"),
        _binding("go", "pgqrs from Go by purego"),
        _binding("node", "pgqrs from Node.js"),
        Contender("sql", "bare SQL in Go", (str(BUILD / "sql"),)),
        Contender("sql-sqlite", "bare SQLite in Go", (str(BUILD / "sql"),), engine="sqlite"),
    )
}
