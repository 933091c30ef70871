"""The pages of docs/: their code blocks, run in order as a reader would run them.

A page is one session. Its ```python blocks share one namespace and may await at
their top level, as in ``python -m asyncio``; a block that calls asyncio.run() is a
program and runs in a process of its own, and one that begins with "# name.py" is that
file. A ```console block shows commands after "$ " and their output, "^C" being typed
as soon as the output above it is there. A ```sql block runs on PostgreSQL. A ```text
block right after another block is its output.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from children import environment, run_child

ROOT = Path(__file__).resolve().parents[3]
DIRECTORY = ROOT / "docs"
NAMES = sorted(path.name for path in DIRECTORY.glob("*.md"))
PRINTED = "postgresql://localhost/mydb"
RUNNABLE = ("python", "console", "sql", "yaml")

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    """The line of its first line of code."""
    language: str
    code: str
    follows: bool
    """Whether it stands right after another block."""

    @property
    def first(self) -> str:
        """Its first line, by which lists name it."""
        return self.code.partition("\n")[0]

    @property
    def is_program(self) -> bool:
        return self.language == "python" and re.search(r"^\s*asyncio\.run\(", self.code, re.MULTILINE) is not None

    @property
    def file_name(self) -> str:
        """The file a block is, from its first line; empty for a block that is typed."""
        named = re.fullmatch(r"# (\w+\.(?:py|yaml))", self.first)
        return named[1] if named else ""


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = (DIRECTORY / page).read_text()
    return [
        Block(
            page,
            text.count("\n", 0, match.start("code")) + 1,
            match["language"],
            match["code"],
            _follows(text, match.start()),
        )
        for match in _FENCE.finditer(text)
    ]


def _follows(text: str, position: int) -> bool:
    return text[:position].rstrip().endswith("\n```")


def matches(shown: str, real: str) -> bool:
    """Whether output is what a page shows: numbers may differ, "..." stands for anything."""

    def pattern(line: str) -> str:
        text = re.sub(r"\d+", "0", " ".join(line.split()))
        return re.escape(text).replace(r"\.\.\.", ".*").replace("0", r"\d+")

    lines = [pattern(line) for line in shown.strip().splitlines()]
    tidy = "\n".join(" ".join(line.split()) for line in real.strip().splitlines())
    return re.fullmatch("\n".join(lines), tidy, re.DOTALL) is not None


@dataclass
class Session:
    """One reader of one page, with a store and a directory."""

    dsn: str
    directory: Path
    read_output: Callable[[], str]
    """What has been printed in this process since the last call."""
    run_sql: Callable[[str], str]
    """Runs statements on PostgreSQL."""
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    env: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def with_dsn(self, code: str) -> str:
        code = code.replace(PRINTED, self.dsn)
        return code.replace("postgresql+psycopg://localhost/mydb", self.dsn.replace("://", "+psycopg://", 1))

    async def run(self, block: Block) -> None:
        if block.language == "text" and block.follows:
            shown = self.with_dsn(block.code)
            assert matches(shown, self.output), f"{where(block)} shows\n{shown}\nbut it is\n{self.output}"
        elif block.file_name:
            (self.directory / block.file_name).write_text(self.with_dsn(block.code))
        elif block.is_program:
            program = self.directory / "program.py"
            program.write_text(self.with_dsn(block.code))
            code = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
            self.output = run_child(code, env=self.env).check().out
        elif block.language == "python":
            await self._run_python(block)
        elif block.language == "console":
            self._run_commands(block)
        elif block.language == "sql":
            self.output = self.run_sql(block.code)

    async def _run_python(self, block: Block) -> None:
        # Blank lines ahead: tracebacks show the line of the page.
        source = "\n" * (block.line - 1) + self.with_dsn(block.code)
        code = compile(source, str(DIRECTORY / block.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, self.names)  # a coroutine when the block awaits
        if inspect.iscoroutine(result):
            await result
        self.output = self.read_output()

    def _run_commands(self, block: Block) -> None:
        for command, shown in commands(self.with_dsn(block.code)):
            export = re.fullmatch(r"export (\w+)=(\S+)", command)
            if export:
                self.env[export[1]] = export[2].strip("'\"")
                continue
            real = self._typed(command, shown)
            assert matches(shown, real), f"{where(block)}: $ {command}\nis shown to print\n{shown}\nbut it is\n{real}"

    def _typed(self, command: str, shown: str) -> str:
        """What a command prints, standard error included."""
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.directory,
            env=environment(**self.env, PATH=f"{self._tools()}{os.pathsep}{os.environ['PATH']}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a keyboard interrupt goes to a group of processes
        )
        real = ""
        deadline = threading.Timer(30, os.killpg, [process.pid, signal.SIGKILL])
        deadline.start()
        try:
            assert process.stdout
            before, interrupt, _ = shown.partition("^C\n")
            while interrupt and not matches(before, real):
                line = process.stdout.readline()
                assert line, f"$ {command}\nended with\n{real}"
                real += line
            if interrupt:
                os.killpg(process.pid, signal.SIGINT)
                real += "^C\n"
            return real + process.stdout.read()
        finally:
            deadline.cancel()
            process.wait()

    def _tools(self) -> Path:
        """A directory with the console script, as an installation has it."""
        tools = self.directory / "bin"
        if not tools.exists():
            tools.mkdir()
            script = tools / "pgqrs"
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pgqrs "$@"\n')
            script.chmod(0o755)
        return tools


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output shown for it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        first, _, shown = part.partition("\n")
        while first.endswith("\\"):
            more, _, shown = shown.partition("\n")
            first = first[:-1] + more.removeprefix("> ")
        yield first, shown


def where(block: Block) -> str:
    return f"docs/{block.page}:{block.line}"
