"""Finding and opening the shared library.

The order is ``$PGQRS_LIBRARY``, the package directory, the build tree of a
checkout. A library named by the environment is the only one tried: falling back
to another than the one asked for would hide a mistake. Every failed attempt is
kept with its reason, so that one ImportError tells the whole story.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from typing import TYPE_CHECKING, NamedTuple, cast

from . import _abi  # pyright: ignore[reportPrivateUsage] (it has a stub)

if TYPE_CHECKING:
    from ._abi import Library

VARIABLE = "PGQRS_LIBRARY"
SONAME = "libpgqrs.so.1"
FILE_NAMES = (SONAME, "libpgqrs.so", "libpgqrs.dylib")

REMEDY = (
    "Install a wheel with `pip install pgqrs`, build the library of a checkout with `make lib`, "
    f"or name one in the environment variable {VARIABLE}."
)
MUSL = (
    "pgqrs cannot be loaded here: the C library of this Python is musl, which refuses libraries of the Go "
    "runtime at dlopen (initial-exec TLS, golang/go#54805). Use an image with glibc, for example "
    "python:3.13-slim instead of python:3.13-alpine."
)


class Attempt(NamedTuple):
    """One place that was tried, and why it did not do."""

    path: str
    reason: str


def candidates() -> list[str]:
    """The paths to try, in order."""
    # With os.path: importing pathlib takes a tenth of what importing this package does.
    wanted = os.environ.get(VARIABLE)
    if wanted:
        return [wanted]
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    build = os.path.join(os.path.dirname(os.path.dirname(package)), "build")
    return [os.path.join(folder, name) for folder in (package, build) for name in FILE_NAMES]


def load() -> Library:
    """Opens the library, checks its version and declares its functions.

    Raises ImportError naming every path tried, its reason, and the remedy.
    """
    if sys.platform == "win32":
        raise ImportError("pgqrs does not run on Windows: its library is built for Linux and macOS.")
    if is_musl():  # before dlopen, whose own message nobody understands
        raise ImportError(MUSL)
    attempts: list[Attempt] = []
    for path in candidates():
        try:
            return _open(path)
        except (OSError, AttributeError, ImportError) as problem:
            attempts.append(Attempt(path, str(problem)))
    tried = "".join(f"\n  {attempt.path}: {attempt.reason}" for attempt in attempts)
    raise ImportError(f"The pgqrs library cannot be loaded. Tried:{tried}\n{REMEDY}")


def _open(path: str) -> Library:
    if not os.path.isfile(path):
        raise FileNotFoundError("no such file")
    # Default flags, that is RTLD_LOCAL: with RTLD_GLOBAL the symbols of two Go
    # libraries in one process could bind to each other.
    library = ctypes.CDLL(path)
    try:
        library.pgqrs_abi_version.restype = ctypes.c_int32
        version = library.pgqrs_abi_version()
    except AttributeError:
        raise ImportError("not a pgqrs library") from None
    if version != _abi.ABI_VERSION:
        raise ImportError(
            f"it implements ABI {version}, this package speaks ABI {_abi.ABI_VERSION}; "
            "install the library and the package from the same release"
        )
    _abi.declare(library)
    declared = cast("Library", library)
    status = declared.pgqrs_runtime_wait()
    if status < 0:
        raise ImportError(f"its runtime did not start (status {status})")
    return declared


def is_musl(platform: str = sys.platform, maps: str = "/proc/self/maps") -> bool:
    """Whether this Python runs on musl, without opening a library to find out."""
    if not platform.startswith("linux"):
        return False
    if "musl" in (sysconfig.get_config_var("SOABI") or ""):
        return True
    try:
        with open(maps, encoding="utf-8", errors="replace") as file:
            return any("/ld-musl-" in line for line in file)
    except OSError:  # no /proc: the names above are all there is to go by
        return False
