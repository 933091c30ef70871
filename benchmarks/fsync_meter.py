"""Counts fsyncs by libraries preloaded into a process (shim/): exactly and at once."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from .paths import HERE

COUNT = struct.Struct("=Q")
DELAY_OFFSET = 16


class Preloaded:
    """A shim and the page it shares with whoever has it preloaded; false without a C compiler."""

    def __init__(self, shim: str, variable: str) -> None:
        self.environment: dict[str, str] = {}
        self._page: mmap.mmap | None = None
        library = _build(shim)
        if library is None:
            return
        handle, self._path = tempfile.mkstemp(prefix="pgqrs-bench-meter-")
        os.truncate(handle, mmap.PAGESIZE)
        os.chmod(self._path, 0o666)  # the server is another user where we are root
        self._page = mmap.mmap(handle, mmap.PAGESIZE)
        os.close(handle)
        self.environment = {"LD_PRELOAD": str(library), variable: self._path}

    def __bool__(self) -> bool:
        return self._page is not None

    @property
    def count(self) -> int | None:
        return int(COUNT.unpack_from(self._page)[0]) if self._page is not None else None

    def close(self) -> None:
        if self._page is not None:
            os.unlink(self._path)


class FsyncMeter(Preloaded):
    """For the server: its count is of fdatasync calls, which PostgreSQL makes for its WAL alone."""

    def __init__(self) -> None:
        super().__init__("fsync_meter", "BENCH_FSYNC_METER")

    def delay(self, seconds: float) -> None:
        """Makes every fsync from now on last so much longer."""
        assert self._page is not None
        COUNT.pack_into(self._page, DELAY_OFFSET, int(seconds * 1e6))


class SyncCounter(Preloaded):
    """For a client that writes files itself: its count is of every fsync and fdatasync."""

    def __init__(self) -> None:
        super().__init__("sync_counter", "BENCH_SYNC_COUNTER")


def _build(shim: str) -> Path | None:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    # Beside the temporary files, because the server's user may not look into ours.
    target = Path(tempfile.gettempdir()) / f"pgqrs-bench-{os.getuid()}-{shim}.so"
    source = str(HERE / "shim" / f"{shim}.c")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", f"{target}.new", source, "-ldl", "-lpthread"]
    if subprocess.run(command, check=False).returncode != 0:
        return None
    os.chmod(f"{target}.new", 0o755)
    os.replace(f"{target}.new", target)
    return target
