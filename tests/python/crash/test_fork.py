"""fork(): a child never hangs, and says what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from children import run_child

# Runs a function in a forked child and reports how it ended; a child that hangs is killed.
FORK = """
import asyncio, gc, os, signal, sys, time
import pgqrs

def in_child(function, seconds=5):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException as problem:
            print(type(problem).__name__, problem, flush=True)
        finally:
            os._exit(status)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hangs"

dsn = sys.argv[1]
"""


def test_a_child_may_load_what_its_parent_only_imported(installed: str) -> None:
    done = run_child(
        FORK
        + """
producer = pgqrs.Producer(dsn, "tasks")   # as a module of a prefork server does
async def work():
    print("stored", await producer.enqueue(1) > 0, flush=True)
for _ in range(3):
    print(in_child(lambda: asyncio.run(work()), 20))
asyncio.run(work())
""",
        installed,
    ).check()
    assert done.out == "stored True\n0\n" * 3 + "stored True\n"


def test_inherited_objects_and_new_stores_raise_within_two_seconds(installed: str) -> None:
    done = run_child(
        FORK
        + """
async def main():
    store = await pgqrs.connect(dsn)
    producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
    await producer.enqueue(1)
    messages = await consumer.dequeue(vt=60)

    def attempt(make):
        async def body():
            await make()
        def function():
            start = time.monotonic()
            try:
                # A loop of its own: the inherited one is still marked as running here.
                asyncio._set_running_loop(None)
                asyncio.run(body())
            except pgqrs.ForkError as problem:
                assert time.monotonic() - start < 2
                assert problem.code == -204
                print("ForkError:", problem, flush=True)
        return function

    for make in (
        lambda: producer.enqueue(1),
        lambda: consumer.dequeue(),
        lambda: messages[0].archive(),
        lambda: store.admin().get_queue("tasks"),
        lambda: store.close(),
        lambda: anext(pgqrs.consume_iter(store, "tasks")),
        lambda: pgqrs.connect(dsn),
        lambda: pgqrs.connect("sqlite::memory:"),
        lambda: pgqrs.Producer(dsn, "tasks").enqueue(1),
    ):
        print(in_child(attempt(make)), flush=True)
    def construct():
        try:
            pgqrs.Producer(store, "tasks")
        except pgqrs.ForkError as problem:
            print("ForkError:", problem, flush=True)
    print(in_child(construct))
    # The parent goes on as if nothing had happened.
    assert await messages[0].archive()
    await producer.enqueue(2)
    await store.close()
    print("parent done")

asyncio.run(main())
""",
        installed,
    ).check()
    lines = done.out.splitlines()
    errors = [line for line in lines if line.startswith("ForkError:")]
    assert len(errors) == 10, done.out
    assert lines.count("0") == 10, done.out
    assert sum("was created before fork()" in e for e in errors) == 7, done.out
    assert sum("spawn" in e and "forbid_native_load" in e for e in errors) == 3, done.out
    assert lines[-1] == "parent done"


def test_collecting_inherited_objects_touches_nothing(installed: str) -> None:
    done = run_child(
        FORK
        + """
async def main():
    store = await pgqrs.connect(dsn)
    things = [await store.producer("tasks"), await store.consumer("tasks"), store]
    await things[0].enqueue(1)
    things += await things[1].dequeue(vt=60)
    iterator = pgqrs.consume_iter(store, "tasks")
    waiting = [asyncio.create_task(things[1].dequeue(wait=30)) for _ in range(5)]
    await asyncio.sleep(0.1)
    def child():
        things.clear(); waiting.clear()
        gc.collect()
        print("collected", flush=True)
    print(in_child(child))
    assert await things[3].extend_vt(90), "the parent still owns its lease"
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await store.close()

asyncio.run(main())
""",
        installed,
    ).check()
    assert done.out == "collected\n0\n"


def test_the_parent_completes_what_was_in_flight(installed: str) -> None:
    done = run_child(
        FORK
        + """
async def main():
    async with await pgqrs.connect(dsn) as store:
        producer = await store.producer("tasks")
        tasks = [asyncio.create_task(producer.enqueue(n)) for n in range(300)]
        await asyncio.sleep(0)
        def child():
            time.sleep(0.2)   # with the parent's descriptors open
        print(in_child(child))
        ids = await asyncio.wait_for(asyncio.gather(*tasks), 20)
        print(len(set(ids)))

asyncio.run(main())
""",
        installed,
    ).check()
    assert done.out == "0\n300\n"


def test_an_ordinary_exit_of_the_child_is_quick(installed: str) -> None:
    """sys.exit in a child runs atexit handlers, which must not enter the library."""
    done = run_child(
        FORK
        + """
async def main():
    store = await pgqrs.connect(dsn)
    await store.producer("tasks")
    return store
store = asyncio.run(main())
pid = os.fork()
if pid == 0:
    sys.exit(0)
start = time.monotonic()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), time.monotonic() - start < 5)
asyncio.run(store.close())
""",
        installed,
    ).check()
    assert done.out == "0 True\n"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_start_methods_work(installed: str, method: str, tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        """
import asyncio, multiprocessing, sys
import pgqrs

def work(dsn):
    async def main():
        async with await pgqrs.connect(dsn) as store:
            await pgqrs.produce(store, "tasks", 1)
    asyncio.run(main())

if __name__ == "__main__":
    work(sys.argv[1])
    context = multiprocessing.get_context(sys.argv[2])
    process = context.Process(target=work, args=(sys.argv[1],))
    process.start()
    process.join(30)
    print(process.exitcode)
"""
    )
    done = run_child(
        "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')",
        str(script),
        installed,
        method,
    )
    assert done.check().out == "0\n"


def test_forbidding_the_load_names_the_early_user(installed: str) -> None:
    done = run_child(
        FORK
        + """
pgqrs.forbid_native_load()
async def main():
    async with await pgqrs.connect(dsn) as store:
        return await pgqrs.produce(store, "tasks", 1)
try:
    asyncio.run(main())
except pgqrs.PgqrsError as problem:
    print(problem)
print(in_child(lambda: print(asyncio.run(main()) > 0, flush=True), 20))
""",
        installed,
    ).check()
    assert "forbid_native_load" in done.out.splitlines()[0]
    assert done.out.splitlines()[1:] == ["True", "0"]
    done = run_child(
        """
        import asyncio, pgqrs
        asyncio.run(pgqrs.connect("sqlite::memory:"))
        try:
            pgqrs.forbid_native_load()
        except pgqrs.PgqrsError as problem:
            print(problem)
        """
    ).check()
    assert "loaded already" in done.out
