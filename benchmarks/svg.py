"""Bar charts as SVG, written by hand: no dependency, and small enough to be committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .table import number
from .verdict import Figure

WIDTH = 860
BAR = 16
GAP = 4
GROUP_GAP = 18
LEFT = 250
RIGHT = 90
TOP = 44
OURS = "#1f6feb"
OTHERS = ("#8b949e", "#b7bdc5", "#6e7681", "#d0d7de", "#57606a", "#afb8c1")
INK = "#24292f"


@dataclass(frozen=True)
class Bar:
    label: str
    figure: Figure
    ours: bool


@dataclass(frozen=True)
class Group:
    title: str
    bars: Sequence[Bar]


def chart(title: str, groups: Sequence[Group]) -> str:
    """Horizontal bars by group; a thin line shows the spread from the least to the greatest."""
    most = max(bar.figure.high for group in groups for bar in group.bars)
    scale = (WIDTH - LEFT - RIGHT) / most
    parts: list[str] = [text(12, 24, title, size=16, weight="bold")]
    y = TOP
    for group in groups:
        parts.append(text(12, y + BAR - 3, group.title, weight="bold"))
        for index, bar in enumerate(group.bars):
            colour = OURS if bar.ours else OTHERS[index % len(OTHERS)]
            length = bar.figure.median * scale
            middle = y + BAR / 2
            parts += [
                text(LEFT - 8, y + BAR - 4, bar.label, anchor="end"),
                f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
                f'<line x1="{LEFT + bar.figure.low * scale:.1f}" x2="{LEFT + bar.figure.high * scale:.1f}" '
                f'y1="{middle}" y2="{middle}" stroke="{INK}" stroke-width="1"/>',
                text(LEFT + bar.figure.high * scale + 6, y + BAR - 4, number(bar.figure.median)),
            ]
            y += BAR + GAP
        y += GROUP_GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
        f'font-family="sans-serif" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, content: str, *, size: int = 12, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{INK}">{escape(content)}</text>'
    )
