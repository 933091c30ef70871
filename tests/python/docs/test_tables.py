"""What docs/ repeats from elsewhere is the same there: properties, the error tree, the index, links."""

from __future__ import annotations

import argparse
import builtins
import inspect
import re
from pathlib import Path

import pages
import properties
import pytest

import pgqrs
from pgqrs import errors
from pgqrs._cli import _parser

KINDS = {"Text": "text", "Integer": "integer", "Number": "number", "Duration": "number", "List": "list of texts"}


def text_of(page: str) -> str:
    return (pages.DIRECTORY / page).read_text()


def number(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def row(p: properties.Property) -> str:
    """The row of a property as docs/configuration.md must have it."""
    default = {"": "none", "public": '"public"', "auto": '"auto"'}.get(p.default, p.default)
    if p.kind == "List":
        default = "empty"
    if p.default and p.kind != "Text":
        default = number(float(p.default))
    allowed = " or ".join(f"`{word}`" for word in p.words)
    if p.max:
        allowed = f"{number(p.min)} to {number(p.max)}" + (" " + p.unit if p.unit else "")
    if p.optional:
        allowed += ", or `none`"
    param = f"`{p.param}`" if p.param else ""
    return f"| `{p.name}` | {KINDS[p.kind]} | {default} | {allowed} | `{p.env}` | {param} |"


def test_the_table_of_properties() -> None:
    wanted = [
        "| property and file key | type | default | range | environment variable | DSN parameter |",
        "|---|---|---|---|---|---|",
        *[row(p) for p in properties.read()],
    ]
    found = re.search(r"<!-- properties: .*? -->\n(.*?)<!-- end", text_of("configuration.md"), re.DOTALL)
    assert found
    if found[1].splitlines() != wanted:
        pytest.fail("docs/configuration.md differs from core/config/properties.go; it must have\n" + "\n".join(wanted))


def test_every_property_is_explained() -> None:
    prose = re.sub(r"<!-- properties.*?<!-- end", "", text_of("configuration.md"), flags=re.DOTALL)
    assert [p.name for p in properties.read() if p.name not in prose] == []


def test_the_tree_of_errors() -> None:
    """The page shows the tree of the module's docstring, and both show the classes as they are."""
    tree = inspect.cleandoc(errors.__doc__ or "").partition("::\n")[2]
    tree = inspect.cleandoc(tree[: tree.index("\nA class in parentheses")])
    assert f"```text\n{tree}\n```" in text_of("errors.md")
    classes = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}
    drawn = dict(re.findall(r"(\w+Error)(?: \((\w+)\))?$", tree, re.MULTILINE))
    assert set(drawn) == {name for name, value in classes.items() if issubclass(value, errors.PgqrsError)}
    for name, builtin in drawn.items():
        assert not builtin or issubclass(classes[name], getattr(builtins, builtin))


def test_every_error_is_explained() -> None:
    page = text_of("errors.md").partition("## What each means")[2]
    public = [getattr(pgqrs, name) for name in pgqrs.__all__]
    names = [thing.__name__ for thing in public if inspect.isclass(thing) and issubclass(thing, pgqrs.PgqrsError)]
    assert [name for name in names if name != "PgqrsError" and f"`{name}`" not in page] == []


def test_the_index_lists_every_page() -> None:
    index = text_of("README.md")
    assert [name for name in pages.NAMES if name != "README.md" and f"({name})" not in index] == []


@pytest.mark.parametrize("page", pages.NAMES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (pages.DIRECTORY / name) if name else pages.DIRECTORY / page
        assert path.exists() or outside(path), f"{page} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings], target


def outside(path: Path) -> bool:
    """Whether a path leads out of the pages, in a checkout that has nothing but the code."""
    beside = path.resolve().parent != pages.DIRECTORY
    return beside and not (pages.ROOT / "CONTRIBUTING.md").exists()


@pytest.mark.parametrize("page", pages.NAMES)
def test_lines_are_short_enough_to_read(page: str) -> None:
    # Rows of tables cannot be broken.
    long = [line for line in text_of(page).splitlines() if len(line) > 150 and not line.startswith("|")]
    assert long == []


MEASURED = {"benchmarks.md", "scaling.md"}  # written by `make bench`


@pytest.mark.parametrize("page", sorted({*pages.NAMES} - MEASURED))
def test_no_figures_of_speed(page: str) -> None:
    """None is given outside of what a command of this repository writes."""
    prose = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    speed = r"\d[^.|]{0,20}(?:/s\b|(?:per|a) second)"
    figures = rf"\d\s*(?:ms|µs|us)\b|\d\s*(?:x|times)\s+(?:faster|slower|more|less)|{speed}"
    assert re.findall(figures, prose) == []


def test_the_exit_codes_of_the_command_line() -> None:
    shown = re.findall(r"^\| (\d+) \| (.*) \|$", text_of("command-line.md"), re.MULTILINE)
    assert shown == re.findall(r"^  (\d+) +(.*)$", _parser.EPILOG, re.MULTILINE)


def test_every_command_is_shown() -> None:
    def leaves(parser: argparse.ArgumentParser) -> list[str]:
        groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        return [leaf for group in groups for sub in group.choices.values() for leaf in leaves(sub)] or [parser.prog]

    page = text_of("command-line.md")
    assert [command for command in leaves(_parser._parser()) if not re.search(rf"{command}\b", page)] == []
