"""The wheel, built once from the source distribution, as an index would get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 600.0


def run(*command: str | Path, **options: object) -> str:
    """Runs a command that must succeed and returns its output."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=BUILD_SECONDS, check=False, **options
    )  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without anything that points into this checkout."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PGQRS_") and k != "PYTHONPATH"}
    return kept | more


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of a copy of the tree, so that the tree stays as it is."""
    directory = tmp_path_factory.mktemp("sdist")
    tree = directory / "tree"
    unwanted = shutil.ignore_patterns(
        ".git", ".venv", ".demo", "build", "dist", "*.egg-info", "__pycache__", ".*_cache"
    )
    shutil.copytree(ROOT, tree, ignore=unwanted, symlinks=True)
    script = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    run(sys.executable, "-c", script, directory, cwd=tree, env=clean_environment())
    (archive,) = directory.glob("pgqrs-*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from the source distribution and nothing else."""
    directory = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    (tree,) = directory.glob("pgqrs-*")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    run(*pip, directory, tree, env=clean_environment())
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean virtual environment that holds the wheel alone."""
    directory = tmp_path_factory.mktemp("venv") / "clean"
    run("bash", ROOT / ".ci" / "venv", directory, env=clean_environment(PYTHON=sys.executable))
    python = directory / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, env=clean_environment())
    return python


@pytest.fixture
def bare_environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with no Go, no compiler and no checkout in sight."""
    programs = tmp_path / "bin"
    programs.mkdir()
    assert shutil.which("go", path=str(programs)) is None
    yield {"PATH": str(programs), "HOME": str(tmp_path), "LANG": "C.UTF-8"}
