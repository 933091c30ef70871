"""The sync twin's tables of workflows."""

# These classes are the other half of the package's own, whose private parts they use.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from . import _workflow_tables
from ._twin import Twin, method


class Workflows(Twin[_workflow_tables.Workflows]):
    """The workflows."""

    __slots__ = ("_async",)

    count = method(_workflow_tables.Workflows.count)
    list = method(_workflow_tables.Workflows.list)
    get = method(_workflow_tables.Workflows.get)


class WorkflowRuns(Twin[_workflow_tables.WorkflowRuns]):
    """The runs of workflows; see pgqrs.WorkflowRuns."""

    __slots__ = ("_async",)

    count = method(_workflow_tables.WorkflowRuns.count)
    list = method(_workflow_tables.WorkflowRuns.list)
    get = method(_workflow_tables.WorkflowRuns.get)
    wait = method(_workflow_tables.WorkflowRuns.wait)
    pause = method(_workflow_tables.WorkflowRuns.pause)
    resume = method(_workflow_tables.WorkflowRuns.resume)
    cancel = method(_workflow_tables.WorkflowRuns.cancel)
    start = method(_workflow_tables.WorkflowRuns.start)
    complete = method(_workflow_tables.WorkflowRuns.complete)
    fail = method(_workflow_tables.WorkflowRuns.fail)


class WorkflowSteps(Twin[_workflow_tables.WorkflowSteps]):
    """The steps of runs; see pgqrs.WorkflowSteps."""

    __slots__ = ("_async",)

    count = method(_workflow_tables.WorkflowSteps.count)
    list = method(_workflow_tables.WorkflowSteps.list)
    get = method(_workflow_tables.WorkflowSteps.get)
    acquire = method(_workflow_tables.WorkflowSteps.acquire)
    complete = method(_workflow_tables.WorkflowSteps.complete)
    fail = method(_workflow_tables.WorkflowSteps.fail)
