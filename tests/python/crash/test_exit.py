"""The end of the interpreter, whatever is in flight, is quick and clean."""

from __future__ import annotations

import pytest
from children import run_child

PRELUDE = """
import asyncio, contextlib, os, sys, time, threading
import pgqrs
dsn = sys.argv[1]
"""

ENDINGS = {
    "tasks in flight": """
async def main():
    store = await pgqrs.connect(dsn)
    producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
    for n in range(100):
        asyncio.create_task(producer.enqueue(n))
        asyncio.create_task(consumer.dequeue(wait=60))
    await asyncio.sleep(0.05)
asyncio.run(main())
""",
    "a loop that was never closed": """
async def main():
    store = await pgqrs.connect(dsn)
    producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
    for n in range(200):
        asyncio.ensure_future(producer.enqueue(n) if n % 2 else consumer.dequeue(wait=60))
    await asyncio.sleep(0.05)
    return store
loop = asyncio.new_event_loop()
store = loop.run_until_complete(main())
""",
    "SystemExit under load": """
async def main():
    store = await pgqrs.connect(dsn)
    producer = await store.producer("tasks")
    for n in range(200):
        asyncio.create_task(producer.enqueue(n))
    await asyncio.sleep(0)
    sys.exit(0)
asyncio.run(main())
""",
    "a daemon thread at work": """
ready = threading.Event()
def work():
    async def main():
        store = await pgqrs.connect(dsn)
        producer = await store.producer("tasks")
        while True:
            await asyncio.gather(*[producer.enqueue(n) for n in range(200)])
            ready.set()
    with contextlib.suppress(pgqrs.ClosedError):  # the library ends before the thread does
        asyncio.run(main())
threading.Thread(target=work, daemon=True).start()
ready.wait(30)
""",
    "an iterator left open": """
async def main():
    store = await pgqrs.connect(dsn)
    await pgqrs.produce(store, "tasks", 1)
    iterator = store.consume_iter("tasks")
    await anext(iterator)
    globals()["kept"] = iterator
asyncio.run(main())
""",
    "nothing closed": """
async def main():
    producer = pgqrs.Producer(dsn, "tasks", "localhost", 3000)
    await producer.enqueue(1)
    consumer = pgqrs.Consumer(dsn, "tasks", "localhost", 3001)
    print(await consumer.dequeue())
asyncio.run(main())
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_exit(installed: str, ending: str) -> None:
    for _ in range(3):
        done = run_child(PRELUDE + ENDINGS[ending], installed, timeout=30).check()
        assert done.seconds < 10
        assert "Traceback" not in done.err, done.err
        assert "panic" not in done.err, done.err


def test_two_hundred_operations_in_flight_end_within_five_seconds(installed: str) -> None:
    code = (
        PRELUDE
        + ENDINGS["tasks in flight"]
        + """
# Printed last of all: atexit handlers run in the reverse order of their registration.
"""
    )
    code = code.replace("asyncio.run(main())", "start = time.monotonic(); asyncio.run(main())")
    code = (
        "import atexit, time\n"
        "atexit.register(lambda: print(time.monotonic() - start))\n" + code  # registered first, runs last
    )
    done = run_child(code, installed, timeout=30).check()
    assert float(done.out) < 5


def test_what_was_answered_is_there(installed: str) -> None:
    """Ids that were printed before the process was killed are stored."""
    done = run_child(
        PRELUDE
        + """
async def main():
    store = await pgqrs.connect(dsn)
    producer = await store.producer("tasks")
    async def one(n):
        print(await producer.enqueue(n), flush=True)
    tasks = [asyncio.create_task(one(n)) for n in range(500)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    os.kill(os.getpid(), 9)
asyncio.run(main())
""",
        installed,
    )
    assert done.status == -9
    answered = {int(line) for line in done.out.split()}
    assert answered
    check = run_child(
        PRELUDE
        + """
async def main():
    async with await pgqrs.connect(dsn) as store:
        print(*[m.id for m in await (await store.get_messages()).list(1000)])
asyncio.run(main())
""",
        installed,
    ).check()
    assert answered <= set(map(int, check.out.split()))
