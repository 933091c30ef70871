"""A workflow outlives the process that runs it: what was done is not done again."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest
from processes import ends, wait_for, working

HEAD = """
import asyncio, os, sys, pgqrs
dsn, ledger, held = sys.argv[1], sys.argv[2], sys.argv[3]

def write(entry):
    with open(ledger, "a") as file:  # one short line: O_APPEND keeps the lines of several processes whole
        file.write(entry + "\\n")

@pgqrs.step
async def charge(n):
    write(f"begun {n}")
    if str(n) == held:
        print("held", flush=True)
        await asyncio.sleep(3600)
    write(f"done {n}")
    return n * 10

@pgqrs.workflow(name="orders")
async def orders(count):
    return [await charge(n) for n in range(count)]
"""

WORK = """
async def main():
    async with await pgqrs.connect(dsn) as store:
        worker = pgqrs.Worker(store, {"orders": orders}, lock_seconds=1)
        async with worker:
            runs = await store.get_workflow_runs()
            for run in await runs.list():
                done = await runs.wait(run, timeout_seconds=60)
                print(done.status.value, done.attempt, done.output, flush=True)
asyncio.run(main())
"""

TRIGGER = """
async def main():
    async with await pgqrs.connect(dsn) as store:
        await store.admin().create_workflow(orders)
        await store.trigger(orders, 5)
asyncio.run(main())
"""


@pytest.mark.parametrize("held", [0, 2, 4])
def test_a_second_process_finishes_what_a_killed_one_began(installed: str, tmp_path: Path, held: int) -> None:
    ledger = tmp_path / "ledger"
    with working(HEAD, TRIGGER, installed, str(ledger), "none") as process:
        ends(process)
    with working(HEAD, WORK, installed, str(ledger), str(held)) as process:
        wait_for(process, "held")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ledger.read_text().splitlines()[-1] == f"begun {held}"
    with working(HEAD, WORK, installed, str(ledger), "none") as process:
        assert ends(process) == "success 2 [0, 10, 20, 30, 40]\n"
    entries = Counter(ledger.read_text().splitlines())
    assert {entry: count for entry, count in entries.items() if entry.startswith("done")} == {
        f"done {n}": 1 for n in range(5)
    }
    assert {entry: count for entry, count in entries.items() if entry.startswith("begun")} == {
        f"begun {n}": 2 if n == held else 1 for n in range(5)
    }, "only the step that was under way is begun again"
