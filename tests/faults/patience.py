"""What a Python caller sees of a network that swallows every answer.

    patience.py DSN CALL SECONDS

Opens a store, says "ready", waits for a line on standard input, makes the call
under asyncio.timeout(SECONDS), and prints how long that took and how it ended. A
second line ends the program.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import pgqrs


async def listen() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def main(dsn: str, call: str, seconds: float) -> None:
    store = await pgqrs.connect(dsn)
    producer, consumer = await store.producer("tasks"), await store.consumer("tasks")
    await producer.enqueue_batch([1, 2])
    (message,) = await consumer.dequeue(vt=600)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "enqueue": lambda: producer.enqueue(3),
        "archive": message.archive,
        "dequeue": lambda: consumer.dequeue(1),
        "waiting dequeue": lambda: consumer.dequeue(wait=600),
        "status": producer.status,
        "heartbeat": consumer.heartbeat,
        "shutdown": consumer.shutdown,
        "close": store.close,
    }
    print("ready", flush=True)
    await listen()
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            await calls[call]()
        outcome = "answered"
    except TimeoutError as error:
        outcome = f"TimeoutError {error}"
    except pgqrs.PgqrsError as error:
        outcome = f"{type(error).__name__} safe_to_retry={error.safe_to_retry}: {error}"
    print(f"{time.monotonic() - began:.3f} {outcome}", flush=True)
    await listen()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
