"""Who may import what: the rules of the house, read off the syntax trees."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import environment

import pgqrs

PACKAGE = Path(pgqrs.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The top-level names of what a file imports, of the package itself as ""."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else (node.module or "").partition(".")[0]


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=room)
def test_only_the_standard_library_is_needed(path: Path) -> None:
    assert set(imports(path)) <= set(sys.stdlib_module_names) | {""}


def test_only_native_imports_ctypes() -> None:
    assert {room(p) for p in FILES if "ctypes" in imports(p)} <= {
        room(p) for p in FILES if room(p).startswith("_native/")
    }


def test_only_the_bridge_and_what_runs_handlers_import_asyncio() -> None:
    """The bridge and its parts; and the worker, which runs other people's code in tasks and threads."""
    allowed = {
        "_bridge.py",
        "_gather.py",
        "_pending.py",
        "_places.py",
        "_receipts.py",
        "_worker.py",
        "_workflow.py",
        "_tasks.py",
        "_signals.py",
        "_cli/__init__.py",
        "_cli/_commands.py",
        "_cli/_output.py",
    }
    assert {room(p) for p in FILES if "asyncio" in imports(p)} <= allowed


def test_operations_and_native_know_no_loop() -> None:
    for path in FILES:
        if room(path) == "_ops.py" or room(path).startswith("_native/"):
            assert not any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(ast.parse(path.read_text())))


def test_no_public_module_is_named_like_a_public_name() -> None:
    public = {p.stem for p in PACKAGE.iterdir() if not p.name.startswith("_")} - {"decorators", "errors", "sync"}
    assert public.isdisjoint(pgqrs.__all__)


def test_all_lists_the_public_names_sorted() -> None:
    public = {name for name in vars(pgqrs) if not name.startswith("_") and name != "annotations"}
    public.add("sync")  # arrives when it is asked for
    assert set(pgqrs.__all__) == public
    assert list(pgqrs.__all__) == sorted(pgqrs.__all__)


def test_public_names_say_they_come_from_the_package() -> None:
    for name in pgqrs.__all__:
        public = getattr(pgqrs, name)
        assert getattr(public, "__module__", "pgqrs") == "pgqrs", name
        assert getattr(public, "__doc__", None), f"{name} has no docstring"


def test_importing_and_constructing_loads_no_library() -> None:
    code = """
import pgqrs, pgqrs._native
admin = pgqrs.Admin("postgresql://localhost/none")
pgqrs.Producer("postgresql://localhost/none", "tasks", "api", 8000)
pgqrs.Consumer(admin, "tasks")
pgqrs.admin(pgqrs.Config("sqlite:///x.db"))
with open("/proc/self/maps") as maps:
    assert "libpgqrs" not in maps.read()
assert not pgqrs._native.loaded()
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), timeout=30)


def test_importing_waits_for_nothing_that_few_programs_use() -> None:
    code = """
import asyncio, sys
before = set(sys.modules)
import pgqrs
unasked = {"pgqrs.sync", "pathlib", "urllib.parse", "decimal"} & (set(sys.modules) - before)
assert not unasked, unasked
assert "sync" in dir(pgqrs) and "pgqrs.sync" not in sys.modules
assert pgqrs.sync.Store and sys.modules["pgqrs.sync"] is pgqrs.sync
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), timeout=30)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pgqrs' has no attribute 'nonsense'"):
        _ = pgqrs.nonsense  # type: ignore[attr-defined]


def test_no_exception_is_swallowed_whole() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and node.body and isinstance(node.body[0], ast.Pass):
                caught = ast.unparse(node.type) if node.type else ""
                assert caught not in ("", "Exception", "BaseException"), f"{room(path)}:{node.lineno}"
