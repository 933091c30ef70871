"""A panic inside the library becomes an error; afterwards nothing works and nothing crashes.

The library for this has two functions more than the one that is shipped: they panic.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from children import run_child

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that panics on demand."""
    if shutil.which("go", path=None) is None and not Path("/usr/local/go/bin/go").exists():
        pytest.skip("needs the Go toolchain to build the library that panics on demand")
    library = tmp_path_factory.mktemp("fragile") / "libpgqrs.so.1"
    done = subprocess.run(
        ["sh", str(ROOT / "capi" / "build.sh"), str(library), "pgqrs_testing"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(library)


@pytest.mark.parametrize("where", ["export", "goroutine"])
@pytest.mark.parametrize("handler", ["", "before", "after"], ids=["", "faulthandler-before", "faulthandler-after"])
def test_a_panic_poisons(fragile: str, sqlite_dsn: str, where: str, handler: str) -> None:
    done = run_child(
        f"""
        import asyncio, faulthandler, sys, time
        if {handler == "before"}:
            faulthandler.enable()
        import pgqrs
        from pgqrs._native import lib
        async def main():
            store = await pgqrs.connect(sys.argv[1])
            await store.queue("tasks")
            consumer = await store.consumer("tasks")
            if {handler == "after"}:
                faulthandler.enable()
            waiting = asyncio.create_task(consumer.dequeue(wait=60))
            await asyncio.sleep(0.1)
            lib().pgqrs_test_panic_{where}()
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:   # a goroutine panics a little later
                try:
                    await store.admin().system_stats()
                except pgqrs.InternalError as problem:
                    print(problem.code, problem)
                    break
                await asyncio.sleep(0.02)
            try:
                await asyncio.wait_for(waiting, 10)
            except (pgqrs.PgqrsError, asyncio.CancelledError) as problem:
                print("ended", type(problem).__name__)
            try:
                await store.close()
            except pgqrs.InternalError:
                print("closed")
        asyncio.run(main())
        """,
        sqlite_dsn,
        env={"PGQRS_LIBRARY": fragile},
        timeout=60,
    ).check()
    lines = done.out.splitlines()
    assert lines[0].startswith("-205 "), done.out
    assert "restart" in lines[0]
    assert lines[-1] == "closed"
    assert "panic" in done.err, "the panic is printed once"
