"""Exceptions of every kind in every place where the library calls its user."""

from __future__ import annotations

import os

import pytest
from children import run_child

# How a function of the user's gets called with one message of "tasks", on the store of a round.
PLACES = {
    "consume, plain": "await pgqrs.consume(store, 'tasks', plain)",
    "consume, async": "await pgqrs.consume(store, 'tasks', later)",
    "consume, of a consumer": "await (await store.consumer('tasks')).consume(later)",
    "consume_batch": "await pgqrs.consume_batch(store, 'tasks', 10, later)",
    "handle": "await pgqrs.dequeue().from_queue('tasks').handle(later).execute(store)",
    "handle_batch": "await pgqrs.dequeue().from_queue('tasks').handle_batch(plain).execute(store)",
    "poll": "await pgqrs.dequeue().from_queue('tasks').handle(later).poll(store)",
    "Worker, async": "await worked(store, later)",
    "Worker, in a thread": "await worked(store, plain)",
    "a loop's body": "await body(store)",
    "a loop's body, in a block": "await block(store)",
    "sync.consume": "await asyncio.to_thread(sync_consume)",
    "sync.Worker": "await asyncio.to_thread(sync_worker)",
}
KINDS = ("ValueError", "pgqrs.ClosedError", "StopIteration", "StopAsyncIteration", "GeneratorExit", "RecursionError",
         "MemoryError", "asyncio.CancelledError", "KeyboardInterrupt", "SystemExit", "Strange")  # fmt: skip

CODE = """
import asyncio, contextlib, gc, logging, sys, threading, time
import pgqrs, pgqrs.sync
dsn = sys.argv[1]
logging.disable(logging.CRITICAL)

class Strange(BaseException):
    def __str__(self):
        raise ValueError("cannot even be printed")

called = threading.Event()
running = []    # workers, to be stopped after the call
def plain(_):
    called.set()
    for worker in running:
        worker.stop()
    raise kind()
async def later(_):
    plain(_)
async def worked(store, handler):
    worker = pgqrs.Worker(store, {"tasks": handler}, grace_seconds=5)
    running.append(worker)
    await worker.run()
async def body(store):
    async for msg in store.consume_iter("tasks"):
        plain(msg)
async def block(store):
    async with store.consume_iter("tasks") as iterator:
        async for msg in iterator:
            plain(msg)
def sync_consume():
    with pgqrs.sync.connect(dsn) as store:
        pgqrs.sync.consume(store, "tasks", plain)
def sync_worker():
    with pgqrs.sync.connect(dsn) as store:
        worker = pgqrs.sync.Worker(store, {"tasks": plain}, grace_seconds=5)
        running.append(worker)
        worker.run()

async def call(store):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            PLACE

async def before():
    async with await pgqrs.connect(dsn) as store:
        await store.admin().purge_queue("tasks")
        await pgqrs.produce(store, "tasks", 1)

async def round_():
    # Not closed by a block: an exception that goes through the loop leaves it as it is.
    await call(await pgqrs.connect(dsn))

async def after():
    async with await pgqrs.connect(dsn) as store:
        deadline = time.monotonic() + 20
        while True:
            m = await store.admin().queue_metrics("tasks")
            if m.leased == 0 and m.pending + m.delayed == 1:
                return
            assert time.monotonic() < deadline, (m.pending, m.delayed, m.leased, m.archived, m.dead)
            await asyncio.sleep(0.02)

def loop(main):
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    try:
        loop.run_until_complete(main())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

count = 0
for kind in (KINDS):
    called.clear(); running.clear()
    loop(before)
    try:
        loop(round_)
        ended = "returned"
    except BaseException as problem:
        ended = type(problem).__name__
    assert called.is_set(), kind
    gc.collect()   # an exception's frames are a cycle, and hold the loop's message
    loop(after)
    count += 1
    print(kind.__name__, ended, sep=":", end=" ", flush=True)
print()
"""


@pytest.mark.parametrize("place", PLACES)
def test_exceptions(installed: str, place: str) -> None:
    """The process lives, the next store works, and the message is nobody's."""
    if installed.startswith("postgresql:") and os.environ.get("PGQRS_FAULTS") != "full":
        pytest.skip("on PostgreSQL with PGQRS_FAULTS=full: what is tested is above the engines")
    patience = "0.3" if place == "poll" else "20"  # a poll goes on after an exception
    code = (
        CODE.replace("PLACE", PLACES[place]).replace("PATIENCE", patience).replace("(KINDS)", f"({', '.join(KINDS)})")
    )
    done = run_child(code, installed, timeout=120)
    print(f"{place}: {done.out}", end="")
    done.check()
    assert len(done.out.split()) == len(KINDS)
