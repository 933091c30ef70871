"""Rivals that misbehave, by the mode in the options."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

from loadgen import Contender, serve


class Fake(Contender):
    async def open(self) -> None:
        if self.options["mode"] == "hangs at once":
            self._hang()

    async def enqueue(self, payload: Any) -> None:
        match self.options["mode"]:
            case "hangs":
                self._hang()
            case "fails":
                raise ValueError("no luck")
            case "dies":
                os._exit(3)

    def _hang(self) -> None:
        """As badly as it can: deaf to signals, the loop blocked, and with a child that would stay."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "600"])
        print(f"child {child.pid} of {os.getpid()}", file=sys.stderr, flush=True)
        time.sleep(600)


if __name__ == "__main__":
    serve(Fake)
