"""Figures as text: the table on the terminal and the one of the document."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from .verdict import Figure, Line

HEAD = ("id", "scenario", "ours", "reference", "ratio", "must", "aim", "verdict", "spread")


def number(value: float) -> str:
    """Three significant digits, with thousands apart."""
    if value != value:
        return "-"
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def bound(value: float | None, better: str) -> str:
    return "" if value is None else f"{'' if better == 'higher' else '≤ '}{value:g}"


def spread(figure: Figure | None) -> str:
    return f"{number(figure.low)} to {number(figure.high)}" if figure else ""


def cells(line: Line) -> tuple[str, ...]:
    reference = ""
    if line.reference_name:
        reference = f"{line.reference_name}: {number(line.reference.median)}" if line.reference else line.reference_name
    return (
        line.id,
        line.title,
        f"{number(line.ours.median)} {line.unit}" if line.ours else "-",
        reference,
        number(line.value.median) if line.value and line.reference_name else "",
        bound(line.must, line.better),
        bound(line.aim, line.better),
        line.verdict + (f" ({line.noisy} noisy)" if line.noisy else ""),
        spread(line.value),
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    ruler = ["--:" if n in right else "---" for n in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ruler, *rows))


def filled(text: str) -> str:
    """A paragraph in lines of a readable length."""
    return textwrap.fill(text, 140, break_long_words=False, break_on_hyphens=False)


def plain(lines: Iterable[Line]) -> str:
    """Columns for a terminal."""
    rows = [HEAD, *map(cells, lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
