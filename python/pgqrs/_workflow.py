"""Workflow: an async function whose steps are recorded, so that it survives its process."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, NoReturn, TypeVar, cast

from . import _arguments, _ops, _payload
from ._enums import StepResultStatus
from ._retry import Retry
from ._types import LeasedMessage, QueueMessage
from ._workflow_tables import WorkflowRuns, WorkflowSteps
from ._workflow_types import WorkflowRun
from .errors import (
    CancelledRunError,
    PausedError,
    PgqrsError,
    RetriesExhaustedError,
    SerializationError,
    StateTransitionError,
    StepNotReadyError,
    TransientStepError,
    ValidationError,
)

I = TypeVar("I")  # noqa: E741 (input)
O = TypeVar("O")  # noqa: E741 (output)

logger = logging.getLogger("pgqrs")

_LOST: Final = (PausedError, CancelledRunError, StateTransitionError)
"""What the library answers an execution that may not go on."""


class Workflow(Generic[I, O]):
    """A workflow: made of an async function by ``@pgqrs.workflow``, run by a Worker.

    ::

        worker = pgqrs.Worker(store, {"orders": orders})
        run = await store.trigger(orders, {"order": 7})

    It is a handler for the queue of its name. ``function`` is the function itself, to
    call it without a run, in a test for example.
    """

    def __init__(self, function: Callable[[I], Coroutine[Any, Any, O]], name: str) -> None:
        self.function = function
        self.name = name
        functools.update_wrapper(self, function)

    async def __call__(self, message: QueueMessage) -> None:
        """Executes the run that a message of the workflow's queue carries."""
        if not isinstance(message, LeasedMessage):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"The workflow {self.name!r} handles the messages of its queue and takes no {type(message).__name__}. "
                "Start a run with store.trigger(workflow, input), or call workflow.function(input)."
            )
        await _Execution(self, message).run()

    def __repr__(self) -> str:
        return f"Workflow({self.name!r})"


def workflow_name(workflow: str | Workflow[Any, Any], name: str) -> str:
    """The name of a workflow that is given by its name or as an object."""
    return workflow.name if isinstance(workflow, Workflow) else _arguments.text(workflow, name)


class _Interruption(BaseException):
    """Ends a workflow's function where it stands, because its run does not go on now.

    Not an Exception: `except Exception` around a step must not take it for a failure
    of the step and go on with something else.
    """


_executing: ContextVar[_Execution | None] = ContextVar("pgqrs_workflow_execution", default=None)


async def perform(
    name: str, max_attempts: int, pause: float | Retry, function: Callable[[], Coroutine[Any, Any, O]]
) -> O:
    """Calls a step's function: recorded inside a workflow, as it is outside one or inside another step."""
    execution = _executing.get()
    if execution is None:
        return await function()
    output: O = await execution.step(name, max_attempts, pause, function)
    return output


class _Execution:
    """One attempt of a run, on behalf of one lease of the message that carries it."""

    def __init__(self, workflow: Workflow[Any, Any], message: QueueMessage) -> None:
        connection = message._leased_by()._connection  # pyright: ignore[reportPrivateUsage]
        self._workflow = workflow
        self._message = message
        self._runs = WorkflowRuns(connection)
        self._steps = WorkflowSteps(connection)
        self._names: Counter[str] = Counter()
        self._ahead = timedelta()  # of the database's clock against this host's
        self._run: WorkflowRun
        # Steps under way, which may be several at once, and whether there is none.
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ended = False
        # Why the run does not go on: what the library refused, or when a step is due.
        self._refused: PgqrsError | None = None
        self._retry_at: datetime | None = None

    async def run(self) -> None:
        """Executes the run, as far as it gets. Returns when the message has no more use, or was released."""
        try:
            self._run = await self._runs.start(_run_of(self._message), self._message.id)
        except _LOST as problem:
            logger.info("message %d starts nothing: %s", self._message.id, problem)
            return
        self._ahead = self._run.updated_at - datetime.now(UTC)
        output, failure = await self._call()
        if self._refused is not None:
            if not isinstance(self._refused, _LOST):
                raise self._refused
            logger.info("workflow run %d is not continued here: %s", self._run.id, self._refused)
        elif self._retry_at is not None:
            await self._release(self._retry_at)
        else:
            try:
                await self._conclude(output, failure)
            except _LOST as problem:
                logger.info("workflow run %d is not concluded here: %s", self._run.id, problem)

    async def _call(self) -> tuple[object, Exception | None]:
        """What the function returned, or how it failed; either means nothing after an interruption."""
        token = _executing.set(self)
        try:
            return await self._workflow.function(self._run.input), None
        except _Interruption:
            return None, None
        except BaseExceptionGroup as group:  # of a TaskGroup
            if group.subgroup(_Interruption) is None and not isinstance(group, Exception):
                raise
            return None, group if isinstance(group, Exception) else None
        except Exception as problem:
            return None, problem
        finally:
            _executing.reset(token)
            if not _cancelling():
                await self._idle.wait()  # steps whose outcome nobody awaits any more
            self._ended = True

    async def _conclude(self, output: object, failure: Exception | None) -> None:
        if failure is None:
            try:
                await self._runs.complete(self._run, output)
                return
            except (TypeError, ValidationError, SerializationError) as problem:
                failure = problem
        logger.error("workflow run %d of %r failed", self._run.id, self._workflow.name, exc_info=failure)
        await self._runs.fail(self._run, _described(failure))

    async def _release(self, when: datetime) -> None:
        """Gives the message back until a step is due, without counting this lease as a failed one."""
        token = self._message._token  # pyright: ignore[reportPrivateUsage]
        consumer = self._message._leased_by()  # pyright: ignore[reportPrivateUsage]
        at = _arguments.instant(when, "when")
        await consumer._run(_ops.release, [token], at=at, unread=True)  # pyright: ignore[reportPrivateUsage]
        self._message._acknowledged = True  # pyright: ignore[reportPrivateUsage]

    # --- steps ------------------------------------------------------------------------

    async def step(
        self, name: str, max_attempts: int, pause: float | Retry, function: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        """What a step returned, now or in an earlier attempt of the run.

        Raises RetriesExhaustedError when it has failed for good.
        """
        if self._ended:
            raise StateTransitionError(f"Workflow run {self._run.id} has ended; step {name!r} comes too late.")
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name}#{self._names[name]}"
        try:
            self._under_way += 1
            self._idle.clear()
            try:
                return await self._step(name, max_attempts, pause, function)
            finally:
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()
        except _Interruption:
            await self._idle.wait()  # a TaskGroup would cancel the others, which then would be done again
            raise

    async def _step(
        self, name: str, max_attempts: int, pause: float | Retry, function: Callable[[], Coroutine[Any, Any, Any]]
    ) -> Any:
        self._check()
        try:
            acquired = await self._ask(self._steps.acquire(self._run, name, max_attempts))
        except StepNotReadyError as problem:
            self._retry(datetime.now(UTC) + self._ahead + timedelta(seconds=problem.retry_after or 0))
        if acquired.status == StepResultStatus.SKIPPED:
            return acquired.step.output
        failures = acquired.step.failures + 1  # if this attempt fails
        try:
            document = _payload.encode(await _alone(function), "output")
        except Exception as problem:
            if failures >= max_attempts:
                await self._fail(name, failures, problem)
            await self._fail_for_now(
                name, f"attempt {failures} of {max_attempts}", problem, _wait(problem, pause, failures)
            )
        try:
            await self._ask(self._complete(name, document))
        except (ValidationError, SerializationError) as problem:  # another attempt would not change it
            await self._fail(name, failures, problem)
        return _payload.decode(document)  # as the next attempt will see it

    async def _complete(self, name: str, document: bytes) -> object:
        return await self._steps._run(  # pyright: ignore[reportPrivateUsage]
            _ops.step_complete, self._run.id, self._run.attempt, name, document
        )

    async def _fail_for_now(self, name: str, attempt: str, problem: Exception, wait: float) -> NoReturn:
        why = _described(problem)
        logger.warning(
            "step %r of workflow run %d failed (%s, next in %.1f s): %s", name, self._run.id, attempt, wait, why
        )
        failed = await self._ask(self._steps.fail(self._run, name, why, wait))
        self._retry(failed.retry_at or datetime.now(UTC))

    async def _fail(self, name: str, failures: int, problem: Exception) -> NoReturn:
        why = _described(problem)
        await self._ask(self._steps.fail(self._run, name, why))
        raise RetriesExhaustedError(
            f"Step {name!r} of workflow run {self._run.id} failed for good after {failures} attempts: {why}",
            operation="step",
            field=name,
        ) from problem

    async def _ask(self, call: Coroutine[Any, Any, O]) -> O:
        """Awaits a call of the library; what is not about the step itself interrupts the workflow."""
        try:
            return await call
        except (StepNotReadyError, RetriesExhaustedError, ValidationError, SerializationError):
            raise
        except PgqrsError as problem:
            if self._refused is None or isinstance(problem, _LOST):
                self._refused = problem
            raise _Interruption from problem

    def _retry(self, when: datetime) -> NoReturn:
        """Interrupts the workflow until a step is due, the earliest of several."""
        self._retry_at = when if self._retry_at is None else min(self._retry_at, when)
        raise _Interruption

    def _check(self) -> None:
        if self._refused is not None or self._retry_at is not None:
            raise _Interruption


async def _alone(function: Callable[[], Coroutine[Any, Any, O]]) -> O:
    """Calls a step's function as if outside a workflow: steps inside a step are part of it."""
    token = _executing.set(None)
    try:
        return await function()
    finally:
        _executing.reset(token)


def _run_of(message: QueueMessage) -> int:
    payload: Any = message.payload
    number: Any = cast("dict[str, Any]", payload).get("run_id") if isinstance(payload, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValidationError(
            f"Message {message.id} carries no workflow run: its payload has no run_id.", field="run_id"
        )
    return number


def _wait(problem: Exception, pause: float | Retry, failures: int) -> float:
    """Seconds until a step that failed is tried again."""
    if isinstance(problem, TransientStepError) and problem.retry_after is not None:
        return problem.retry_after
    return pause.pause(failures) if isinstance(pause, Retry) else pause


def _described(problem: BaseException) -> str:
    """A failure as text that any database stores."""
    text = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
    return text.encode("utf-8", "backslashreplace").decode()


def _cancelling() -> bool:
    """Whether somebody cancelled the running task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
