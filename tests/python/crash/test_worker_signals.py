"""SIGINT and SIGTERM end a worker in good order, and the host gets its handlers back."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import AbstractContextManager

import pytest
from children import run_child
from processes import counts, ends, wait_for, working

WORKER = '''
import asyncio, logging, signal, sys, threading, time
import pgqrs
logging.basicConfig(level=logging.INFO, format="%(message)s")
dsn = sys.argv[1]
mine = lambda *_: None
signal.signal(signal.SIGTERM, mine)

async def produce(count):
    async with await pgqrs.connect(dsn) as store:
        await pgqrs.produce_batch(store, "tasks", list(range(count)))

async def work(handler, **options):
    async with await pgqrs.connect(dsn) as store:
        interrupt = signal.getsignal(signal.SIGINT)
        await pgqrs.Worker(store, {"tasks": handler}, **options).run()
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is interrupt
        assert signal.set_wakeup_fd(-1) == -1
        print("ended", flush=True)

def started():
    print("started", flush=True)

async def idle():
    """Says so once a worker listens to signals, and a second later."""
    before = signal.getsignal(signal.SIGTERM)
    while signal.getsignal(signal.SIGTERM) is before:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    started()
'''


def worker(code: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return working(WORKER, code, *arguments)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_handlers_finish(installed: str, number: signal.Signals) -> None:
    code = """
        async def handler(msg):
            started()
            await asyncio.sleep(1)
        asyncio.run(produce(5))
        asyncio.run(work(handler, concurrency=2))
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(number)
        assert "ended" in ends(process)
    assert counts(installed) == {
        "pending": 3, "delayed": 0, "leased": 0, "archived": 2, "dead": 0, "read_ct": 0, "payloads": 2
    }  # fmt: skip


def test_an_idle_worker_ends_at_once(installed: str) -> None:
    code = """
        async def main():
            waiting = asyncio.create_task(idle())
            await asyncio.sleep(0)  # it has seen the handler before the worker's
            await work(print)
        asyncio.run(main())
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        assert "ended" in ends(process, 3)


@pytest.mark.parametrize("kind", ["async", "plain"])
def test_handlers_that_outlast_the_grace_period(installed: str, kind: str) -> None:
    """A plain handler is left behind in its thread, which does not keep the process."""
    body = "await asyncio.sleep(60)" if kind == "async" else "time.sleep(60)"
    code = f"""
        {"async " if kind == "async" else ""}def handler(msg):
            started()
            {body}
        asyncio.run(produce(1))
        asyncio.run(work(handler, grace_seconds=0.5))
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        assert "1 handlers did not finish" in ends(process, 5)
    left = counts(installed)
    assert (left["pending"], left["leased"], left["archived"], left["read_ct"]) == (1, 0, 0, 1)


def test_a_second_signal_cancels_at_once(installed: str) -> None:
    code = """
        async def handler(msg):
            started()
            await asyncio.sleep(60)
        asyncio.run(produce(1))
        asyncio.run(work(handler, grace_seconds=60))
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        wait_for(process, "SIGTERM: waiting up to 60 s for 1 handlers")
        process.send_signal(signal.SIGTERM)
        assert "SIGTERM again" in ends(process, 5)
    assert counts(installed)["pending"] == 1


def test_signals_outside_the_main_thread_are_left_alone(installed: str) -> None:
    code = """
        told = []
        signal.signal(signal.SIGTERM, lambda *_: told.append(1))
        async def main():
            async with await pgqrs.connect(dsn) as store:
                worker = pgqrs.Worker(store, {"tasks": print})
                asyncio.get_running_loop().call_later(1, started)
                asyncio.get_running_loop().call_later(3, worker.stop)
                await worker.run()
        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
        print("told", told, flush=True)
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        assert "told [1]" in ends(process)


def test_a_handler_the_loop_had_is_there_afterwards(installed: str) -> None:
    code = """
        async def main():
            told = []
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: told.append(1))
            async with await pgqrs.connect(dsn) as store:
                worker = pgqrs.Worker(store, {"tasks": print})
                waiting = asyncio.create_task(idle())
                await asyncio.sleep(0)  # it has seen the handler before the worker's
                await worker.run()
                before = len(told)
                signal.raise_signal(signal.SIGTERM)
                await asyncio.sleep(0.1)
                print("told", len(told) - before, flush=True)
        asyncio.run(main())
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        assert "told 1" in ends(process)


def test_ctrl_c_ends_a_worker_beside_its_block(installed: str) -> None:
    code = """
        async def handler(msg):
            started()
            await asyncio.sleep(1)
        async def main():
            async with await pgqrs.connect(dsn) as store:
                async with pgqrs.Worker(store, {"tasks": handler}):
                    await asyncio.sleep(60)
        asyncio.run(produce(1))
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGINT)
        assert "interrupted" in ends(process)
    assert counts(installed)["archived"] == 1


def test_a_killed_worker_loses_its_leases_after_the_lock_time(installed: str) -> None:
    code = """
        async def handler(msg):
            started()
            time.sleep(60)  # blocks the loop
        asyncio.run(produce(1))
        asyncio.run(work(handler, lock_seconds=2))
        """
    thief = """
        import asyncio, sys, pgqrs
        async def main():
            async with await pgqrs.connect(sys.argv[1]) as store, await store.consumer("tasks") as consumer:
                print([m.read_ct for m in await consumer.dequeue(wait=float(sys.argv[2]))])
        asyncio.run(main())
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        assert run_child(thief, installed, "5").check().out == "[]\n"
        process.kill()
        process.wait()
        start = time.monotonic()
        assert run_child(thief, installed, "20").check().out == "[2]\n"
        assert time.monotonic() - start < 5  # lock time + 1 s, and the start of a process


def test_ten_thousand_messages_and_a_signal_in_the_middle(installed: str) -> None:
    code = """
        done = 0
        async def handler(msg):
            global done
            done += 1
            if done == 2000:
                started()
            await asyncio.sleep(0.005)
        if len(sys.argv) > 2:
            asyncio.run(produce(10_000))
        asyncio.run(work(handler, concurrency=100, grace_seconds=10))
        """
    with worker(code, installed, "produce") as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        ends(process, 10)
    middle = counts(installed)
    assert middle["leased"] == 0
    assert middle["read_ct"] == 0
    assert 2000 <= middle["archived"] < 10_000
    with worker(code, installed) as process:
        while counts(installed)["archived"] < 10_000:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        ends(process, 10)
    end = counts(installed)
    assert (end["archived"], end["payloads"], end["leased"], end["pending"]) == (10_000, 10_000, 0, 0)
