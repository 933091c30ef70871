"""Every kind of object, collected without having been closed: no crash, nothing stranded."""

from __future__ import annotations

import pytest
from children import run_child

ROUNDS = 3

# An expression for each object somebody may forget.
ASYNCHRONOUS = {
    "Store": "await pgqrs.connect(dsn)",
    "Admin of a DSN": "await opened(pgqrs.Admin(dsn))",
    "Admin of a store": "store.admin()",
    "Producer": "await store.producer('tasks')",
    "Producer of a DSN": "pgqrs.Producer(dsn, 'tasks')",
    "Producer of a DSN at work": "await used(pgqrs.Producer(dsn, 'tasks'))",
    "Consumer": "await store.consumer('tasks')",
    "Consumer of a DSN": "pgqrs.Consumer(dsn, 'tasks')",
    "ConsumerIterator": "store.consume_iter('tasks')",
    "ConsumerIterator at work": "await begun(store.consume_iter('tasks'))",
    "QueueMessage": "(await leased(store))[0]",
    "QueueMessages kept alive": "await leased(store, auto_extend=True)",
    "Worker": "pgqrs.Worker(store, {'tasks': print})",
    "Worker at work": "await entered(pgqrs.Worker(store, {'other': print}))",
    "EnqueueBuilder": "pgqrs.enqueue().message(1).to('tasks')",
    "DequeueBuilder": "pgqrs.dequeue().from_queue('tasks').batch(2)",
    "tables": "[await store.get_queues(), await store.get_workers(), await store.get_messages(), "
    "await store.get_archive(), store.admin().dlq(), await store.get_workflows(), await store.get_workflow_runs(), "
    "await store.get_workflow_steps()]",
    "a coroutine nobody awaits": "store.admin().system_stats()",
    "a coroutine begun": "started(store.admin().system_stats())",
    "a task in flight": "asyncio.create_task((await store.consumer('tasks')).dequeue(wait=60))",
    "an exception": "await refused(store)",
}

COLLECTED = """
import asyncio, gc, sys, warnings
import pgqrs
dsn = sys.argv[1]

async def opened(admin):
    await admin.get_queue("tasks")
    return admin
async def used(producer):
    await producer.enqueue(1)
    return producer
async def begun(iterator):
    await anext(iterator)
    return iterator
async def leased(store, **how):
    return await (await store.consumer("tasks")).dequeue(2, vt=60, **how)
async def entered(worker):
    return await worker.__aenter__()
async def refused(store):
    try:
        await store.producer("missing")
    except pgqrs.QueueNotFoundError as problem:
        return problem
def started(coroutine):
    coroutine.send(None)
    return coroutine

told = []   # to the loop, about exceptions that nobody retrieved
async def rounds(name, make, count):
    asyncio.get_running_loop().set_exception_handler(lambda _, about: told.append(type(about.get("exception"))))
    async with await pgqrs.connect(dsn) as store:
        await pgqrs.produce_batch(store, "tasks", list(range(2 * count)))
        for _ in range(count):
            thing = await make(store)
            del thing
            gc.collect()
            await asyncio.sleep(0)
        gc.collect()
        await pgqrs.produce(store, "tasks", "after")
        await asyncio.sleep(0.05)
    return count

with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
"""


def test_asynchronous_objects(installed: str) -> None:
    code = COLLECTED
    for name, make in ASYNCHRONOUS.items():
        code += f"""
    before = len(warned)
    told.clear()
    async def make(store):
        return {make}
    n = asyncio.run(rounds({name!r}, make, {ROUNDS}))
    gc.collect()
    kinds = sorted({{k.__name__ for k in [w.category for w in warned[before:]] + told}})
    print(n, {name!r}, *kinds, flush=True)
"""
    done = run_child("import asyncio, pgqrs, sys\n" + QUEUE + code, installed, timeout=120).check()
    print(done.out, end="")
    lines = done.out.splitlines()
    assert len(lines) == len(ASYNCHRONOUS), done.out
    # What opens for itself is closed by its end; a Store is what somebody asked to be given.
    # A worker that runs without anybody waiting for it ends with its store.
    expected = {
        "Store": "ResourceWarning",
        "Worker at work": "ClosedError",
        "a coroutine nobody awaits": "RuntimeWarning",
    }
    assert lines == [f"{ROUNDS} {name} {expected.get(name, '')}".rstrip() for name in ASYNCHRONOUS]
    assert "Traceback" not in done.err, done.err


QUEUE = """
async def other():
    async with await pgqrs.connect(sys.argv[1]) as store:
        await store.queue("other")
asyncio.run(other())
"""

SYNCHRONOUS = {
    "Store": "sync.connect(dsn)",
    "Admin": "sync.Admin(dsn)",
    "Producer": "store.producer('tasks')",
    "Producer of a DSN": "sync.Producer(dsn, 'tasks')",
    "Consumer": "store.consumer('tasks')",
    "ConsumerIterator": "begun(store.consume_iter('tasks'))",
    "QueueMessage": "store.consumer('tasks').dequeue(1, vt=60)",
    "Worker": "sync.Worker(store, {'tasks': print})",
    "DequeueBuilder": "sync.dequeue().from_queue('tasks')",
}


@pytest.mark.parametrize("thread", [False, True], ids=["", "in-a-thread"])
def test_synchronous_objects(installed: str, thread: bool) -> None:
    """Collected where they were made, or in a thread that has nothing to do with them."""
    code = """
import gc, sys, threading, warnings
from pgqrs import sync
dsn = sys.argv[1]
def begun(iterator):
    next(iter(iterator))
    return iterator
def collect(things):
    things.clear()
    gc.collect()
warnings.simplefilter("ignore")
"""
    for name, make in SYNCHRONOUS.items():
        code += f"""
for _ in range({ROUNDS}):
    with sync.connect(dsn) as store:
        sync.enqueue_batch(store.producer("tasks"), [1, 2])
        things = [{make}]
        if {thread}:
            other = threading.Thread(target=collect, args=(things,)); other.start(); other.join()
        else:
            collect(things)
print({ROUNDS}, {name!r}, flush=True)
"""
    done = run_child(code, installed, timeout=120).check()
    print(done.out, end="")
    assert len(done.out.splitlines()) == len(SYNCHRONOUS)
    assert "Traceback" not in done.err, done.err


def test_objects_collected_after_everything_ended(installed: str) -> None:
    """At the end of the interpreter, when modules are torn down around them."""
    for _ in range(3):
        done = run_child(
            """
            import asyncio, builtins, sys, pgqrs
            async def main():
                store = await pgqrs.connect(sys.argv[1])
                await pgqrs.produce_batch(store, "tasks", [1, 2, 3])
                consumer = await store.consumer("tasks")
                iterator = store.consume_iter("tasks")
                await anext(iterator)
                things = [store, store.admin(), await store.producer("tasks"), consumer, iterator]
                things += await consumer.dequeue(2, auto_extend=True)
                cycle = [things]; cycle.append(cycle)
                builtins.kept = cycle       # outlives every module of ours
            asyncio.run(main())
            """,
            installed,
            timeout=30,
        ).check()
        assert "Traceback" not in done.err, done.err
        assert done.seconds < 10


def test_the_library_collects_its_own_garbage_seldom(pg_dsn: str) -> None:
    code = """
    import asyncio, sys, pgqrs
    async def main():
        async with await pgqrs.connect(sys.argv[1], bootstrap=True) as store:
            await store.queue("tasks")
            producer = await store.producer("tasks")
            for _ in range(20):
                await asyncio.gather(*(producer.enqueue({"n": n}) for n in range(1000)))
    asyncio.run(main())
    """
    child = run_child(code, pg_dsn, env={"GODEBUG": "gctrace=1", "GOGC": "100"}).check()
    collections = sum(line.startswith("gc ") for line in child.err.splitlines())
    assert 1 <= collections <= 5  # 3; without garbage in capi/main.go 9 or 10
