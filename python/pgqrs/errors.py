"""What pgqrs raises.

::

    PgqrsError (RuntimeError)
    ├── ConfigError (ValueError)
    ├── ValidationError (ValueError)
    ├── SerializationError (ValueError)
    ├── QueueNotFoundError (ValueError)
    ├── QueueAlreadyExistsError
    ├── WorkerNotFoundError
    ├── MessageNotFoundError
    ├── StateTransitionError
    ├── RateLimitedError
    ├── PgqrsConnectionError (ConnectionError)
    ├── DatabaseError
    │   └── SchemaError
    ├── TimeoutError (TimeoutError)
    ├── ClosedError
    ├── ForkError
    ├── InternalError
    ├── TransientStepError
    ├── StepNotReadyError
    ├── RetriesExhaustedError
    ├── PausedError
    └── CancelledRunError

A class in parentheses is a builtin the class derives from as well. An argument of
a wrong type raises the builtin TypeError; a library that cannot be loaded,
ImportError.
"""

from __future__ import annotations

import builtins
import inspect
from typing import ClassVar


class PgqrsError(RuntimeError):
    """pgqrs failed."""

    code: int = -901
    """The status of include/pgqrs.h that stands for the failure, a negative number."""
    _unsent: ClassVar[bool] = True  # what Python raises itself, it raises before anything is sent

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        sqlstate: str | None = None,
        operation: str | None = None,
        field: str | None = None,
        retry_after: float | None = None,
        transient: bool = False,
        safe_to_retry: bool | None = None,
    ) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or "").partition("\n")[0])
        if code is not None:
            self.code = code
        self.sqlstate = sqlstate
        """PostgreSQL's five-character code, or SQLite's code by name; None without a database's word."""
        self.operation = operation
        """The operation that failed, for example "enqueue"."""
        self.field = field
        """The argument, option or entity at fault."""
        self.retry_after = retry_after
        """Seconds after which a rate-limited call may be repeated."""
        self.transient = transient
        """Whether the same call may succeed later."""
        self.safe_to_retry = self._unsent if safe_to_retry is None else safe_to_retry
        """Whether a repetition of the call stores nothing twice: it is certain that nothing
        was stored, or the messages have dedup keys."""


class ConfigError(PgqrsError, ValueError):
    """A DSN, option, configuration file or environment variable is wrong."""

    code = -301


class ValidationError(PgqrsError, ValueError):
    """An argument or a payload breaks a rule; the text names it."""

    code = -406


class SerializationError(PgqrsError, ValueError):
    """The payload is not JSON, or JSON that the database refuses."""

    code = -408


class QueueNotFoundError(PgqrsError, ValueError):
    """The queue does not exist; nothing creates queues implicitly."""

    code = -401


class QueueAlreadyExistsError(PgqrsError):
    """The queue already exists."""

    code = -402


class WorkerNotFoundError(PgqrsError):
    """No worker has this id."""

    code = -403


class MessageNotFoundError(PgqrsError):
    """No message has this id."""

    code = -404


class StateTransitionError(PgqrsError):
    """The present state forbids the call, for example a dequeue by a suspended worker."""

    code = -409


class RateLimitedError(PgqrsError):
    """The configured rate is used up; ``retry_after`` says for how long."""

    code = -407


class PgqrsConnectionError(PgqrsError, ConnectionError):
    """The database cannot be reached, or the connection was lost.

    When it was lost at the commit the text says that the outcome is unknown.
    """

    code = -302
    _unsent = False


class DatabaseError(PgqrsError):
    """The database refused the statement; ``sqlstate`` says why."""

    code = -303
    _unsent = False


class SchemaError(DatabaseError):
    """The tables are missing, altered or of another version; call admin.install()."""

    code = -304
    _unsent = True


class TimeoutError(PgqrsError, builtins.TimeoutError):
    """The time allowed for the call is over and nothing was committed."""

    code = -203
    _unsent = False


class ClosedError(PgqrsError):
    """The object is closed."""

    code = -201


class ForkError(PgqrsError):
    """The library was loaded before fork() and cannot be used in the child."""

    code = -204


class InternalError(PgqrsError):
    """pgqrs is at fault. Please report it, with this text."""

    code = -901
    _unsent = False


class TransientStepError(PgqrsError):
    """A workflow step failed for now and will be tried again."""

    code = -410
    _unsent = False


class RetriesExhaustedError(PgqrsError):
    """A workflow step failed more often than it may be tried."""

    code = -411


class StepNotReadyError(PgqrsError):
    """A workflow step may not run yet."""

    code = -412


class PausedError(PgqrsError):
    """The workflow run is paused."""

    code = -413


class CancelledRunError(PgqrsError):
    """The workflow run was cancelled."""

    code = -416
