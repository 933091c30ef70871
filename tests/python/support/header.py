"""Reads include/pgqrs.h: prototypes, structures and constants, without a C compiler."""

from __future__ import annotations

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parents[3] / "include" / "pgqrs.h"


def source() -> str:
    """The header without comments."""
    return re.sub(r"/\*.*?\*/", " ", HEADER.read_text(), flags=re.DOTALL)


def prototypes() -> dict[str, tuple[str, list[str]]]:
    """name -> (result type, parameter types), as C spells them."""
    found = {}
    for match in re.finditer(r"PGQRS_API\s+([\w\s*]+?)\b(pgqrs_\w+)\s*\((.*?)\)\s*;", source(), flags=re.DOTALL):
        parameters = [p for p in (_type(p) for p in match[3].split(",")) if p != "void"]
        found[match[2]] = (_squeeze(match[1]), parameters)
    return found


def structures() -> dict[str, list[tuple[str, str]]]:
    """name -> [(field, type)], as C spells them; arrays as "char[8]"."""
    found = {}
    for match in re.finditer(r"typedef struct (\w+) \{(.*?)\}\s*\1\s*;", source(), flags=re.DOTALL):
        fields = []
        for line in match[2].split(";"):
            declared = re.fullmatch(r"(.+?)(\w+)(\[\d+\])?", _squeeze(line))
            if declared:
                fields.append((declared[2], _squeeze(declared[1]) + (declared[3] or "")))
        found[match[1]] = fields
    return found


def constants() -> dict[str, int]:
    """Every PGQRS_ number."""
    return {
        match[1]: int(match[2], 0)
        for match in re.finditer(r"#define PGQRS_(\w+)\s+\(?(-?\w+?)u?\)?\s*$", source(), flags=re.MULTILINE)
        if re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)", match[2])
    }


def _type(parameter: str) -> str:
    """The type of a parameter without its name."""
    parameter = _squeeze(parameter)
    return parameter if parameter == "void" else _squeeze(re.sub(r"\w+$", "", parameter))


def _squeeze(text: str) -> str:
    return re.sub(r"\s*\*", " *", re.sub(r"\s+", " ", text)).strip()
