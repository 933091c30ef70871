"""The bindings of other languages, each by a small program of its own that makes no-ops."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from loadgen import Contender, Unsupported, serve

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent
PROGRAMS = HERE / "boundary"


class Binding(Contender):
    """``language`` of the options says which. What it needs is built into the directory of the run."""

    async def open(self) -> None:
        self._command: list[str] = []
        self._missing = ""
        try:
            self._command = await getattr(self, self.options["language"])()
        except Unsupported as missing:
            self._missing = str(missing)

    async def probe(self, name: str, seconds: float, **params: Any) -> dict[str, float]:
        if self._missing or name != "round trip":
            raise Unsupported(self._missing or name)
        in_flight = params["in_flight"]
        if self.options["language"] == "go":
            return await self._go_benchmark(in_flight, seconds)
        answer = await run(*self._command, str(in_flight), str(seconds))
        return dict(json.loads(answer))

    async def c(self) -> list[str]:
        return await self._compiled(os.environ.get("CC", "cc"), "boundary.c", "-std=c99")

    async def cpp(self) -> list[str]:
        return await self._compiled(
            os.environ.get("CXX", "c++"), "boundary.cpp", "-std=c++17", "-I", str(ROOT / "bindings/cpp")
        )

    async def node(self) -> list[str]:
        if not (ROOT / "bindings/node/node_modules/koffi").exists():
            raise Unsupported("koffi (make bindings/node/node_modules/ready)")
        return [found("node"), str(PROGRAMS / "boundary.js")]

    async def go(self) -> list[str]:
        program = HERE / ".build/bindings.test"
        if not program.exists():
            raise Unsupported("benchmark of bindings (make bench/rivals)")
        return [str(program), "-test.run", "^$"]

    async def _go_benchmark(self, in_flight: int, seconds: float) -> dict[str, float]:
        answer = await run(
            *self._command, "-test.bench", f"^BenchmarkBoundary/^{in_flight}$", "-test.benchtime", f"{seconds}s"
        )
        line = re.search(r"^Benchmark\S+\s+(\d+)\s+([\d.]+) ns/op", answer, re.MULTILINE)
        if not line:
            raise RuntimeError(f"no figure in the answer of the benchmark: {answer}")
        done = int(line[1])
        return {"messages": done, "seconds": done * float(line[2]) / 1e9}

    async def _compiled(self, compiler: str, source: str, *flags: str) -> list[str]:
        directory = Path(self.options["directory"])
        (directory / "libpgqrs.so.1").symlink_to(library())
        program = directory / "boundary"
        await run(
            *(found(compiler), *flags, "-O2", "-pthread", "-I", str(ROOT / "include"), "-o", str(program)),
            *(str(PROGRAMS / source), str(directory / "libpgqrs.so.1"), f"-Wl,-rpath,{directory}"),
        )
        return [str(program)]


def found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Unsupported(f"{program}: it is not installed")
    return path


def library() -> Path:
    """The library that is measured: of this environment's wheel, or the one that is named."""
    from pgqrs._native._load import candidates

    return next(path for path in map(Path, candidates()) if path.is_file()).resolve()


async def run(*command: str) -> str:
    """What a program prints; it has to succeed."""
    environment = {**os.environ, "PGQRS_LIBRARY": str(library())}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    answer, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return answer.decode()


if __name__ == "__main__":
    serve(Binding)
