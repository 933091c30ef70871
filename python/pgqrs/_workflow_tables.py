"""Table objects of workflows: for looking, and for executing runs by hand."""

from __future__ import annotations

import builtins  # the tables have a method named list
import time
from datetime import timedelta
from typing import Any

from . import _arguments, _bridge, _ops, _payload
from ._enums import WorkflowStatus
from ._tables import Table, page
from ._workflow_types import StepResult, WorkflowInfo, WorkflowRun, WorkflowStep
from .errors import TimeoutError, ValidationError

ATTEMPTS_DEFAULT = 3  # twin of DefaultStepAttempts in core/workflow.go
ATTEMPTS_MAX = 1_000_000_000

_LOOK_FIRST, _LOOK_LONGEST = 0.02, 0.5  # seconds between two looks at a run somebody waits for


class Workflows(Table):
    """The workflows."""

    __slots__ = ()

    async def count(self) -> int:
        return await self._run(_ops.workflow_count)

    async def list(self, limit: int | None = None, offset: int = 0) -> builtins.list[WorkflowInfo]:
        return await self._run(_ops.workflow_list, **page(limit, offset))

    async def get(self, id: int | str) -> WorkflowInfo:
        """A workflow by its id or its name."""
        if isinstance(id, str):
            return await self._run(_ops.workflow_get, _arguments.text(id, "id"))
        return await self._run(_ops.workflow_by_id, _arguments.identifier(id, "id"))


class WorkflowRuns(Table):
    """The runs of workflows.

    start(), complete() and fail() are what ``@pgqrs.workflow`` does; they are here for
    who executes runs in another way. What they write takes effect only while the run
    is running the attempt of the record given: else they raise PausedError,
    CancelledRunError, or StateTransitionError, when it has finished or was taken over.
    """

    __slots__ = ()

    async def count(self, workflow: str | None = None, status: str | None = None) -> int:
        return await self._run(_ops.run_count, **_which(workflow, status))

    async def list(
        self, limit: int | None = None, offset: int = 0, workflow: str | None = None, status: str | None = None
    ) -> builtins.list[WorkflowRun]:
        """Runs by id, those of one workflow or in one state when given."""
        return await self._run(_ops.run_list, **_which(workflow, status), **page(limit, offset))

    async def get(self, id: int) -> WorkflowRun:
        """A run by its id."""
        return await self._run(_ops.run_get, _arguments.identifier(id, "id"))

    async def wait(self, run: WorkflowRun | int, timeout_seconds: float | timedelta | None = None) -> WorkflowRun:
        """Waits until a run has succeeded, failed or was cancelled, and returns it.

        Raises TimeoutError when that takes longer than timeout_seconds.
        """
        number = _run_id(run)
        end = None
        if timeout_seconds is not None:
            end = time.monotonic() + _arguments.span_ms(timeout_seconds, "timeout_seconds") / 1000
        pause = _LOOK_FIRST
        while True:
            found = await self._run(_ops.run_get, number)
            if found.finished:
                return found
            if end is not None:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"Workflow run {number} is still {found.status.value}.", operation="wait")
                pause = min(pause, left)
            await _bridge.sleep(pause)
            pause = min(2 * pause, _LOOK_LONGEST)

    async def pause(self, run: WorkflowRun | int) -> WorkflowRun:
        """Stops a queued or running run until resume(). The step under way is finished and recorded."""
        return await self._run(_ops.run_pause, _run_id(run))

    async def resume(self, run: WorkflowRun | int) -> WorkflowRun:
        """Queues a paused run again."""
        return await self._run(_ops.run_resume, _run_id(run))

    async def cancel(self, run: WorkflowRun | int) -> WorkflowRun:
        """Ends a run that is not finished, for good."""
        return await self._run(_ops.run_cancel, _run_id(run))

    async def start(self, run: WorkflowRun | int, message_id: int | None = None) -> WorkflowRun:
        """Begins the next attempt of a run that is queued, or running, which it takes over.

        message_id, when given, must be the message that carries the run.
        """
        message = 0 if message_id is None else _arguments.identifier(message_id, "message_id")
        return await self._run(_ops.run_start, _run_id(run), message)

    async def complete(self, run: WorkflowRun, output: Any = None) -> WorkflowRun:
        """Ends a run with its output."""
        return await self._run(_ops.run_complete, _started(run), run.attempt, _payload.encode(output, "output"))

    async def fail(self, run: WorkflowRun, error: str) -> WorkflowRun:
        """Ends a run with an error."""
        return await self._run(_ops.run_fail, _started(run), run.attempt, _arguments.text(error, "error"))


class WorkflowSteps(Table):
    """The steps of runs, in the order in which they were first begun.

    acquire(), complete() and fail() are what ``@pgqrs.step`` does; the rules of
    WorkflowRuns hold for them.
    """

    __slots__ = ()

    async def count(self, run: WorkflowRun | int | None = None) -> int:
        return await self._run(_ops.step_count, **_of(run))

    async def list(
        self, limit: int | None = None, offset: int = 0, run: WorkflowRun | int | None = None
    ) -> builtins.list[WorkflowStep]:
        """Steps by id, those of one run when given."""
        return await self._run(_ops.step_list, **_of(run), **page(limit, offset))

    async def get(self, id: int) -> WorkflowStep:
        """A step by its id."""
        return await self._run(_ops.step_get, _arguments.identifier(id, "id"))

    async def acquire(self, run: WorkflowRun, name: str, max_attempts: int = ATTEMPTS_DEFAULT) -> StepResult:
        """Begins a step, unless it has succeeded before.

        Raises StepNotReadyError, with retry_after, before the step's next attempt, and
        RetriesExhaustedError when it has failed max_attempts times.
        """
        most = _arguments.integer(max_attempts, "max_attempts", 1, ATTEMPTS_MAX)
        return await self._run(_ops.step_acquire, _started(run), run.attempt, _arguments.text(name, "name"), most)

    async def complete(self, run: WorkflowRun, name: str, output: Any = None) -> WorkflowStep:
        """Records the output of a step, which is never executed again."""
        document = _payload.encode(output, "output")
        return await self._run(_ops.step_complete, _started(run), run.attempt, _arguments.text(name, "name"), document)

    async def fail(
        self, run: WorkflowRun, name: str, error: str, retry_in: float | timedelta | None = None
    ) -> WorkflowStep:
        """Records the failure of a step: for good, or until it may be acquired again."""
        why = _arguments.text(error, "error")
        again = -1 if retry_in is None else _arguments.span_ms(retry_in, "retry_in")
        return await self._run(_ops.step_fail, _started(run), run.attempt, _arguments.text(name, "name"), why, again)


def _which(workflow: str | None, status: str | None) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    if workflow is not None:
        filters["queue"] = _arguments.text(workflow, "workflow")
    if status is not None:
        word = _arguments.text(status, "status")
        try:
            filters["status"] = WorkflowStatus(word).value
        except ValueError:
            known = ", ".join(each.value for each in WorkflowStatus)
            raise ValidationError(f"status must be one of {known}, not {word!r}.", field="status") from None
    return filters


def _of(run: WorkflowRun | int | None) -> dict[str, Any]:
    return {} if run is None else {"run_id": _run_id(run)}


def _run_id(run: WorkflowRun | int) -> int:
    return run.id if isinstance(run, WorkflowRun) else _arguments.identifier(run, "run")


def _started(run: WorkflowRun) -> int:
    if not isinstance(run, WorkflowRun):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"run must be the WorkflowRun that start() returned, not {type(run).__name__}")
    return run.id
