"""Finding the library, and saying what is wrong when it cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgqrs._native import _load


def test_a_library_named_by_the_environment_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQRS_LIBRARY", "/nowhere/libpgqrs.so.1")
    with pytest.raises(ImportError) as failure:
        _load.load()
    assert "/nowhere/libpgqrs.so.1: no such file" in str(failure.value)
    assert str(failure.value).count("\n  ") == 1
    assert "make lib" in str(failure.value)


def test_without_it_the_package_comes_before_the_build_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGQRS_LIBRARY", raising=False)
    places = [Path(path) for path in _load.candidates()]
    assert [path.parent.name for path in places] == ["pgqrs"] * 3 + ["build"] * 3
    assert places[0].name == "libpgqrs.so.1"


def test_every_attempt_is_listed_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    garbage = tmp_path / "libpgqrs.so.1"
    garbage.write_text("not a library")
    missing = tmp_path / "missing.so"
    monkeypatch.setattr(_load, "candidates", lambda: [str(garbage), str(missing)])
    with pytest.raises(ImportError) as failure:
        _load.load()
    assert f"{garbage}: " in str(failure.value)
    assert f"{missing}: no such file" in str(failure.value)


def test_a_foreign_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    libm = next((p for p in Path("/usr/lib").rglob("libm.so.6")), None)
    if libm is None:
        pytest.skip("no libm.so.6 here")
    monkeypatch.setattr(_load, "candidates", lambda: [str(libm)])
    with pytest.raises(ImportError, match="not a pgqrs library"):
        _load.load()


def test_musl_is_recognised_before_dlopen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = tmp_path / "maps"
    maps.write_text("7f0000000000-7f0000001000 r-xp 00000000 00:00 1 /lib/ld-musl-x86_64.so.1\n")
    assert _load.is_musl("linux", str(maps))
    assert not _load.is_musl("darwin", str(maps))
    assert not _load.is_musl("linux", str(tmp_path / "none"))
    monkeypatch.setattr(_load, "is_musl", lambda: True)
    with pytest.raises(ImportError, match="glibc"):
        _load.load()
