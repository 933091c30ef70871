"""Builds the shared library into the wheel. Metadata is in pyproject.toml.

The library is built by capi/build.sh with the local Go toolchain, unless
PGQRS_LIBRARY names a library that was built before. It is loaded with ctypes
and knows no CPython ABI, so one wheel a platform serves every Python 3.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
LIBRARY = "libpgqrs.so.1"  # the soname; python/pgqrs/_native/_load.py looks for this name


class LibraryDistribution(Distribution):
    """A distribution that is platform dependent although it compiles no extension module."""

    def has_ext_modules(self) -> bool:
        return True


class BuildWithLibrary(build_py):
    """build_py, and then the shared library beside the modules."""

    def run(self) -> None:
        if self.editable_mode:
            # The modules stay in the source tree, where the package also looks
            # for the library of `make lib`.
            super().run()
            provide_library(ROOT / "build" / LIBRARY)
            return
        # What an earlier build left here would silently become part of the wheel.
        package = Path(self.build_lib) / "pgqrs"
        shutil.rmtree(package, ignore_errors=True)
        super().run()
        provide_library(package / LIBRARY)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib) / "pgqrs" / LIBRARY)]


class PlatformWheel(bdist_wheel):
    """A wheel for any Python 3 of one platform: py3-none-<platform>."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


def provide_library(target: Path) -> None:
    """Puts the library at target: a copy of PGQRS_LIBRARY, or a fresh build."""
    target.parent.mkdir(parents=True, exist_ok=True)
    prebuilt = os.environ.get("PGQRS_LIBRARY")
    if prebuilt:
        if not Path(prebuilt).is_file():
            sys.exit(f"pgqrs: PGQRS_LIBRARY={prebuilt} is not a file; name a built {LIBRARY} or unset the variable")
        shutil.copyfile(prebuilt, target)
        return
    require_platform()
    require_program("go", "the Go toolchain (https://go.dev/dl)")
    require_program(os.environ.get("CC", "cc").split()[0], "a C compiler (for example the package gcc)")
    if subprocess.run(["bash", str(ROOT / "capi" / "build.sh"), str(target)], cwd=ROOT, check=False).returncode:
        sys.exit("pgqrs: building the shared library failed, see the messages above")


def require_platform() -> None:
    """Refuses systems the library cannot be loaded on, before a long build."""
    if not sys.platform.startswith("linux"):
        sys.exit(f"pgqrs: only Linux is supported at present, this is {sys.platform}")
    if platform.libc_ver()[0] != "glibc":
        sys.exit(
            "pgqrs: this Python does not run on glibc. A musl system (Alpine) cannot load a Go library at run time; "
            "use a glibc based image, for example python:3.13-slim (docs/adr/0005-platform-floor.md)"
        )


def require_program(name: str, what: str) -> None:
    if shutil.which(name) is None:
        sys.exit(
            f"pgqrs: building from source needs {what}: `{name}` is not on PATH. "
            "A wheel needs none; or name a built library in PGQRS_LIBRARY"
        )


setup(
    distclass=LibraryDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)
