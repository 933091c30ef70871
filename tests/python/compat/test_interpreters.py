"""Every supported interpreter found here runs the main job."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from children import environment

JOB = """
import asyncio, sys, pgqrs
async def main():
    async with await pgqrs.connect(sys.argv[1]) as store:
        await store.queue("tasks")
        producer, consumer = await store.producer("tasks"), pgqrs.Consumer(store, "tasks")
        ids = await asyncio.gather(*[producer.enqueue({"n": n, "big": 2**70}) for n in range(100)])
        messages = await consumer.dequeue(100, vt=30)
        assert [m.payload["big"] for m in messages] == [2**70] * 100
        assert await consumer.archive_batch(messages) == [True] * 100
        await pgqrs.produce(store, "tasks", None)
        async for message in store.consume_iter("tasks"):
            assert message.payload is None
            break
        try:
            await store.queue("tasks")
        except pgqrs.QueueAlreadyExistsError as problem:
            print(len(set(ids)), problem.code, sys.version_info[:2] >= (3, 11))
asyncio.run(main())
"""

# A second interpreter in the process, which shares the library but has bridges of its own.
SUBINTERPRETER = """
import sys
if sys.version_info >= (3, 14):
    from concurrent import interpreters
    run = interpreters.create().exec
else:
    import _interpreters
    number = _interpreters.create()
    def run(code):
        failure = _interpreters.exec(number, code)
        assert failure is None, failure
import asyncio, pgqrs
asyncio.run(pgqrs.connect("sqlite::memory:"))
run('''
import asyncio, pgqrs
async def main():
    async with await pgqrs.connect("sqlite::memory:") as store:
        await store.queue("tasks")
        assert await pgqrs.produce(store, "tasks", 1) == 1
asyncio.run(main())
''')
print("both")
"""


def interpreters() -> dict[str, str]:
    """Version -> path of each supported CPython that starts."""
    found: dict[str, str] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python3.{minor}") for minor in range(11, 15)]
    candidates += [str(p) for p in sorted(pyenv.glob("*/bin/python3"))]
    for path in filter(None, candidates):
        done = subprocess.run(
            [path, "-c", "import sys; print('.'.join(map(str, sys.version_info[:2])))"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        version = done.stdout.strip()
        if done.returncode == 0 and version.startswith("3.") and int(version[2:]) >= 11:
            found.setdefault(version, path)
    return found


FOUND = interpreters()


@pytest.mark.parametrize("version", sorted(FOUND))
def test_the_main_job(version: str, sqlite_dsn: str) -> None:
    done = subprocess.run(
        [FOUND[version], "-X", "dev", "-c", JOB, sqlite_dsn],
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "100 -402 True\n"), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("version", [v for v in sorted(FOUND) if int(v[2:]) >= 13])
def test_a_subinterpreter_loads_the_library_too(version: str) -> None:
    done = subprocess.run(
        [FOUND[version], "-c", SUBINTERPRETER],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "both\n"), done.stderr
