"""What the documents show is what is run, and what they point to exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def fenced(language: str, document: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def test_readme_shows_the_examples_that_are_run() -> None:
    assert fenced("python", "README.md") == [(EXAMPLES / "quickstart.py").read_text()]
    assert fenced("c", "README.md") == [(EXAMPLES / "c" / "quickstart.c").read_text()]


def test_header_shows_the_c_example() -> None:
    comment = (ROOT / "include" / "pgqrs.h").read_text().split("*/", 1)[0]
    lines = [line.removeprefix(" *").removeprefix("     ") for line in comment.splitlines()]
    code = (EXAMPLES / "c" / "quickstart.c").read_text()
    assert code.strip() in "\n".join(lines)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []
