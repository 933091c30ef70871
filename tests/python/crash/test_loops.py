"""Other event loops and modes: what the bridge rests on holds there too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from children import environment, run_child

SUITE = Path(__file__).resolve().parents[1] / "integration"
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("mode", ["debug", "uvloop"])
def test_the_bridge_suite(mode: str, pg_server: str) -> None:
    extra = {"PYTHONASYNCIODEBUG": "1"} if mode == "debug" else {"PGQRS_TEST_LOOP": "uvloop"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         str(SUITE / "test_bridge.py"), str(SUITE / "test_iterators.py")],
        cwd=ROOT, env=environment(PGQRS_TEST_DSN=pg_server, **extra), capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_loop_that_cannot_watch_descriptors_is_named(sqlite_dsn: str) -> None:
    done = run_child(
        """
        import asyncio, sys, pgqrs
        class Proactor(asyncio.SelectorEventLoop):
            def add_reader(self, *_):
                raise NotImplementedError
        try:
            Proactor().run_until_complete(pgqrs.connect(sys.argv[1]))
        except pgqrs.PgqrsError as problem:
            print(problem)
        """,
        sqlite_dsn,
    ).check()
    assert "selector event loop" in done.out


def test_outside_a_loop_nothing_crashes(sqlite_dsn: str) -> None:
    done = run_child(
        """
        import sys, pgqrs
        try:
            pgqrs.connect(sys.argv[1]).send(None)
        except RuntimeError as problem:
            print(problem)
        """,
        sqlite_dsn,
    ).check()
    assert "no running event loop" in done.out


def test_repeated_runs_and_threads(installed: str) -> None:
    done = run_child(
        """
        import asyncio, sys, threading, pgqrs
        producer = pgqrs.Producer(sys.argv[1], "tasks")
        ids = []
        async def main():
            ids.extend(await asyncio.gather(*[producer.enqueue(n) for n in range(20)]))
        for _ in range(10):
            asyncio.run(main())
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(ids), len(set(ids)))
        """,
        installed,
    ).check()
    assert done.out == "360 360\n"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="3.11 has no eager tasks")
def test_eager_tasks(installed: str) -> None:
    done = run_child(
        """
        import asyncio, sys, pgqrs
        async def main():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            async with await pgqrs.connect(sys.argv[1]) as store:
                producer = pgqrs.Producer(sys.argv[1], "tasks")
                tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(50)]
                print(len(set(await asyncio.gather(*tasks))))
        asyncio.run(main())
        """,
        installed,
    ).check()
    assert done.out == "50\n"
