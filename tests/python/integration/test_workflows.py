"""Workflows: runs and their steps, by what their functions do."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from waiting import eventually

import pgqrs
import pgqrs.sync
from pgqrs import _ops

pytestmark = pytest.mark.asyncio

Status = pgqrs.WorkflowStatus


class Ledger:
    """The side effects of steps, in their order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def write(self, entry: str) -> int:
        self.entries.append(entry)
        return self.entries.count(entry)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@asynccontextmanager
async def working(store: pgqrs.Store, *workflows: pgqrs.Workflow[Any, Any], **options: Any) -> AsyncIterator[Runs]:
    """A worker for workflows, which are created first."""
    for each in workflows:
        await store.admin().create_workflow(each)
    retry = pgqrs.Retry(initial_seconds=0)
    async with pgqrs.Worker(store, {each.name: each for each in workflows}, retry=retry, **options):
        yield Runs(store, await store.get_workflow_runs(), await store.get_workflow_steps())


class Runs:
    def __init__(self, store: pgqrs.Store, runs: pgqrs.WorkflowRuns, steps: pgqrs.WorkflowSteps) -> None:
        self.store, self.runs, self.steps = store, runs, steps

    async def run(self, workflow: Any, input: Any = None) -> pgqrs.WorkflowRun:
        """Triggers a run and waits for its end."""
        return await self.runs.wait(await self.store.trigger(workflow, input), timeout_seconds=20)

    async def names(self, run: pgqrs.WorkflowRun) -> list[tuple[str, str]]:
        return [(step.step_name, step.status.value) for step in await self.steps.list(run=run)]

    async def idle(self, queue: str) -> pgqrs.QueueMetrics:
        """The queue's counts, when every message of it was acknowledged."""

        async def check() -> bool:
            now = await self.store.admin().queue_metrics(queue)
            return now.pending + now.leased + now.delayed == 0

        await eventually(check)
        return await self.store.admin().queue_metrics(queue)


# --- runs -----------------------------------------------------------------------------


async def test_a_run_is_executed_and_recorded(store: pgqrs.Store, ledger: Ledger) -> None:
    @pgqrs.step
    async def charge(order: dict[str, Any], amount: int) -> dict[str, Any]:
        ledger.write(f"charge {order['id']} {amount}")
        return {"charged": amount, "big": 2**80}

    @pgqrs.step(name="mail", retries=0)
    async def send(to: str) -> tuple[str, int]:
        return to, 1

    @pgqrs.workflow
    async def orders(order: dict[str, Any]) -> Any:
        paid = await charge(order, amount=12)
        sent = await send("ann")
        assert sent == ["ann", 1], "as the next attempt would see it"
        return {**paid, "again": await charge(order, 13)}

    async with working(store, orders) as works:
        run = await works.run(orders, {"id": 7})
        assert (run.status, run.error, run.attempt, run.finished) == ("SUCCESS", None, 1, True)
        assert run.input == {"id": 7}
        assert run.output == {"charged": 12, "big": 2**80, "again": {"charged": 13, "big": 2**80}}
        assert ledger.entries == ["charge 7 12", "charge 7 13"]
        assert await works.names(run) == [("charge", "success"), ("mail", "success"), ("charge#2", "success")]
        first = (await works.steps.list(limit=1, run=run.id))[0]
        assert (first.run_id, first.attempt, first.failures, first.output["charged"]) == (run.id, 1, 0, 12)
        assert await works.steps.get(first.id) == first
        assert (await works.idle("orders")).archived == 1
        by_name = await works.run("orders", {"id": 8})
        assert (by_name.workflow_name, by_name.status) == ("orders", Status.SUCCESS)


async def test_a_workflow_that_raises_fails_its_run(store: pgqrs.Store) -> None:
    @pgqrs.workflow
    async def broken(given: Any) -> Any:
        if given == "output":
            return {1, 2}
        if given == "nul":
            return "\0"
        raise ValueError("größer \ud800")

    async with working(store, broken) as works:
        run = await works.run(broken)
        assert (run.status, run.output, run.error) == (Status.ERROR, None, "ValueError: größer \\ud800")
        assert "set is not JSON serializable" in str((await works.run(broken, "output")).error)
        assert "NUL" in str((await works.run(broken, "nul")).error)
        now = await works.idle("broken")
        assert (now.archived, now.dead) == (3, 0)


async def test_a_message_that_carries_no_run_is_a_dead_letter(store: pgqrs.Store) -> None:
    @pgqrs.workflow
    async def orders(_order: Any) -> None: ...

    async with working(store, orders) as works:
        for payload in ("x", {"run_id": "7"}, {"run_id": 12345}):
            await pgqrs.produce(store, "orders", payload)
        assert (await works.idle("orders")).dead == 3


# --- steps ----------------------------------------------------------------------------


async def test_a_failed_step_is_tried_again_and_the_others_are_not(store: pgqrs.Store, ledger: Ledger) -> None:
    @pgqrs.step
    async def reserve() -> int:
        return ledger.write("reserve")

    @pgqrs.step(retries=6, delay=pgqrs.Retry(initial_seconds=0.01))
    async def charge() -> int:
        count = ledger.write("charge")
        if count < 7:
            raise RuntimeError(f"declined {count}")
        return count

    @pgqrs.workflow
    async def orders(_order: Any) -> list[int]:
        try:
            return [await reserve(), await charge()]
        except Exception:  # a retry is none of its business
            ledger.write("caught")
            return []

    async with working(store, orders) as works:
        run = await works.run(orders)
        assert (run.status, run.output, run.attempt) == (Status.SUCCESS, [1, 7], 7)
        assert ledger.entries == ["reserve"] + 7 * ["charge"]
        charged = (await works.steps.list(run=run))[1]
        assert (charged.attempt, charged.failures, charged.error) == (7, 6, None)
        now = await works.idle("orders")
        assert (now.archived, now.dead) == (1, 0), "more attempts than the queue's max_read_ct"


async def test_a_transient_error_says_when(store: pgqrs.Store, ledger: Ledger) -> None:
    @pgqrs.step(delay=timedelta(hours=1))
    async def charge() -> int:
        if ledger.write("charge") == 1:
            raise pgqrs.TransientStepError("busy", retry_after=0.05)
        return 2

    @pgqrs.step(delay=3600)
    async def ship() -> None:
        raise pgqrs.TransientStepError("no truck")

    @pgqrs.workflow
    async def orders(_order: Any) -> None:
        await charge()
        await ship()

    async with working(store, orders) as works:
        run = await store.trigger(orders)

        async def waiting() -> bool:
            return ("ship", "queued") in await works.names(run)

        await eventually(waiting)
        shipping = (await works.steps.list(run=run))[1]
        assert shipping.error == "TransientStepError: no truck"
        assert shipping.retry_at is not None
        assert timedelta(minutes=59) < shipping.retry_at - shipping.started_at < timedelta(minutes=61)

        async def released(count: int = 1) -> bool:
            return (await store.admin().queue_metrics("orders")).delayed == count

        await eventually(released)
        message = await (await store.get_messages()).get((await works.runs.get(run.id)).message_id or 0)
        assert (message.vt, message.read_ct) == (shipping.retry_at, 0)
        assert (await works.runs.get(run.id)).status == Status.RUNNING
        # A resumed run comes before its step is due, and waits for it once more.
        await works.runs.pause(run)
        resumed = await works.runs.resume(run)

        async def again() -> bool:
            return (await works.runs.get(run.id)).attempt > resumed.attempt and await released()

        await eventually(again)
        message = await (await store.get_messages()).get(resumed.message_id or 0)
        assert abs(message.vt - shipping.retry_at) < timedelta(seconds=5)
        assert ledger.entries == ["charge", "charge"]


async def test_a_step_that_failed_for_good_can_be_made_up_for(store: pgqrs.Store, ledger: Ledger) -> None:
    @pgqrs.step(retries=1, delay=0)
    async def charge() -> None:
        ledger.write("charge")
        raise RuntimeError("declined")

    @pgqrs.step
    async def refund() -> str:
        ledger.write("refund")
        return "sorry"

    @pgqrs.workflow
    async def orders(caught: bool) -> str:
        try:
            await charge()
        except pgqrs.RetriesExhaustedError as problem:
            assert "declined" in str(problem)
            if caught:
                return await refund()
            raise
        return "paid"

    async with working(store, orders) as works:
        run = await works.run(orders, True)
        assert (run.status, run.output) == (Status.SUCCESS, "sorry")
        assert ledger.entries == ["charge", "charge", "refund"]
        run = await works.run(orders, False)
        assert run.status == Status.ERROR
        assert "RetriesExhaustedError" in str(run.error)
        assert "declined" in str(run.error)


async def test_steps_at_once_inside_each_other_and_outside(store: pgqrs.Store, ledger: Ledger) -> None:
    @pgqrs.step(delay=0.01)
    async def fetch(n: int) -> int:
        await asyncio.sleep(0.01 * (3 - n))
        if n == 2 and ledger.write("fetch 2") == 1:
            raise RuntimeError("once")
        ledger.write(f"fetched {n}")
        return n

    @pgqrs.step
    async def outer() -> int:
        return await fetch(0) + 40

    @pgqrs.workflow
    async def orders(_order: Any) -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetch(n)) for n in range(3)]
        return [*(task.result() for task in tasks), *await asyncio.gather(fetch(4), fetch(5)), await outer()]

    assert await fetch(1) == 1
    assert ledger.entries == ["fetched 1"]
    ledger.entries.clear()
    async with working(store, orders) as works:
        run = await works.run(orders)
        assert (run.status, run.output) == (Status.SUCCESS, [0, 1, 2, 4, 5, 40])
        assert sorted(ledger.entries) == [
            "fetch 2", "fetch 2", "fetched 0", "fetched 0", "fetched 1", "fetched 2", "fetched 4", "fetched 5"
        ]  # fmt: skip
        attempts = {step.step_name: step.attempt for step in await works.steps.list(run=run)}
        assert attempts == {"fetch": 1, "fetch#2": 1, "fetch#3": 2, "fetch#4": 1, "fetch#5": 1, "outer": 1}
    assert await orders.function(None) == [0, 1, 2, 4, 5, 40]


# --- pause, resume, cancel ------------------------------------------------------------


class Gate:
    """A step that says that it is under way, and goes on when it may."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.open.wait()


async def test_a_paused_run_goes_on_where_it_was(store: pgqrs.Store, ledger: Ledger) -> None:
    gate = Gate()

    @pgqrs.step
    async def first() -> int:
        await gate()
        return ledger.write("first")

    @pgqrs.step
    async def second() -> int:
        return ledger.write("second")

    @pgqrs.workflow
    async def orders(_order: Any) -> list[int]:
        return [await first(), await second()]

    async with working(store, orders) as works:
        run = await store.trigger(orders)
        await gate.reached.wait()
        paused = await works.runs.pause(run)
        assert (paused.status, paused.paused_at is not None) == (Status.PAUSED, True)
        with pytest.raises(pgqrs.StateTransitionError, match="paused"):
            await works.runs.pause(run.id)
        gate.open.set()
        assert (await works.idle("orders")).archived == 1
        assert ledger.entries == ["first"], "what was under way is finished, the next does not begin"
        assert await works.names(run) == [("first", "success")]
        with pytest.raises(pgqrs.TimeoutError, match="paused"):
            await works.runs.wait(run, timeout_seconds=0.05)
        assert (await works.runs.resume(run)).status == Status.QUEUED
        done = await works.runs.wait(run, timeout_seconds=timedelta(seconds=20))
        assert (done.status, done.output, ledger.entries) == (Status.SUCCESS, [1, 1], ["first", "second"])


async def test_a_cancelled_run_ends(store: pgqrs.Store, ledger: Ledger) -> None:
    gate = Gate()

    @pgqrs.step
    async def first() -> None:
        await gate()

    @pgqrs.step
    async def second() -> None:
        ledger.write("second")

    @pgqrs.workflow
    async def orders(_order: Any) -> None:
        try:
            await first()
        finally:
            await second()

    async with working(store, orders) as works:
        run = await store.trigger(orders)
        await gate.reached.wait()
        assert (await works.runs.cancel(run)).status == Status.CANCELLED
        gate.open.set()
        await works.idle("orders")
        assert ledger.entries == []
        assert (await works.runs.get(run.id)).status == Status.CANCELLED
        for move in (works.runs.cancel, works.runs.pause, works.runs.resume):
            with pytest.raises(pgqrs.StateTransitionError, match="cancelled"):
                await move(run)
        assert await works.runs.count(status="CANCELLED") == 1


async def test_a_run_cancelled_before_it_starts_is_not_executed(store: pgqrs.Store) -> None:
    @pgqrs.workflow
    async def orders(_order: Any) -> None:
        raise AssertionError

    await store.admin().create_workflow("orders")
    runs = await store.get_workflow_runs()
    cancelled, paused = await store.trigger("orders"), await store.trigger("orders")
    await runs.cancel(cancelled)
    await runs.pause(paused)
    assert await pgqrs.dequeue().from_queue("orders").handle(orders).execute(store) == 1
    assert not await pgqrs.consume(store, "orders", orders)
    assert [run.status for run in await runs.list()] == [Status.CANCELLED, Status.PAUSED]
    assert (await store.admin().queue_metrics("orders")).archived == 1


# --- fencing --------------------------------------------------------------------------


async def test_an_execution_that_lost_its_run_writes_nothing(store: pgqrs.Store, ledger: Ledger) -> None:
    gate = Gate()

    @pgqrs.step
    async def first() -> str:
        number = ledger.write("first")
        if number == 1:
            await gate()
        return f"by {number}"

    @pgqrs.workflow
    async def orders(_order: Any) -> str:
        output = await first()
        ledger.write(f"after {output}")
        return output

    async with working(store, orders) as works:
        run = await store.trigger(orders)
        await gate.reached.wait()
        # The lease is lost: another consumer gets the message, while the first execution goes on.
        messages = await store.get_messages()
        worker_id = (await messages.get(run.message_id or 0)).consumer_worker_id
        await store.admin().release_worker_messages(worker_id or 0)
        done = await works.runs.wait(run, timeout_seconds=20)
        assert (done.output, done.attempt) == ("by 2", 2)
        gate.open.set()
        await works.idle("orders")
    assert ledger.entries == ["first", "first", "after by 2"]
    assert (await works.runs.get(run.id)) == done


async def test_executing_a_run_by_hand(store: pgqrs.Store) -> None:
    await store.admin().create_workflow("orders")
    runs, steps = await store.get_workflow_runs(), await store.get_workflow_steps()
    old = await runs.start(await store.trigger("orders", 1))
    got = await steps.acquire(old, "charge")
    assert (got.status, got.step.status) == (pgqrs.StepResultStatus.EXECUTE, "running")
    new = await runs.start(old.id, old.message_id)
    for late in (
        steps.acquire(old, "ship"),
        steps.complete(old, "charge", 1),
        steps.fail(old, "charge", "late"),
        runs.complete(old),
        runs.fail(old, "late"),
    ):
        with pytest.raises(pgqrs.StateTransitionError, match="attempt 2"):
            await late
    assert (await steps.acquire(new, "charge")).status == "EXECUTE"
    failed = await steps.fail(new, "charge", "busy", retry_in=60)
    assert (failed.status, failed.failures) == (Status.QUEUED, 1)
    with pytest.raises(pgqrs.StepNotReadyError) as not_ready:
        await steps.acquire(new, "charge")
    assert 50 < (not_ready.value.retry_after or 0) <= 60
    assert not_ready.value.transient
    await steps.acquire(new, "ship", max_attempts=1)
    await steps.fail(new, "ship", "no truck")
    with pytest.raises(pgqrs.RetriesExhaustedError, match="no truck"):
        await steps.acquire(new, "ship")
    await steps.acquire(new, "mail")
    await steps.complete(new, "mail", [None, 2**70])
    skipped = await steps.acquire(new, "mail")
    assert (skipped.status, skipped.step.output) == (pgqrs.StepResultStatus.SKIPPED, [None, 2**70])
    await runs.pause(new)
    with pytest.raises(pgqrs.PausedError):
        await steps.acquire(new, "more")
    with pytest.raises(pgqrs.PausedError):
        await runs.start(new)
    await runs.cancel(new)
    with pytest.raises(pgqrs.CancelledRunError):
        await runs.complete(new)
    assert await steps.count(run=new) == 3
    with pytest.raises(TypeError, match="WorkflowRun that start"):
        await runs.complete(1)  # type: ignore[arg-type]


# --- interruptions ----------------------------------------------------------------------


async def test_a_lost_connection_costs_an_attempt_and_not_the_run(
    store: pgqrs.Store, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _ops.step_complete

    def lose(*arguments: Any) -> Any:
        monkeypatch.setattr(_ops, "step_complete", record)
        raise pgqrs.PgqrsConnectionError("cut", transient=True)

    @pgqrs.step
    async def first() -> int:
        return ledger.write("first")

    @pgqrs.step
    async def second() -> int:
        if ledger.write("second") == 1:
            monkeypatch.setattr(_ops, "step_complete", lose)
        return ledger.entries.count("second")

    @pgqrs.workflow
    async def orders(_order: Any) -> list[int]:
        try:
            return [await first(), await second()]
        except Exception:  # it is not for the workflow to deal with
            return []

    async with working(store, orders) as works:
        run = await works.run(orders)
        assert (run.status, run.output, run.attempt) == (Status.SUCCESS, [1, 2], 2)
        assert ledger.entries == ["first", "second", "second"], "done, and not known to be recorded"


async def test_a_worker_that_stops_leaves_the_run_to_the_next(store: pgqrs.Store, ledger: Ledger) -> None:
    gate = Gate()

    @pgqrs.step(retries=0)
    async def first() -> int:
        ledger.write("first")
        await gate()
        return 1

    @pgqrs.workflow
    async def orders(_order: Any) -> int:
        return await first()

    async with working(store, orders, grace_seconds=0) as works:
        run = await store.trigger(orders)
        await gate.reached.wait()
    assert (await works.runs.get(run.id)).status == Status.RUNNING
    gate.open.set()
    async with pgqrs.Worker(store, {"orders": orders}):
        done = await works.runs.wait(run, timeout_seconds=20)
    (step,) = await works.steps.list(run=run)
    assert (done.status, done.attempt, step.attempt, step.failures) == (Status.SUCCESS, 2, 2, 0)


async def test_an_execution_that_takes_too_long_is_taken_over(store: pgqrs.Store, ledger: Ledger) -> None:
    @pgqrs.step
    async def first() -> int:
        if ledger.write("first") == 1:
            await asyncio.Event().wait()
        return 2

    @pgqrs.workflow
    async def orders(_order: Any) -> int:
        return await first()

    async with working(store, orders, timeout_seconds=0.3) as works:
        run = await works.run(orders)
        assert (run.status, run.output, run.attempt) == (Status.SUCCESS, 2, 2)


# --- tables and arguments ---------------------------------------------------------------


async def test_the_tables(store: pgqrs.Store) -> None:
    admin, workflows, runs = store.admin(), await store.get_workflows(), await store.get_workflow_runs()
    orders = await admin.create_workflow("orders")
    mails = await admin.create_workflow("mails", max_read_ct=9)
    assert (orders.name, orders.queue_name) == ("orders", "orders")
    assert orders.queue_id == (await admin.get_queue("orders")).id
    assert (await admin.get_queue("mails")).max_read_ct == 9
    assert await workflows.list() == [orders, mails]
    assert (await workflows.count(), await workflows.get("mails"), await workflows.get(orders.id)) == (2, mails, orders)
    triggered = [await store.trigger(name, n) for n, name in enumerate(["orders", "mails", "orders"])]
    assert [run.input for run in triggered] == [0, 1, 2]
    assert await runs.list() == triggered
    assert await runs.list(workflow="orders") == [triggered[0], triggered[2]]
    assert await runs.list(limit=1, offset=1) == [triggered[1]]
    assert (await runs.count(), await runs.count("mails"), await runs.count(status="Queued")) == (3, 1, 3)
    assert await runs.get(triggered[1].id) == triggered[1]

    with pytest.raises(pgqrs.PgqrsError, match="'orders' already exists") as taken:
        await admin.create_workflow("orders")
    assert taken.value.code == -414
    with pytest.raises(pgqrs.QueueAlreadyExistsError):
        await admin.create_workflow("tasks")
    for missing in (store.trigger("nowhere"), runs.get(999), workflows.get("nowhere"), runs.count("nowhere")):
        with pytest.raises(pgqrs.PgqrsError, match="not found") as absent:
            await missing
        assert absent.value.code == -415
    with pytest.raises(pgqrs.StateTransitionError, match="workflow of that name"):
        await admin.delete_queue("orders")
    with pytest.raises(ValueError, match="status must be one of queued"):
        await runs.list(status="done")
    with pytest.raises(TypeError, match="input cannot be stored"):
        await store.trigger("orders", {1, 2})
    with pytest.raises(pgqrs.SerializationError, match="input: byte"):
        await store.trigger("orders", "\0")


async def test_the_sync_twin(dsn: str) -> None:
    with pgqrs.sync.connect(dsn, bootstrap=True) as store:
        info = store.admin().create_workflow("orders")
        assert store.get_workflows().list() == [info]
        runs, steps = store.get_workflow_runs(), store.get_workflow_steps()
        run = runs.start(store.trigger("orders", {"n": 1}))
        assert steps.acquire(run, "charge").status == pgqrs.StepResultStatus.EXECUTE
        steps.complete(run, "charge", 7)
        assert steps.list(run=run)[0].output == 7
        runs.complete(run, "done")
        assert runs.wait(run, timeout_seconds=5).output == "done"


async def test_what_decorators_take(store: pgqrs.Store) -> None:
    def plain(_given: Any) -> None: ...

    async def two(_first: Any, _second: Any) -> None: ...

    async def fine(given: int) -> int:
        """Doubles."""
        return 2 * given

    for make in (pgqrs.step, pgqrs.step(), pgqrs.workflow, pgqrs.workflow(name="x")):
        with pytest.raises(TypeError, match="async functions, and plain is none"):
            make(plain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="one argument"):
        pgqrs.workflow(two)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="retries"):
        pgqrs.step(retries=-1)
    with pytest.raises(ValueError, match="delay"):
        pgqrs.step(delay=-1)
    with pytest.raises(ValueError, match="name"):
        pgqrs.workflow(name="")(fine)
    made, step = pgqrs.workflow(name="doubles")(fine), pgqrs.step(fine)
    assert (made.name, made.__doc__, repr(made)) == ("doubles", "Doubles.", "Workflow('doubles')")
    assert (step.__name__, inspect.iscoroutinefunction(step), await step(4)) == ("fine", True, 8)
    assert await made.function(4) == 8
    with pytest.raises(TypeError, match="takes no int"):
        await made(4)  # type: ignore[arg-type]
    assert pgqrs.decorators.workflow is pgqrs.workflow
    assert Status("Paused") is Status.PAUSED
