"""The snippets of the reference documents, run as printed with only the DSN replaced."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).resolve().parents[1] / "reference" / "snippets"
PRINTED_DSN = '"postgresql://localhost/mydb"'
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.py"))


def source(name: str, dsn: str) -> str:
    """The text of a snippet for a store."""
    return (DIRECTORY / f"{name}.py").read_text().replace(PRINTED_DSN, repr(dsn))


async def execute(name: str, dsn: str, **names: Any) -> dict[str, Any]:
    """Runs a snippet, which may await at its top level; returns the names it leaves.

    The names given are those that the page has defined further up.
    """
    code = compile(source(name, dsn), f"{name}.py", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    namespace = {"__name__": name, **names}
    result = eval(code, namespace)  # a coroutine when the snippet awaits
    if inspect.iscoroutine(result):
        await result
    return namespace
