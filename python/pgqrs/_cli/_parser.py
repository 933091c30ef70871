"""What may be typed: commands, options and exit codes."""

from __future__ import annotations

import argparse
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn, TypeAlias

from .._config import redact
from ._output import Output

OK = 0
FAILED = 1
USAGE = 2
NOT_FOUND = 3
CONNECTION = 4
SCHEMA = 5
INTERRUPTED = 130

EPILOG = """\
environment:
  PGQRS_DSN    the store when --dsn is not given; every other setting may be given so too,
               for example PGQRS_SCHEMA

exit codes:
  0    done
  1    failed, or doctor found a problem
  2    the command line, a setting or a payload is wrong
  3    no such queue, message or worker
  4    the database cannot be reached
  5    the tables are not installed, altered or of another version
  130  interrupted
"""

Command: TypeAlias = Callable[[argparse.Namespace, Output], Awaitable[int]]


class Usage(Exception):
    """The command line asks for what cannot be."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        super().error(redact(message) or "")  # it may repeat a DSN typed in the wrong place


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with the command to run as `command`. Ends the process on a mistake."""
    return _parser().parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    from . import _commands as do
    from ._doctor import doctor

    text = "A durable job queue on PostgreSQL or one SQLite file."
    parser = _Parser(prog="pgqrs", description=text, epilog=EPILOG)
    _everywhere(parser, None)
    groups = parser.add_subparsers(metavar="COMMAND", required=True)

    _add(groups, "install", do.install, "create or upgrade the tables")
    _add(groups, "verify", do.verify, "check the tables")

    queue = _group(groups, "queue", "create, look at, empty and remove queues")
    create = _add(queue, "create", do.queue_create, "create a queue")
    create.add_argument("queue", metavar="NAME")
    create.add_argument("--max-read-ct", type=int, metavar="N", help="leases before a message is a dead letter")
    _pages(_add(queue, "list", do.queue_list, "list the queues"))
    _add(queue, "metrics", do.queue_metrics, "count the messages of one queue, or of each").add_argument(
        "queue", metavar="NAME", nargs="?"
    )
    for name, command, text in (
        ("purge", do.queue_purge, "remove every message of a queue and keep its archive"),
        ("delete", do.queue_delete, "remove a queue without messages and live workers"),
    ):
        _add(queue, name, command, text).add_argument("queue", metavar="NAME")

    enqueue = _add(groups, "enqueue", do.enqueue, "store messages and print their ids")
    enqueue.add_argument("queue", metavar="QUEUE")
    enqueue.add_argument("payload", metavar="PAYLOAD", help="a JSON document, or - to read it from standard input")
    enqueue.add_argument("--lines", action="store_true", help="with -: every line is the document of one message")
    enqueue.add_argument("--delay", type=_seconds, default=0.0, metavar="SECONDS", help="visible only after so long")
    enqueue.add_argument("--dedup-key", metavar="KEY", help="store nothing and print the first id if the key is known")

    work = _add(groups, "work", do.work, "run handlers until SIGINT or SIGTERM")
    work.add_argument(
        "handler", metavar="MODULE:HANDLER", help="a function, or a dict of queue names and functions, in a module"
    )
    work.add_argument("--queue", help="the queue of a function")
    work.add_argument("--concurrency", type=int, default=10, metavar="N", help="handlers at once (10)")
    work.add_argument("--lock-seconds", type=_seconds, metavar="S", help="how long a lease lasts before it is renewed")
    work.add_argument("--timeout-seconds", type=_seconds, metavar="S", help="how long a handler may take")
    work.add_argument("--grace-seconds", type=_seconds, default=30.0, metavar="S", help="to finish in at the end (30)")

    archive = _group(groups, "archive", "look at finished messages")
    _of_queue(_pages(_add(archive, "list", do.archive_list, "list finished messages, dead letters included")))

    dlq = _group(groups, "dlq", "look at dead letters and replay them")
    _of_queue(_pages(_add(dlq, "list", do.dlq_list, "list the dead letters")))
    replay = _of_queue(_add(dlq, "replay", do.dlq_replay, "put dead letters back into their queues"))
    replay.add_argument("ids", metavar="ID", type=int, nargs="*")
    replay.add_argument("--all", action="store_true", help="every dead letter, or every one of --queue")

    worker = _group(groups, "worker", "look at producers and consumers")
    _of_queue(_pages(_add(worker, "list", do.worker_list, "list the workers, stopped ones included")))
    _add(worker, "purge", do.worker_purge, "remove workers that are stopped or stale and hold nothing").add_argument(
        "--older-than", type=_seconds, metavar="SECONDS", help="age of the heartbeat; three intervals when not given"
    )

    check = _add(groups, "doctor", doctor, "look for problems and name their remedies")
    check.add_argument(
        "--max-age", type=_seconds, default=300.0, metavar="SECONDS", help="how long messages may wait (300)"
    )
    check.add_argument("--strict", action="store_true", help="exit code 1 for warnings too")
    return parser


def _group(parsers: Any, name: str, text: str) -> Any:
    group = parsers.add_parser(name, help=text, description=text)
    return group.add_subparsers(metavar="COMMAND", required=True)


def _add(parsers: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parsers.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    _everywhere(parser, argparse.SUPPRESS)  # given or not, it leaves what stood before the command
    return parser


def _everywhere(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument("--dsn", default=default, help="postgresql://… or sqlite:///… (PGQRS_DSN)")
    parser.add_argument("--schema", default=default, help="the PostgreSQL schema of the tables (public)")
    parser.add_argument(
        "--json", action="store_true", default=default if default else False, help="print one JSON document"
    )


def _pages(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="rows at most (100)")
    parser.add_argument("--offset", type=int, default=0, metavar="N", help="rows to skip")
    return parser


def _of_queue(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--queue", help="of one queue only")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"not a number of seconds: {text}")
    return value
