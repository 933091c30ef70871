"""The command line: ``pgqrs``, or ``python -m pgqrs``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from .. import errors
from .._config import redact
from . import _parser
from ._output import Output
from ._parser import CONNECTION, FAILED, INTERRUPTED, NOT_FOUND, OK, SCHEMA, USAGE, Usage

# The first class that fits says how the process ends.
_EXITS: tuple[tuple[type[BaseException], int], ...] = (
    (Usage, USAGE),
    (errors.QueueNotFoundError, NOT_FOUND),
    (errors.MessageNotFoundError, NOT_FOUND),
    (errors.WorkerNotFoundError, NOT_FOUND),
    (errors.PgqrsConnectionError, CONNECTION),
    (errors.TimeoutError, CONNECTION),
    (errors.SchemaError, SCHEMA),
    (errors.ConfigError, USAGE),
    (errors.ValidationError, USAGE),
    (errors.SerializationError, USAGE),
    (errors.PgqrsError, FAILED),
    (ImportError, FAILED),  # of the library
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code of the process."""
    options = _parser.parse(arguments)
    output = Output(as_json=options.json)
    try:
        code: int = asyncio.run(options.command(options, output))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `pgqrs … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered has no reader
        return OK
    except tuple(kind for kind, _ in _EXITS) as problem:
        print(f"pgqrs: {redact(str(problem))}", file=sys.stderr)
        return next(code for kind, code in _EXITS if isinstance(problem, kind))
    return code
