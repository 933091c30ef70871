"""A contender's process, spoken to in JSON lines under a watchdog."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

from .paths import HERE
from .registry import Contender

HELLO_SECONDS = 60.0
QUIT_SECONDS = 10.0


class Failure(Exception):
    """The contender did not answer, or answered that it cannot. The text is for the table."""


class Hung(Failure):
    """It did not answer in time; its process was ended."""


class Process:
    """Started with the block; ended with it, by force if need be."""

    def __init__(
        self,
        contender: Contender,
        dsn: str,
        options: dict[str, Any],
        log: Path,
        preload: dict[str, str] | None = None,
    ) -> None:
        self._contender = contender
        self._hello = {"dsn": dsn, "options": {**contender.options, **options}}
        self._log = log
        self._preload = preload or {}
        self.versions: dict[str, str] = {}

    async def __aenter__(self) -> Process:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PGQRS_", "PYTHON", "PG"))}
        environment = kept | {"PYTHONPATH": str(HERE)} | self._contender.environment | self._preload
        with self._log.open("ab") as log:
            log.write(f"--- {self._contender.name}\n".encode())
            log.flush()
            self._process = await asyncio.create_subprocess_exec(
                *self._contender.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,  # so that it can be ended with whatever it started
            )
        try:
            self.versions = (await self.ask(self._hello, HELLO_SECONDS)).get("versions") or {}
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def ask(self, command: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Sends a command and returns the answer. Raises Failure, or Hung after so many seconds."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
            line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        except TimeoutError:
            self._kill()
            raise Hung(f"hung: no answer within {seconds:.0f} s") from None
        except ConnectionError:
            line = b""
        if not line:
            raise Failure(f"ended (status {await self._process.wait()})")
        answer = json.loads(line)
        if "unsupported" in answer:
            raise Failure(f"has no {answer['unsupported']}")
        if "error" in answer:
            with self._log.open("a") as log:
                log.write(answer["error"])
            raise Failure("failed: " + answer["error"].strip().rsplit("\n", 1)[-1][:200])
        return dict(answer["ok"])

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            assert self._process.stdin is not None
            with contextlib.suppress(ConnectionError, TimeoutError):
                self._process.stdin.write(b'{"quit": true}\n')
                self._process.stdin.close()
                await asyncio.wait_for(self._process.wait(), QUIT_SECONDS)
        self._kill()
        await self._process.wait()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
