"""Counts and delays the server's fsyncs by a library preloaded into it (shim/fsync_meter.c)."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from .paths import BUILD, HERE

PAGE = struct.Struct("=QQQ")


class FsyncMeter:
    """A page shared with every process of the server; None of it without a C compiler."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self._page: mmap.mmap | None = None
        library = _build()
        if library is None:
            return
        handle, self._path = tempfile.mkstemp(prefix="pgqrs-bench-meter-")
        os.truncate(handle, mmap.PAGESIZE)
        os.chmod(self._path, 0o666)  # the server is another user where we are root
        self._page = mmap.mmap(handle, mmap.PAGESIZE)
        os.close(handle)
        self.environment = {"LD_PRELOAD": str(library), "BENCH_FSYNC_METER": self._path}

    def __bool__(self) -> bool:
        return self._page is not None

    @property
    def wal(self) -> int | None:
        """fdatasync calls so far: PostgreSQL makes them for its WAL alone."""
        return PAGE.unpack_from(self._page)[0] if self._page is not None else None

    def delay(self, seconds: float) -> None:
        """Makes every fsync from now on last so much longer."""
        assert self._page is not None
        struct.pack_into("=Q", self._page, 16, int(seconds * 1e6))

    def close(self) -> None:
        if self._page is not None:
            os.unlink(self._path)


def _build() -> Path | None:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    BUILD.mkdir(exist_ok=True)
    # Beside the temporary files, because the server's user may not look into ours.
    target = Path(tempfile.gettempdir()) / f"pgqrs-bench-{os.getuid()}-fsync-meter.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", f"{target}.new", str(HERE / "shim/fsync_meter.c"), "-ldl"]
    if subprocess.run(command, check=False).returncode != 0:
        return None
    os.chmod(f"{target}.new", 0o755)
    os.replace(f"{target}.new", target)
    return target
