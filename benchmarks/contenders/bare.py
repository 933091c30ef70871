"""Floors that are no queue: the disk alone, and asyncio alone."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from loadgen import Contender, Unsupported, serve
from loadgen.workloads import clock

WAL_FRAME = 24 + 4096  # header and page, SQLite's default


class Bare(Contender):
    async def probe(self, name: str, seconds: float, **params: Any) -> dict[str, float]:
        if name == "wal frames":
            return wal_frames(seconds, self.options["directory"], params["frames"])
        if name == "round trip":
            return await futures(seconds, params["in_flight"])
        raise Unsupported(name)


def wal_frames(seconds: float, directory: str, frames: int) -> dict[str, float]:
    """Commits as SQLite in WAL mode makes them at best: that many frames are
    overwritten, then fdatasync."""
    path = os.path.join(directory, "frames")
    data = os.urandom(WAL_FRAME * frames)
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.pwrite(file, bytes(4 << 20), 0)
        os.fsync(file)
        room = (4 << 20) // len(data)
        done, start = 0, clock()
        while clock() - start < seconds:
            os.pwrite(file, data, done % room * len(data))
            os.fdatasync(file)
            done += 1
        return {"messages": done, "seconds": clock() - start}
    finally:
        os.close(file)
        os.unlink(path)


async def futures(seconds: float, in_flight: int) -> dict[str, float]:
    """A future that the loop completes in its next turn, awaited: what asyncio costs alone."""
    loop = asyncio.get_running_loop()
    done = 0

    async def submit() -> None:
        nonlocal done
        while clock() < deadline:
            future = loop.create_future()
            loop.call_soon(future.set_result, None)
            await future
            done += 1

    start = clock()
    deadline = start + seconds
    await asyncio.gather(*(submit() for _ in range(in_flight)))
    return {"messages": done, "seconds": clock() - start}


if __name__ == "__main__":
    serve(Bare)
