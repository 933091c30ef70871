"""The worker processes of the demo, seen from outside."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

STOP_SECONDS = 20.0


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


class WorkerProcess:
    """One running worker.py."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, worker_id: int) -> None:
        self._process = process
        self.name = name
        self.worker_id = worker_id

    @classmethod
    async def start(
        cls, name: str, queue: str, root: Path, results: Path, environment: dict[str, str]
    ) -> WorkerProcess:
        """Starts a worker and returns when it has registered.

        The store's DSN travels in the environment: arguments are for everybody to see.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("worker.py")),
            queue,
            str(root),
            str(results / f"{name}.jsonl"),
            stdin=asyncio.subprocess.PIPE,  # ends with us, whatever ends us, and so does the worker
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is for the driver
        )
        assert process.stdout
        line = await process.stdout.readline()
        if not line:
            raise DemoError(f"{name} ended before it was ready, with status {await process.wait()}")
        return cls(process, name, int(line))

    def require_running(self) -> None:
        if self._process.returncode is not None:
            raise DemoError(f"{self.name} ended by itself, with status {self._process.returncode}")

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is released, nothing is flushed."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Asks the worker to finish and expects it to do so in good order."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            status = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill()
            raise DemoError(f"{self.name} did not stop within {STOP_SECONDS:.0f} s") from None
        if status != 0:
            raise DemoError(f"{self.name} ended with status {status}")

    async def end(self) -> None:
        """For the way out after an error: gone, whatever it was doing."""
        if self._process.returncode is None:
            await self.kill()
