"""Signals and fault handlers of the host keep working under load."""

from __future__ import annotations

import pytest
from children import run_child

LOAD = """
import asyncio, faulthandler, os, signal, sys, threading, time
import pgqrs
dsn = sys.argv[1]

async def load(seconds):
    async with await pgqrs.connect(dsn) as store:
        producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.gather(*[producer.enqueue(n) for n in range(50)])
            messages = await consumer.dequeue(50)
            await asyncio.gather(*[m.archive() for m in messages])
"""


def test_ctrl_c_under_load_ends_at_once(installed: str) -> None:
    done = run_child(
        LOAD
        + """
threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    asyncio.run(load(30))
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start < 5)
""",
        installed,
    ).check()
    assert done.out == "interrupted True\n"


WAIT = """
# A constructor's way of waiting, for an operation that takes as long as one likes.
from pgqrs import _bridge, _ops, _syncbridge
def wait(consumer, seconds):
    call = _ops.dequeue(consumer._handle.get(), lambda row: row, batch=1, wait_ms=30_000)
    return _syncbridge.run(call, seconds, _bridge.cancellation())
"""


@pytest.mark.parametrize("runner", ["asyncio.run(main())", "asyncio.new_event_loop().run_until_complete(main())"])
def test_ctrl_c_ends_a_constructor_that_waits(installed: str, runner: str) -> None:
    """asyncio.run turns Ctrl-C into a cancellation, other runners leave it a KeyboardInterrupt."""
    done = run_child(
        LOAD
        + WAIT
        + f"""
async def main():
    async with await pgqrs.connect(dsn) as store, await store.consumer("tasks") as consumer:
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        wait(consumer, 60)
start = time.monotonic()
try:
    {runner}
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start < 5)
""",
        installed,
    ).check()
    assert done.out == "interrupted True\n"


def test_a_constructor_waits_no_longer_than_it_may(installed: str) -> None:
    done = run_child(
        LOAD
        + WAIT
        + """
async def main():
    async with await pgqrs.connect(dsn) as store, await store.consumer("tasks") as consumer:
        start = time.monotonic()
        try:
            wait(consumer, 0.2)
        except TimeoutError as problem:
            print(time.monotonic() - start < 2, problem)
asyncio.run(main())
""",
        installed,
    ).check()
    assert done.out.startswith("True dequeue took longer than 0.2 s")


# What raises each signal, all the time: the profiling timer, the children of a process,
# somebody outside (the shell that the process started).
STORMS = {
    "SIGPROF": ("signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)", "signal.setitimer(signal.ITIMER_PROF, 0)"),
    "SIGCHLD": (
        """
def bear():
    while not over.is_set():
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
mother = threading.Thread(target=bear); mother.start()
""",
        "mother.join()",
    ),
    **{
        name: (
            f"""
import subprocess
outside = subprocess.Popen(["sh", "-c", "while kill -{name[3:]} {{0}} 2>/dev/null; do :; done".format(os.getpid())])
""",
            "outside.kill(); outside.wait()",
        )
        for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGURG")
    },
}


@pytest.mark.parametrize("name", STORMS)
def test_a_storm_of_signals_under_load(installed: str, name: str) -> None:
    """Each has a handler in Python; all that was stored is archived, once."""
    begin, end = STORMS[name]
    done = run_child(
        LOAD
        + f"""
over = threading.Event()
signals = 0
def count(*_):
    global signals
    signals += 1
signal.signal(signal.{name}, count)
ids, archived, again = set(), set(), 0
async def cycles(seconds):
    global again
    async with await pgqrs.connect(dsn) as store:
        producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
        end = time.monotonic() + seconds
        while (storm := time.monotonic() < end or signals <= 20) or len(archived) < len(ids):
            if storm:
                ids.update(await asyncio.gather(*[producer.enqueue(n) for n in range(50)]))
            messages = await consumer.dequeue(50, vt=60)
            for msg, took in zip(messages, await asyncio.gather(*[m.archive() for m in messages])):
                again += msg.id in archived
                archived.update([msg.id] * took)
{begin}
with asyncio.Runner() as runner:   # run() would give SIGINT a handler of its own
    runner.get_loop().run_until_complete(cycles(1))
over.set()
{end}
print("{name}:", signals, "signals,", len(ids), "stored,", len(archived), "archived", flush=True)
assert signals > 20 and ids and archived == ids and again == 0
""",
        installed,
    ).check()
    print(done.out, end="")


@pytest.mark.parametrize("when", ["before", "after"])
def test_faulthandler(installed: str, when: str) -> None:
    """Enabled before or after the load: work goes on, and a real fault is still reported."""
    done = run_child(
        LOAD
        + f"""
if {when == "before"}:
    faulthandler.enable()
asyncio.run(load(0.5))
if {when == "after"}:
    faulthandler.enable()
asyncio.run(load(0.5))
print("worked", flush=True)
import ctypes
ctypes.string_at(0)
""",
        installed,
    )
    assert done.out == "worked\n"
    assert done.status < 0, "a fault outside the library still kills the process"


def test_loading_keeps_the_handlers_of_the_host(installed: str) -> None:
    done = run_child(
        LOAD
        + """
seen = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGURG, signal.SIGUSR1, signal.SIGCHLD):
    signal.signal(number, lambda n, _: seen.append(n))
before = {n: signal.getsignal(n) for n in signal.valid_signals()}
asyncio.run(load(0.2))
assert before == {n: signal.getsignal(n) for n in signal.valid_signals()}
for number in (signal.SIGTERM, signal.SIGURG, signal.SIGUSR1):
    os.kill(os.getpid(), number)
    time.sleep(0.05)
print(seen == [signal.SIGTERM, signal.SIGURG, signal.SIGUSR1])
r, w = os.pipe(); os.close(r)
try:
    os.write(w, b"x")
except BrokenPipeError:
    print("BrokenPipeError")
""",
        installed,
    ).check()
    assert done.out == "True\nBrokenPipeError\n"
