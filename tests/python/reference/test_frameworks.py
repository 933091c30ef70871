"""The web framework snippets of the Python API page, served and called over HTTP."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import snippets
from children import environment, run_child

SERVE_AIOHTTP = """

import sys
app = web.Application()
app.router.add_post("/tasks", create_task)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""

COUNT = """
import asyncio, sys, pgqrs
async def main():
    async with await pgqrs.connect(sys.argv[1]) as store:
        messages = await (await store.get_messages()).list(1000)
        workers = await (await store.get_workers()).list(1000)
        print(len(messages), len({m.id for m in messages}), len([w for w in workers if w.hostname == "api"]))
asyncio.run(main())
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def server(command: list[str], directory: Path, port: int) -> Iterator[httpx.Client]:
    """A server process that answers, and that ends by SIGTERM with status 0."""
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=directory, env=environment(), stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
        process.terminate()
        assert process.wait(20) in (0, -15), log.read_text()
    finally:
        process.kill()
        process.wait()


def post(client: httpx.Client, count: int) -> set[int]:
    ids = set()
    for n in range(count):
        answer = client.post("/tasks", json={"n": n})
        assert answer.status_code == 200, answer.text
        ids.add(answer.json()["message_id"])
    return ids


@pytest.mark.parametrize("workers", [1, 4])
def test_fastapi(installed: str, tmp_path: Path, workers: int) -> None:
    (tmp_path / "app.py").write_text(snippets.source("004_fastapi", installed))
    port = free_port()
    command = ["-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    with server(command, tmp_path, port) as client:
        assert len(post(client, 20)) == 20
    messages, ids, producers = map(int, run_child(COUNT, installed).check().out.split())
    assert (messages, ids) == (20, 20)
    assert producers <= workers


def test_aiohttp(installed: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(snippets.source("004_aiohttp", installed) + SERVE_AIOHTTP)
    port = free_port()
    with server(["app.py", str(port)], tmp_path, port) as client:
        assert len(post(client, 20)) == 20
    assert run_child(COUNT, installed).check().out.split()[:2] == ["20", "20"]
