"""The commands: each asks the store for one thing and prints it."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import json
import logging
import os
import sys
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from .._admin import Admin
from .._config import Config
from .._functions import produce_batch
from .._store import Store, connect_with
from .._types import ArchivedMessage
from .._worker import Worker
from ._output import Output
from ._parser import OK, Usage

CHUNK = 1000  # messages stored, or rows listed, at once
AT_ONCE = 50  # single calls under way together, which one commit may carry

_QUEUE = ("id", "queue_name", "created_at", "max_read_ct")
_METRICS = ("queue_name", "pending", "delayed", "leased", "archived", "dead", "oldest_pending")
_WORKER = ("id", "name", "queue_id", "status", "hostname", "port", "started_at", "heartbeat_at")
_ARCHIVED = ("id", "queue_id", "read_ct", "enqueued_at", "archived_at", "payload")
_DEAD = ("id", "queue_id", "read_ct", "archived_at", "dead_reason", "payload")


@asynccontextmanager
async def opened(options: Namespace) -> AsyncGenerator[tuple[Store, Admin], None]:
    """The store that the options, the environment or a file name."""
    config = Config(options.dsn or os.environ.get("PGQRS_DSN") or None, schema=options.schema)
    async with await connect_with(config) as store:
        yield store, store.admin()


# --- schema -------------------------------------------------------------------------


async def install(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        with output.progress("installing") as progress:
            await progress.during(admin.install())
        version = (await admin.system_stats()).schema_version
        output.result(f"Installed, schema version {version}.", installed=True, schema_version=version)
    return OK


async def verify(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        await admin.verify()
        version = (await admin.system_stats()).schema_version
        output.result(f"The tables are in order, schema version {version}.", verified=True, schema_version=version)
    return OK


# --- queues -------------------------------------------------------------------------


async def queue_create(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        queue = await admin.create_queue(options.queue, options.max_read_ct)
        output.result(f"Created queue {queue.queue_name!r} with id {queue.id}.", **dataclasses.asdict(queue))
    return OK


async def queue_list(options: Namespace, output: Output) -> int:
    async with opened(options) as (store, _):
        queues = await (await store.get_queues()).list(options.limit, options.offset)
        output.rows([dataclasses.asdict(queue) for queue in queues], _QUEUE)
    return OK


async def queue_metrics(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        one = options.queue is not None
        metrics = [await admin.queue_metrics(options.queue)] if one else await admin.all_queues_metrics()
        output.rows([dataclasses.asdict(row) for row in metrics], _METRICS)
    return OK


async def queue_purge(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        with output.progress(f"purging {options.queue}") as progress:
            count = await progress.during(admin.purge_queue(options.queue))
        output.result(f"Removed {count} messages.", removed=count)
    return OK


async def queue_delete(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        await admin.delete_queue(options.queue)
        output.result(f"Deleted queue {options.queue!r}.", deleted=options.queue)
    return OK


# --- messages -----------------------------------------------------------------------


async def enqueue(options: Namespace, output: Output) -> int:
    if options.lines and options.payload != "-":
        raise Usage("--lines goes with the payload -")
    if options.lines and options.dedup_key is not None:
        raise Usage("--dedup-key is for one message, and --lines for several")
    text = sys.stdin.read() if options.payload == "-" else options.payload
    documents = [line for line in text.splitlines() if line.strip()] if options.lines else [text]
    payloads = [_decoded(document, number) for number, document in enumerate(documents, 1)]
    ids: list[int] = []
    async with opened(options) as (store, _):
        with output.progress("enqueueing", len(payloads)) as progress:
            if options.delay:
                async with await store.producer(options.queue) as producer:
                    for chunk in _chunks(payloads, AT_ONCE):
                        sending = [
                            producer.enqueue_delayed(payload, options.delay, dedup_key=options.dedup_key)
                            for payload in chunk
                        ]
                        ids += await asyncio.gather(*sending)
                        progress.advance(len(chunk))
            else:
                for chunk in _chunks(payloads, CHUNK):
                    keys = [options.dedup_key] * len(chunk)
                    ids += await produce_batch(store, options.queue, chunk, dedup_keys=keys)
                    progress.advance(len(chunk))
    output.result("\n".join(map(str, ids)), ids=ids)
    return OK


def _decoded(document: str, number: int) -> Any:
    try:
        return json.loads(document)
    except ValueError as problem:
        raise Usage(
            f"payload {number} is not JSON: {problem}. A text needs its own quotes, for example '\"text\"'."
        ) from None


async def archive_list(options: Namespace, output: Output) -> int:
    async with opened(options) as (store, _):
        messages = await (await store.get_archive()).list(options.limit, options.offset, options.queue)
        output.rows([_row(message) for message in messages], _ARCHIVED)
    return OK


async def dlq_list(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        messages = await admin.dlq_messages(options.queue, options.limit, options.offset)
        output.rows([_row(message) for message in messages], _DEAD)
    return OK


async def dlq_replay(options: Namespace, output: Output) -> int:
    if bool(options.ids) == options.all:
        raise Usage("name the dead letters to replay, or use --all")
    if options.queue and not options.all:
        raise Usage("--queue goes with --all")
    async with opened(options) as (_, admin):
        ids: list[int] = options.ids
        if options.all:  # all first, because some may die again meanwhile
            ids = []
            while page := await admin.dlq_messages(options.queue, CHUNK, len(ids)):
                ids += [message.id for message in page]
        with output.progress("replaying", len(ids)) as progress:
            for chunk in _chunks(ids, AT_ONCE):
                await asyncio.gather(*[admin.replay(id_) for id_ in chunk])
                progress.advance(len(chunk))
        output.result(f"Replayed {len(ids)} messages.", replayed=ids)
    return OK


def _row(message: ArchivedMessage) -> dict[str, Any]:
    names = (*_ARCHIVED, "dequeued_at", "dead_reason", "producer_worker_id", "consumer_worker_id")
    return {name: getattr(message, name) for name in names}


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


# --- workers ------------------------------------------------------------------------


async def worker_list(options: Namespace, output: Output) -> int:
    async with opened(options) as (store, _):
        workers = await store.get_workers()
        if options.queue:
            found = await workers.filter_by_queue(options.queue, options.limit, options.offset)
        else:
            found = await workers.list(options.limit, options.offset)
        output.rows([dataclasses.asdict(worker) for worker in found], _WORKER)
    return OK


async def worker_purge(options: Namespace, output: Output) -> int:
    async with opened(options) as (_, admin):
        with output.progress("purging workers") as progress:
            count = await progress.during(admin.purge_old_workers(options.older_than))
        output.result(f"Removed {count} workers.", removed=count)
    return OK


async def work(options: Namespace, _output: Output) -> int:
    handlers = _handlers(options.handler, options.queue)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    async with opened(options) as (store, _):
        worker = Worker(
            store,
            handlers,
            concurrency=options.concurrency,
            lock_seconds=options.lock_seconds,
            timeout_seconds=options.timeout_seconds,
            grace_seconds=options.grace_seconds,
        )
        logging.getLogger("pgqrs").info("working on %s; Ctrl-C ends", ", ".join(map(repr, handlers)))
        await worker.run()
    return OK


def _handlers(name: str, queue: str | None) -> dict[str, Callable[[Any], Any]]:
    """The queues and handlers that MODULE:HANDLER names."""
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise Usage(f"{name!r} is not of the form MODULE:HANDLER")
    sys.path.insert(0, os.getcwd())  # as `python -m` does, so that a module beside us is found
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        raise Usage(f"cannot import {module_name!r}: {problem}") from problem
    for part in path.split("."):
        if not hasattr(found, part):
            raise Usage(f"{module_name!r} has no {path!r}")
        found = getattr(found, part)
    if isinstance(found, Mapping):
        if queue is not None:
            raise Usage("--queue goes with a function, and the handler is a dict that names its queues")
        return dict(cast("Mapping[str, Callable[[Any], Any]]", found))
    if not callable(found):
        raise Usage(f"{name!r} is neither a function nor a dict of queue names and functions")
    if queue is None:
        raise Usage("--queue must name the queue of a function")
    return {queue: found}
