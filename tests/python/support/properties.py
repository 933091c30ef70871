"""The table of properties in core/config/properties.go, for tests of its twins in other languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[3] / "core" / "config" / "properties.go"

_ROW = re.compile(r'^\t\{Name: "(?P<name>\w+)", (?P<rest>.*?), field: func', re.MULTILINE)
_EXPRESSION = re.compile(r"[\d_.e+* <]+")


@dataclass(frozen=True)
class Property:
    """One row: a property of a store."""

    name: str
    kind: str
    """Text, Integer, Number, Duration or List."""
    unit: str
    default: str
    """As a file would state it; empty means none."""
    min: float
    max: float
    optional: bool
    words: tuple[str, ...]

    @property
    def env(self) -> str:
        return "PGQRS_" + self.name.upper()

    @property
    def param(self) -> str:
        """The DSN parameter; the DSN itself has none."""
        return "" if self.name == "dsn" else "pgqrs_" + self.name

    @property
    def value(self) -> Any:
        """The default as a Python value."""
        if self.kind == "List":
            return []
        if self.kind == "Text":
            return self.default or None
        return float(self.default) if self.default else None


def read() -> list[Property]:
    """Every row, in the table's order."""
    text = SOURCE.read_text()
    rows = [_property(match["name"], match["rest"]) for match in _ROW.finditer(text)]
    assert len(rows) == text.count('{Name: "'), "a row of the table is written in a way this reader does not know"
    return rows


def _property(name: str, rest: str) -> Property:
    def text(key: str) -> str:
        match = re.search(rf'\b{key}: "([^"]*)"', rest)
        return match[1] if match else ""

    def number(key: str) -> float:
        match = re.search(rf"\b{key}: ([^,]+)", rest)
        if not match:
            return 0
        assert _EXPRESSION.fullmatch(match[1]), match[1]
        return float(eval(match[1]))  # arithmetic, as both languages write it

    kind = re.search(r"\bKind: (\w+)", rest)
    words = re.search(r"\bWords: \[\]string\{([^}]*)\}", rest)
    assert kind, name
    return Property(
        name=name,
        kind=kind[1],
        unit=text("Unit"),
        default=text("Default"),
        min=number("Min"),
        max=number("Max"),
        optional="Optional: true" in rest,
        words=tuple(re.findall(r'"([^"]*)"', words[1])) if words else (),
    )
