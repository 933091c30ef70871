"""Enumerations: strings that compare without regard to case."""

from __future__ import annotations

from enum import StrEnum


class _Word(StrEnum):
    """A word of the database, which also equals its own name in any case."""

    @classmethod
    def _missing_(cls, value: object) -> _Word | None:
        if isinstance(value, str):
            return next((member for member in cls if member.value == value.lower()), None)
        return None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str(self.value) == other.lower()
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)


class WorkerStatus(_Word):
    """The state of a registered producer or consumer."""

    Ready = "ready"
    Polling = "polling"
    Suspended = "suspended"
    Interrupted = "interrupted"
    Stopped = "stopped"


class WorkflowStatus(_Word):
    """The state of a workflow run, or of a step of one."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCESS = "success"
    ERROR = "error"
    CANCELLED = "cancelled"


class StepResultStatus(_Word):
    """What to do with a step that was acquired: execute it, or skip it because it has succeeded before."""

    EXECUTE = "execute"
    SKIPPED = "skipped"
