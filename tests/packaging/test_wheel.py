"""The wheel: what is in it, how it is tagged, that it works where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = (ROOT / "VERSION").read_text().strip()
LIBRARY = "libpgqrs.so.1"
RUN_SECONDS = 60.0


def python_files() -> set[str]:
    package = ROOT / "python"
    kinds = ("*.py", "*.pyi", "py.typed")
    return {str(path.relative_to(package)) for kind in kinds for path in (package / "pgqrs").rglob(kind)}


def test_wheel_is_tagged_for_every_python_of_this_platform(wheel: Path) -> None:
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert wheel.name == f"pgqrs-{VERSION}-py3-none-{platform}.whl"


def test_wheel_holds_exactly_the_package_and_its_library(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.split("/", 1)[1] for name in archive.namelist() if ".dist-info/" in name}
    assert held == python_files() | {f"pgqrs/{LIBRARY}"}
    assert about - {"top_level.txt", "entry_points.txt"} == {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"}


def test_wheel_needs_no_other_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"pgqrs-{VERSION}.dist-info/METADATA").decode()
    header = metadata.split("\n\n", 1)[0].splitlines()
    assert not [line for line in header if line.startswith("Requires-Dist")]
    assert "Requires-Python: >=3.11" in header
    assert "License-Expression: MIT" in header


def test_source_distribution_holds_no_tests_and_no_binaries(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    assert not [n for n in names if n.endswith(("_test.go", ".pyc")) or ".so" in n or "/tests/" in n]
    for needed in ("go.mod", "VERSION", "include/pgqrs.h", "capi/build.sh", "core/engine/engine.go"):
        assert f"pgqrs-{VERSION}/{needed}" in names


def test_quickstart_runs_elsewhere_without_go(
    installed: Path, bare_environment: dict[str, str], tmp_path: Path
) -> None:
    for attempt in (1, 2):  # the second time the queue exists already
        done = subprocess.run(
            [str(installed), str(ROOT / "examples" / "quickstart.py")],
            cwd=tmp_path,
            env=bare_environment,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert f"stored as {attempt}\n" in done.stdout
        assert "working on {'send': 'welcome', 'to': 'user@example.com'}" in done.stdout
    assert (tmp_path / "jobs.db").exists()


def test_the_command_is_installed(installed: Path, bare_environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [str(installed.with_name("pgqrs")), "--help"],
        cwd=tmp_path,
        env=bare_environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=True,
    )
    assert "doctor" in done.stdout


def test_installed_library_is_the_one_in_the_package(
    installed: Path, bare_environment: dict[str, str], tmp_path: Path
) -> None:
    script = (
        "import asyncio, pgqrs\n"
        "async def main():\n"
        "    await (await pgqrs.connect('sqlite::memory:')).close()\n"
        "asyncio.run(main())\n"
        "print(*{l.split()[-1] for l in open('/proc/self/maps') if 'libpgqrs' in l})\n"
    )
    done = subprocess.run(
        [str(installed), "-c", script],
        cwd=tmp_path,
        env=bare_environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=True,
    )
    loaded = Path(done.stdout.strip()).resolve()
    assert loaded.name == LIBRARY
    assert loaded.is_relative_to(installed.parents[1].resolve())


class TestSetup:
    """setup.py where it must refuse, and with a library built before."""

    def build(self, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs only the part of setup.py that provides the library."""
        script = (
            "import pathlib, setuptools\n"
            "setuptools.setup = lambda **_: None\n"
            "names = {'__file__': 'setup.py', '__name__': 'setup'}\n"
            "exec(compile(open('setup.py').read(), 'setup.py', 'exec'), names)\n"
            f"names['provide_library'](pathlib.Path({str(tmp_path / 'out' / LIBRARY)!r}))\n"
        )
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def test_takes_a_prebuilt_library(self, tmp_path: Path) -> None:
        prebuilt = tmp_path / "mine.so"
        prebuilt.write_bytes(b"a library")
        done = self.build(tmp_path, PATH="/nonexistent", PGQRS_LIBRARY=str(prebuilt))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out" / LIBRARY).read_bytes() == b"a library"

    @pytest.mark.parametrize(
        ("environment", "words"),
        [
            ({"PATH": "/nonexistent", "PGQRS_LIBRARY": "/nonexistent/lib.so"}, "PGQRS_LIBRARY=/nonexistent/lib.so"),
            ({"PATH": "/nonexistent"}, "needs the Go toolchain"),
        ],
    )
    def test_says_what_is_missing(self, tmp_path: Path, environment: dict[str, str], words: str) -> None:
        done = self.build(tmp_path, **environment)
        assert done.returncode != 0
        assert words in done.stderr
        assert "Traceback" not in done.stderr
