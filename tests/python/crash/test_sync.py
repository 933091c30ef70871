"""The sync twin and what happens to its process: Ctrl-C, signal handlers, fork, exit."""

from __future__ import annotations

import pytest
from children import run_child

HEAD = """
import os, signal, sys, threading, time
import pgqrs, pgqrs.sync
store = pgqrs.sync.connect(sys.argv[1])
def after(seconds, number):
    threading.Timer(seconds, lambda: os.kill(os.getpid(), number)).start()
"""


@pytest.mark.parametrize("wait", ["consumer.dequeue(wait=60)", "next(store.consume_iter('tasks'))"])
@pytest.mark.parametrize("around", ["call()", "asyncio.run(main())"], ids=["plain", "in a loop"])
def test_ctrl_c_ends_a_call_that_waits(installed: str, wait: str, around: str) -> None:
    done = run_child(
        HEAD
        + f"""
import asyncio
consumer = store.consumer("tasks")
def call():
    {wait}
async def main():
    call()
after(0.5, signal.SIGINT)
start = time.monotonic()
try:
    {around}
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - start < 2)
id_ = pgqrs.sync.produce(store, "tasks", 1)       # nothing took it meanwhile
(msg,) = consumer.dequeue()
print(msg.id == id_, msg.read_ct, msg.archive())
store.close()
""",
        installed,
    ).check()
    assert done.out == "interrupted True\nTrue 1 True\n"


def test_a_signal_handler_may_call_the_store_while_its_thread_waits(installed: str) -> None:
    done = run_child(
        HEAD
        + """
signal.signal(signal.SIGUSR1, lambda *_: print("sent", pgqrs.sync.produce(store, "tasks", "by the handler") > 0))
after(0.5, signal.SIGUSR1)
with store, store.consumer("tasks") as consumer:
    print([msg.payload for msg in consumer.dequeue(wait=60)])
""",
        installed,
    ).check()
    assert done.out == "sent True\n['by the handler']\n"


def test_a_forked_child_is_told_what_to_do(installed: str) -> None:
    done = run_child(
        HEAD
        + """
iterator = store.consume_iter("tasks")
pgqrs.sync.produce(store, "tasks", 1)
next(iterator)
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    for call in (lambda: pgqrs.sync.produce(store, "tasks", 2), lambda: pgqrs.sync.connect(sys.argv[1])):
        try:
            call()
        except pgqrs.ForkError as problem:
            print("spawn" in str(problem), flush=True)
    del iterator                                    # inert: the parent's
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
iterator.close()
print(store.admin().queue_metrics("tasks").pending)
store.close()
""",
        installed,
    ).check()
    assert done.out == "True\nTrue\n0\n1\n"
    assert done.err == ""


def test_threads_that_wait_do_not_hold_up_the_exit(installed: str) -> None:
    done = run_child(
        HEAD
        + """
for _ in range(8):
    threading.Thread(target=store.consumer("tasks").dequeue, args=(1, None, 60), daemon=True).start()
time.sleep(0.3)
print("over")
""",
        installed,
    ).check()
    assert done.out == "over\n"
    assert done.seconds < 20
