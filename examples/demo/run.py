"""The demo: a queue of every file of the Go source tree, and a worker that dies.

    run.py [--dsn DSN] [--root DIRECTORY] [--directory DIRECTORY]

1. One message is enqueued for every file below the root, by default
   $(go env GOROOT)/src: about ten thousand.
2. Two worker processes (worker.py) take them, compute size, line count and
   SHA-256, record the result and archive the message.
3. When half of the files are archived, one worker is killed with SIGKILL. The
   messages it held come back when their lease runs out; the other one finishes.
4. The archive is compared with a direct walk of the tree: every file exactly
   once, with equal results. The exit status is 0 only then.

The store is one SQLite file in a fresh directory, or with --dsn a schema of its
own on a PostgreSQL server. Both are removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pgqrs
from files import Facts, measure, names
from progress import Progress
from results import read_results
from verify import Archived, Sums, problems
from workers import DemoError, WorkerProcess

QUEUE = "files"
ENQUEUE_BATCH = 1000
PAGE = 1000
WORKERS = 2
LOOK_SECONDS = 0.05  # between two looks at the counts
STALL_SECONDS = 60.0  # without any progress the demo has failed
KILL_ATTEMPTS = 10


@dataclass
class Run:
    """One run of the demo: its store, its tree, its workers."""

    store: pgqrs.Store
    root: Path
    results: Path
    environment: dict[str, str]
    workers: list[WorkerProcess]
    started: int = 0

    async def start_worker(self) -> None:
        self.started += 1
        name = f"worker-{self.started}"
        self.workers.append(await WorkerProcess.start(name, QUEUE, self.root, self.results, self.environment))

    async def archived(self) -> int:
        return (await self.store.admin().queue_metrics(QUEUE)).archived

    async def wait_archived(self, wanted: int, bar: Progress, note: str = "") -> None:
        """Returns when so many messages are archived, showing the way there."""
        last, moved_at = -1, time.monotonic()
        while (done := await self.archived()) < wanted:
            bar.show(done, note)
            for worker in self.workers:
                worker.require_running()
            if done != last:
                last, moved_at = done, time.monotonic()
            elif time.monotonic() - moved_at > STALL_SECONDS:
                raise DemoError(f"no progress for {STALL_SECONDS:.0f} s: {done:,} of {wanted:,} archived {note}")
            await asyncio.sleep(LOOK_SECONDS)

    async def kill_one(self) -> tuple[WorkerProcess, int]:
        """Kills a worker that holds messages; returns it and how many it held.

        A worker holds nothing for an instant between two batches. One that was hit
        right there is replaced, and its replacement is next.
        """
        messages = await self.store.get_messages()
        for _ in range(KILL_ATTEMPTS):
            victim = self.workers.pop()
            await victim.kill()
            held = await messages.count_active_by_worker(victim.worker_id)
            if held > 0:
                return victim, held
            if await messages.count() == 0:
                raise DemoError("all was done before a worker could be killed: this --root is too small")
            await self.start_worker()
        raise DemoError(f"none of {KILL_ATTEMPTS} killed workers held a message")


async def enqueue_all(store: pgqrs.Store, paths: list[str]) -> float:
    """Enqueues a message for every path and returns the seconds it took."""
    bar = Progress("enqueue", len(paths))
    async with await store.producer(QUEUE) as producer:
        for start in range(0, len(paths), ENQUEUE_BATCH):
            await producer.enqueue_batch([{"path": path} for path in paths[start : start + ENQUEUE_BATCH]])
            bar.show(min(start + ENQUEUE_BATCH, len(paths)))
    return bar.done()


def walk_directly(root: Path, paths: list[str]) -> list[Facts]:
    """The truth to compare with: every file measured here, without any queue."""
    bar = Progress("walk", len(paths))
    facts = []
    for path in paths:
        facts.append(measure(root, path))
        if len(facts) % 100 == 0:
            bar.show(len(facts))
    bar.done()
    return facts


async def read_archive(store: pgqrs.Store) -> list[Archived]:
    """The whole archive, page by page."""
    table = await store.get_archive()
    bar = Progress("archive", await table.count())
    found: list[Archived] = []
    while page := await table.list(limit=PAGE, offset=len(found)):
        found += [Archived(m.id, m.payload["path"], m.read_ct, m.dead_reason) for m in page]
        bar.show(len(found))
    bar.done()
    return found


@contextlib.asynccontextmanager
async def fresh_store(dsn: str | None, directory: Path) -> AsyncIterator[tuple[pgqrs.Store, dict[str, str]]]:
    """An empty store, and the environment by which workers find it."""
    if dsn is None:
        dsn, schema = f"sqlite:///{directory / 'queue.db'}", None
    else:
        schema = f"pgqrs_demo_{secrets.token_hex(4)}"  # two runs, or your own data, never meet
    environment = {"PGQRS_DSN": dsn} | ({"PGQRS_SCHEMA": schema} if schema else {})
    async with await pgqrs.connect_with(pgqrs.Config(dsn, schema=schema)) as store:
        admin = store.admin()
        await admin.install()
        try:
            yield store, environment
        finally:
            if schema:
                await admin.uninstall()


async def demo(dsn: str | None, root: Path, directory: Path) -> list[str]:
    """Runs the demo, prints its report and returns what is wrong."""
    paths = names(root)
    print(f"{len(paths):,} files below {root}; the queue: {'PostgreSQL' if dsn else 'one SQLite file'}")
    results = directory / "results"
    results.mkdir()
    async with fresh_store(dsn, directory) as (store, environment):
        await store.queue(QUEUE)
        enqueue_seconds = await enqueue_all(store, paths)

        run = Run(store, root, results, environment, [])
        try:
            for _ in range(WORKERS):
                await run.start_worker()
            bar = Progress("process", len(paths))
            await run.wait_archived(len(paths) // 2, bar)
            at = await run.archived()
            victim, held = await run.kill_one()
            await run.wait_archived(len(paths), bar, f"{victim.name} killed, it held {held}")
            process_seconds = bar.done()
            for worker in run.workers:
                await worker.stop()
        finally:
            for worker in run.workers:
                await worker.end()

        archive = await read_archive(store)
    truth = walk_directly(root, paths)
    wrong = problems(truth, archive, read_results(results))
    redelivered = sum(message.read_ct > 1 for message in archive)
    if redelivered == 0:
        wrong.append("no message was redelivered although a worker was killed with messages in its hands")

    sums = Sums.of(truth)
    print(f"""
files        {sums.files:,} ({sums.size / 1e6:,.1f} MB, {sums.lines:,} lines)
enqueued     in {enqueue_seconds:.2f} s, {len(paths) / enqueue_seconds:,.0f} messages/s
killed       {victim.name} (worker id {victim.worker_id}) after {at:,} files, holding {held}
redelivered  {redelivered} messages, taken over when their leases ran out
processed    in {process_seconds:.2f} s, {len(paths) / process_seconds:,.0f} files/s, that wait included
archive      {len(archive):,} messages, SHA-256 over all files {sums.sha256[:16]}...""")
    return wrong


def go_source_tree() -> Path:
    try:
        goroot = subprocess.run(["go", "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the demo queues the files of the Go source tree, but `go env GOROOT` fails: {error}; or give --root")
    return Path(goroot, "src")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Queue every file of a tree, kill a worker, check the result.")
    parser.add_argument("--dsn", help="a PostgreSQL server to use (default: one fresh SQLite file)")
    parser.add_argument("--root", type=Path, help="the tree to read (default: $(go env GOROOT)/src)")
    parser.add_argument(
        "--directory", type=Path, help="where the run's own directory is made (default: a temporary one)"
    )
    return parser.parse_args()


def main() -> int:
    options = arguments()
    root = (options.root or go_source_tree()).resolve()
    parent = options.directory.resolve() if options.directory else None
    if parent:
        parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        wrong = asyncio.run(demo(options.dsn, root, directory))
    except (DemoError, pgqrs.PgqrsError) as error:
        wrong = [str(error)]
    if wrong:
        print(f"\nFAILED (the run's files are kept in {directory}), problems: {len(wrong)}", file=sys.stderr)
        for problem in wrong[:20]:
            print(f"  {problem}", file=sys.stderr)
        return 1
    shutil.rmtree(directory)
    print("\nOK: the archive holds every file exactly once, equal to a direct walk")
    return 0


if __name__ == "__main__":
    os.environ.pop("PGQRS_DSN", None)  # the demo uses the store it was told to use
    sys.exit(main())
