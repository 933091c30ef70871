"""What test_worker_signals.py asks of pgqrs.Worker, of the sync twin's."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import AbstractContextManager

import pytest
from children import run_child
from processes import counts, ends, wait_for, working

WORKER = """
import logging, os, signal, sys, threading, time
import pgqrs.sync
logging.basicConfig(level=logging.INFO, format="%(message)s")
dsn = sys.argv[1]
mine = lambda *_: None
signal.signal(signal.SIGTERM, mine)

def produce(count):
    with pgqrs.sync.connect(dsn) as store:
        pgqrs.sync.produce_batch(store, "tasks", list(range(count)))

def work(handler, **options):
    with pgqrs.sync.connect(dsn) as store:
        interrupt = signal.getsignal(signal.SIGINT)
        pgqrs.sync.Worker(store, {"tasks": handler}, **options).run()
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is interrupt
        print("ended", flush=True)

def started():
    os.write(1, b"started\\n")  # in one piece: several threads say so at once

def idle():
    while signal.getsignal(signal.SIGTERM) is mine:  # no worker listens yet
        time.sleep(0.05)
    time.sleep(1)
    started()
"""


def worker(code: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return working(WORKER, code, *arguments)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_handlers_finish(installed: str, number: signal.Signals) -> None:
    code = """
        def handler(msg):
            started()
            time.sleep(1)
        produce(5)
        work(handler, concurrency=2)
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
        threading.Thread(target=idle).start()
        work(print)
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        assert "ended" in ends(process, 3)


def test_handlers_that_outlast_the_grace_period(installed: str) -> None:
    """They are left behind in their threads, which do not keep the process."""
    code = """
        def handler(msg):
            started()
            time.sleep(60)
        produce(1)
        work(handler, grace_seconds=0.5)
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        assert "1 handlers did not finish" in ends(process, 5)
    left = counts(installed)
    assert (left["pending"], left["leased"], left["archived"], left["read_ct"]) == (1, 0, 0, 1)


def test_a_second_signal_gives_up_at_once(installed: str) -> None:
    code = """
        def handler(msg):
            started()
            time.sleep(60)
        produce(1)
        work(handler, grace_seconds=60)
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        wait_for(process, "SIGTERM: waiting up to 60 s for 1 handlers")
        process.send_signal(signal.SIGTERM)
        assert "SIGTERM again" in ends(process, 5)
    assert counts(installed)["pending"] == 1


def test_stop_in_a_signal_handler(installed: str) -> None:
    """The handler interrupts any line of the main thread, many times."""
    code = """
        produce(300)
        with pgqrs.sync.connect(dsn) as store:
            worker = pgqrs.sync.Worker(store, {"tasks": lambda msg: time.sleep(0.001)}, concurrency=2)
            end = time.monotonic() + 1
            signal.signal(signal.SIGALRM, lambda *_: worker.stop() if time.monotonic() > end else None)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            worker.run()
            signal.setitimer(signal.ITIMER_REAL, 0)
            print("ended", flush=True)
        """
    with worker(code, installed) as process:
        assert "ended" in ends(process)
    assert counts(installed)["leased"] == 0


def test_ctrl_c_ends_a_worker_beside_its_block(installed: str) -> None:
    code = """
        inside = threading.Event()  # a Ctrl-C while the block is entered gives handlers up
        def handler(msg):
            inside.wait()
            started()
            time.sleep(1)
        produce(1)
        try:
            with pgqrs.sync.connect(dsn) as store, pgqrs.sync.Worker(store, {"tasks": handler}):
                inside.set()
                time.sleep(60)
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
        def handler(msg):
            started()
            time.sleep(60)
        produce(1)
        work(handler, lock_seconds=2)
        """
    thief = """
        import sys, pgqrs.sync
        with pgqrs.sync.connect(sys.argv[1]) as store, store.consumer("tasks") as consumer:
            print([m.read_ct for m in consumer.dequeue(wait=float(sys.argv[2]))])
        """
    with worker(code, installed) as process:
        wait_for(process, "started")
        assert run_child(thief, installed, "5").check().out == "[]\n"
        process.kill()
        process.wait()
        start = time.monotonic()
        assert run_child(thief, installed, "20").check().out == "[2]\n"
        assert time.monotonic() - start < 5  # lock time + 1 s, and the start of a process


def test_a_thousand_messages_and_a_signal_in_the_middle(installed: str) -> None:
    code = """
        done = 0
        def handler(msg):
            global done
            done += 1
            if done == 300:
                started()
            time.sleep(0.005)
        if len(sys.argv) > 2:
            produce(1_000)
        work(handler, concurrency=20, grace_seconds=10)
        """
    with worker(code, installed, "produce") as process:
        wait_for(process, "started")
        process.send_signal(signal.SIGTERM)
        ends(process, 10)
    middle = counts(installed)
    assert middle["leased"] == 0
    assert middle["read_ct"] == 0
    assert 300 <= middle["archived"] < 1_000
    with worker(code, installed) as process:
        while counts(installed)["archived"] < 1_000:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        ends(process, 10)
    end = counts(installed)
    assert (end["archived"], end["payloads"], end["leased"], end["pending"]) == (1_000, 1_000, 0, 0)
