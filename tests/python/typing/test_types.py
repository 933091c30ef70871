"""What type checkers see: the package, the documented example, and a table of types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import snippets

import pgqrs

PACKAGE = Path(pgqrs.__file__).parent
TABLE = Path(__file__).with_name("table.py")
DRIVERS = Path(__file__).with_name("drivers.py")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all runs of mypy, which reads the standard library's types into it."""
    return tmp_path_factory.mktemp("mypy")


def mypy(cache: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={cache}", *arguments]
    env = {**os.environ, "MYPYPATH": str(PACKAGE.parent)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cache, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def pyright(path: Path, cwd: Path, mode: str) -> subprocess.CompletedProcess[str]:
    config = {
        "include": [str(path)],
        "typeCheckingMode": mode,
        "extraPaths": [str(PACKAGE.parent)],
        "pythonVersion": "3.11",
    }
    (cwd / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "-p", str(cwd), "--pythonpath", sys.executable]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def need_pyright() -> None:
    """pyright fetches its own runtime at its first start, which needs a network."""
    done = subprocess.run([sys.executable, "-m", "pyright", "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"pyright does not start here: {done.stderr.strip()[-200:]}")


def test_mypy_accepts_the_package_and_the_table_strictly(cache: Path) -> None:
    mypy(cache, "--strict", str(PACKAGE), str(TABLE), str(DRIVERS))


def test_mypy_accepts_the_documented_example(cache: Path, tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    example.write_text(snippets.source("004_type_hints", "unused"))
    mypy(cache, str(example))


@pytest.mark.parametrize(
    ("what", "mode"), [("package", "strict"), ("table", "strict"), ("drivers", "strict"), ("example", "standard")]
)
def test_pyright_accepts_it_too(tmp_path: Path, what: str, mode: str) -> None:
    need_pyright()
    # Copies, because pyright reads only what lies below its configuration.
    target = tmp_path / "src"
    target.mkdir()
    if what == "package":
        shutil.copytree(PACKAGE, target / "pgqrs", ignore=shutil.ignore_patterns("*.so*", "__pycache__"))
    elif what in ("table", "drivers"):
        (target / f"{what}.py").write_text(Path(__file__).with_name(f"{what}.py").read_text())
    else:
        (target / "example.py").write_text(snippets.source("004_type_hints", "unused"))
    config_path = target / "pgqrs" if what == "package" else target
    done = pyright(Path("src") / config_path.relative_to(target), tmp_path, mode)
    assert done.returncode == 0, done.stdout + done.stderr
