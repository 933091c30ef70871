"""Records of workflows: what their tables hold, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ._enums import StepResultStatus, WorkflowStatus
from ._types import Row, moment, moment_or_none


@dataclass(frozen=True, slots=True)
class WorkflowInfo:
    """A workflow: a name, and the queue of the same name that carries its runs."""

    id: int
    name: str
    queue_id: int
    created_at: datetime

    @property
    def queue_name(self) -> str:
        """The name of the queue, which is the workflow's."""
        return self.name

    @classmethod
    def from_row(cls, row: Row) -> WorkflowInfo:
        return cls(row["id"], row["name"], row["queue_id"], moment(row["created_at"]))


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One execution of a workflow, however often it was interrupted."""

    id: int
    workflow_id: int
    workflow_name: str
    message_id: int | None
    """The message that carries it; a resumed run has a new one."""
    status: WorkflowStatus
    attempt: int
    """How often it was started. An execution can write only while this is its attempt."""
    input: Any
    output: Any
    """What the workflow returned; None before it succeeded."""
    error: str | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    paused_at: datetime | None
    completed_at: datetime | None
    """When it succeeded, failed or was cancelled."""

    @property
    def finished(self) -> bool:
        """Whether it succeeded, failed or was cancelled."""
        return self.completed_at is not None

    @classmethod
    def from_row(cls, row: Row) -> WorkflowRun:
        return cls(
            row["id"],
            row["workflow_id"],
            row["workflow_name"],
            row["message_id"],
            WorkflowStatus(row["status"]),
            row["attempt"],
            row["input"],
            row["output"],
            row["error"],
            moment(row["created_at"]),
            moment_or_none(row["started_at"]),
            moment(row["updated_at"]),
            moment_or_none(row["paused_at"]),
            moment_or_none(row["completed_at"]),
        )


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """One step of a run, recorded by its name."""

    id: int
    run_id: int
    step_name: str
    status: WorkflowStatus
    """RUNNING, QUEUED while it waits for its next attempt, SUCCESS or ERROR."""
    attempt: int
    """How often it was begun."""
    failures: int
    """How often it failed; an attempt that was interrupted did not."""
    output: Any
    error: str | None
    """The last failure."""
    retry_at: datetime | None
    created_at: datetime
    started_at: datetime
    """When it was begun last."""
    updated_at: datetime
    completed_at: datetime | None

    @classmethod
    def from_row(cls, row: Row) -> WorkflowStep:
        return cls(
            row["id"],
            row["run_id"],
            row["step_name"],
            WorkflowStatus(row["status"]),
            row["attempt"],
            row["failures"],
            row["output"],
            row["error"],
            moment_or_none(row["retry_at"]),
            moment(row["created_at"]),
            moment(row["started_at"]),
            moment(row["updated_at"]),
            moment_or_none(row["completed_at"]),
        )


@dataclass(frozen=True, slots=True)
class StepResult:
    """The answer to acquiring a step: execute it, or skip it because it has succeeded before."""

    status: StepResultStatus
    step: WorkflowStep

    @classmethod
    def from_row(cls, row: Row) -> StepResult:
        return cls(StepResultStatus(row["result"]), WorkflowStep.from_row(row["step"]))
