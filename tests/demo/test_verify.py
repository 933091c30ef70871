"""The demo's check finds every kind of damage; a check that cannot fail proves nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from files import Facts, measure, names
from progress import Progress
from results import ResultFile, read_results
from verify import Archived, Sums, problems

A = Facts("a", 1, 0, "aa")
B = Facts("b", 2, 1, "bb")
ARCHIVE = [Archived(1, "a", 1), Archived(2, "b", 2)]
RESULTS = {1: A, 2: B}


def test_all_is_well() -> None:
    assert problems([A, B], ARCHIVE, RESULTS) == []


@pytest.mark.parametrize(
    ("archive", "results", "words"),
    [
        (ARCHIVE[:1], RESULTS, "not archived: b"),
        ([*ARCHIVE, Archived(3, "a", 1)], RESULTS | {3: A}, "archived 2 times: a"),
        ([*ARCHIVE, Archived(3, "c", 1)], RESULTS | {3: Facts("c", 0, 0, "")}, "no such file: c"),
        (ARCHIVE, {1: A}, "archived without a result: b"),
        (ARCHIVE, {1: A, 2: Facts("b", 2, 1, "other")}, "wrong result: b"),
        ([ARCHIVE[0], Archived(2, "b", 5, "receive count exhausted")], RESULTS, "dead letter"),
    ],
)
def test_finds(archive: list[Archived], results: dict[int, Facts], words: str) -> None:
    assert any(words in problem for problem in problems([A, B], archive, results))


def test_sums_depend_on_content_not_on_order() -> None:
    assert Sums.of([A, B]) == Sums.of([B, A])
    assert Sums.of([A, B]) != Sums.of([A, Facts("b", 2, 1, "bc")])


def test_walk_measures_regular_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "two").write_bytes(b"1\n2\n")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    assert names(tmp_path) == ["empty", "sub/two"]
    facts = measure(tmp_path, "sub/two")
    assert (facts.size, facts.lines) == (4, 2)
    assert facts.sha256 == "a6e2b7a040683432de03a18fd8a1939a2fdf82585b364bfc874bdd4095c4cae1"


def test_results_survive_a_killed_worker_and_count_once(tmp_path: Path) -> None:
    with ResultFile(tmp_path / "one.jsonl") as first:
        first.add([(1, A), (2, B)])
    with (tmp_path / "one.jsonl").open("ab") as torn:
        torn.write(b'{"id": 3, "pa')
    with ResultFile(tmp_path / "two.jsonl") as second:
        second.add([(2, B)])
    assert read_results(tmp_path) == RESULTS


def test_progress_draws_on_a_terminal_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, plain = Terminal(), io.StringIO()
    for stream in (terminal, plain):
        bar = Progress("work", 10, stream)
        bar.show(5)
        bar.done()
    assert "\r" in terminal.getvalue() and "[####" in terminal.getvalue()
    assert "\r" not in plain.getvalue() and plain.getvalue().count("\n") == 1
