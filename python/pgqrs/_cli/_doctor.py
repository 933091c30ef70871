"""doctor: looks for problems and names their remedies."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from .._config import redact
from .._native import lib
from .._types import QueueMetrics, WorkerHealthStats
from ..errors import PgqrsConnectionError, PgqrsError, SchemaError, TimeoutError
from ._commands import opened
from ._findings import Finding, of_settings
from ._output import Output
from ._parser import CONNECTION, FAILED, OK, SCHEMA

SLOW_SECONDS = 0.25  # a round trip that makes every acknowledgement slow


async def doctor(options: Namespace, output: Output) -> int:
    findings: list[Finding] = []
    try:
        async for finding in _findings(options):
            findings.append(finding)
    except PgqrsError as problem:  # of a check that others depend on
        findings.append(_broken(problem))
    if output.as_json:
        fields = ("check", "state", "detail", "remedy")
        output.rows([{name: getattr(finding, name) for name in fields} for finding in findings], fields)
    else:
        for finding in findings:
            print(f"{finding.state:<8} {finding.check}: {finding.detail}")
            if finding.remedy:
                print(f"{'':<8} -> {finding.remedy}")
    problems = [finding for finding in findings if finding.state == "problem"]
    if problems:
        return problems[0].code
    return FAILED if options.strict and any(finding.state == "warning" for finding in findings) else OK


async def _findings(options: Namespace) -> AsyncIterator[Finding]:
    yield Finding("library", "ok", f"version {lib().pgqrs_version().decode()}")
    start = time.monotonic()
    async with opened(options) as (store, admin):
        took = time.monotonic() - start
        yield Finding("connection", "ok", f"{redact(store.config.dsn)}, opened in {1000 * took:.0f} ms")
        await admin.verify()
        start = time.monotonic()
        stats = await admin.system_stats()
        took = time.monotonic() - start
        yield Finding("schema", "ok", f"version {stats.schema_version}, every object is as installed")
        yield _latency(took)
        for finding in of_settings(await admin.inspect()):
            yield finding
        metrics = await admin.all_queues_metrics()
        workers = await admin.worker_health_stats()
        yield _queues(metrics)
        yield _stale(workers)
        for finding in _backlogs(metrics, workers, options.max_age):
            yield finding
        yield _dead(metrics)


def _broken(problem: PgqrsError) -> Finding:
    text = redact(str(problem)) or type(problem).__name__
    if isinstance(problem, PgqrsConnectionError | TimeoutError):
        remedy = "Check that the server runs, and the host, port, user and password of the DSN."
        return Finding("connection", "problem", text, remedy, CONNECTION)
    if isinstance(problem, SchemaError):
        return Finding("schema", "problem", text, "Run `pgqrs install`.", SCHEMA)
    return Finding(problem.operation or "store", "problem", text)


def _latency(seconds: float) -> Finding:
    detail = f"counting everything took {1000 * seconds:.0f} ms"
    if seconds <= SLOW_SECONDS:
        return Finding("latency", "ok", detail)
    return Finding("latency", "warning", detail, "Run workers nearer to the database, or look at the server's load.")


def _queues(metrics: list[QueueMetrics]) -> Finding:
    if not metrics:
        return Finding("queues", "warning", "there are none", "Create one: `pgqrs queue create NAME`.")
    waiting, leased = sum(row.pending for row in metrics), sum(row.leased for row in metrics)
    return Finding("queues", "ok", f"{len(metrics)}, with {waiting} messages pending and {leased} leased")


def _stale(workers: list[WorkerHealthStats]) -> Finding:
    live, stale = sum(row.healthy for row in workers), sum(row.stale for row in workers)
    if not stale:
        return Finding("workers", "ok", f"{live}, all with a fresh heartbeat")
    where = ", ".join(f"{row.stale} of queue {row.queue_name!r}" for row in workers if row.stale)
    return Finding(
        "workers",
        "warning",
        f"{stale} of {live + stale} have stopped giving signs of life: {where}",
        "Their processes have died; what they held is redelivered. Remove them: `pgqrs worker purge`.",
    )


def _backlogs(metrics: list[QueueMetrics], workers: list[WorkerHealthStats], max_age: float) -> list[Finding]:
    findings: list[Finding] = []
    served = {row.queue_id for row in workers if row.healthy}
    for row in metrics:
        if row.oldest_pending is None:
            continue
        age = (datetime.now(UTC) - row.oldest_pending).total_seconds()
        if age <= max_age:
            continue
        remedy = "Start more workers, or raise their --concurrency."
        if row.queue_id not in served:
            remedy = f"Nothing works on it: `pgqrs work MODULE:HANDLER --queue {row.queue_name}`."
        detail = f"queue {row.queue_name!r} has {row.pending} pending, the oldest for {timedelta(seconds=int(age))}"
        findings.append(Finding("backlog", "warning", detail, remedy))
    return findings or [Finding("backlog", "ok", f"nothing has waited for more than {max_age:g} s")]


def _dead(metrics: list[QueueMetrics]) -> Finding:
    dead = {row.queue_name: row.dead for row in metrics if row.dead}
    if not dead:
        return Finding("dead letters", "ok", "none")
    detail = ", ".join(f"{count} of queue {name!r}" for name, count in dead.items())
    remedy = "Look at them: `pgqrs dlq list`; when the cause is gone: `pgqrs dlq replay --all`."
    return Finding("dead letters", "warning", detail, remedy)
