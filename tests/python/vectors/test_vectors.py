"""The vectors of tests/vectors through the package. The README there says what a step is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import pgqrs
from pgqrs._native._status import STATUS

pytestmark = pytest.mark.asyncio

Step = dict[str, Any]
DIRECTORY = Path(__file__).resolve().parents[2] / "vectors"
VECTORS = {
    f"{path.stem}/{vector['name']}": vector["steps"]
    for path in sorted(DIRECTORY.glob("*.json"))
    for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]
}


@pytest.mark.parametrize("name", VECTORS)
async def test_vector(dsn: str, name: str) -> None:
    async with await pgqrs.connect(dsn, bootstrap=True) as store:
        session = Session(store)
        for number, step in enumerate(VECTORS[name], 1):
            await session.step(f"step {number}, {step}", step)


class Session:
    """The store of one vector, and the names its steps have given."""

    def __init__(self, store: pgqrs.Store) -> None:
        self.store = store
        self.admin = store.admin()
        self.named: dict[str, Any] = {}
        self.executions: dict[str, pgqrs.WorkflowRun] = {}

    async def step(self, what: str, raw: Step) -> None:
        step = self.resolve(raw)
        do = getattr(self, "do_" + step["do"])
        if "error" in step:
            with pytest.raises(pgqrs.PgqrsError) as raised:
                await do(step)
            assert STATUS[raised.value.code][0] == step["error"], what
            return
        result = await do(step)
        if "as" in step:
            self.named[step["as"]] = result
        if "expect" in step:
            assert contains(result, step["expect"]), f"{what}: the result is {result}"

    def resolve(self, value: Any) -> Any:
        """Replaces "$name.path" by what it stands for."""
        if isinstance(value, dict):
            return {name: self.resolve(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self.resolve(element) for element in value]
        if isinstance(value, str) and value.startswith("$"):
            first, *path = value[1:].split(".")
            found = self.named[first]
            for part in path:
                found = found[int(part)] if isinstance(found, list) else found[part]
            return found
        return value

    # --- queues ---------------------------------------------------------------------

    async def do_create_queue(self, step: Step) -> Any:
        return queue(await self.admin.create_queue(step["queue"], step.get("max_read_ct")))

    async def do_get_queue(self, step: Step) -> Any:
        return queue(await self.admin.get_queue(step["queue"]))

    async def do_list_queues(self, step: Step) -> Any:
        return [queue(info) for info in await (await self.store.get_queues()).list()]

    async def do_delete_queue(self, step: Step) -> Any:
        await self.admin.delete_queue(step["queue"])

    async def do_purge_queue(self, step: Step) -> Any:
        return await self.admin.purge_queue(step["queue"])

    async def do_metrics(self, step: Step) -> Any:
        metrics = await self.admin.queue_metrics(step["queue"])
        return {name: getattr(metrics, name) for name in ("pending", "delayed", "leased", "archived", "dead")}

    # --- workers and messages -----------------------------------------------------------

    async def do_producer(self, step: Step) -> Any:
        return await self.store.producer(step["queue"])

    async def do_consumer(self, step: Step) -> Any:
        return await self.store.consumer(step["queue"])

    async def do_enqueue(self, step: Step) -> Any:
        producer: pgqrs.Producer = self.named[step["with"]]
        key = step.get("dedup_key")
        if "delay_ms" in step:
            return await producer.enqueue_delayed(step["payload"], step["delay_ms"] / 1000, dedup_key=key)
        return await producer.enqueue(step["payload"], dedup_key=key)

    async def do_enqueue_batch(self, step: Step) -> Any:
        return await self.named[step["with"]].enqueue_batch(
            step["payloads"], dedup_keys=[key or None for key in step["dedup_keys"]] if "dedup_keys" in step else None
        )

    async def do_dequeue(self, step: Step) -> Any:
        consumer: pgqrs.Consumer = self.named[step["with"]]
        seconds = {name: step[name + "_ms"] / 1000 for name in ("lease", "wait") if name + "_ms" in step}
        found = await consumer.dequeue(step.get("batch"), vt=seconds.get("lease"), wait=seconds.get("wait"))
        return [message(m) for m in found]

    async def do_archive(self, step: Step) -> Any:
        return await self.named[step["with"]].archive_many(step["ids"])

    async def do_delete(self, step: Step) -> Any:
        return await self.named[step["with"]].delete_many(step["ids"])

    async def do_release(self, step: Step) -> Any:
        return await self.named[step["with"]].release_messages(step["ids"])

    async def do_extend_vt(self, step: Step) -> Any:
        consumer: pgqrs.Consumer = self.named[step["with"]]
        return [await consumer.extend_vt(id_, step["extend_ms"] / 1000) for id_ in step["ids"]]

    async def do_suspend(self, step: Step) -> Any:
        await self.named[step["with"]].suspend()

    async def do_resume(self, step: Step) -> Any:
        await self.named[step["with"]].resume()

    async def do_interrupt(self, step: Step) -> Any:
        await self.named[step["with"]].interrupt()

    async def do_shutdown(self, step: Step) -> Any:
        await self.named[step["with"]].shutdown()

    async def do_status(self, step: Step) -> Any:
        return (await self.named[step["with"]].status()).value.lower()

    # --- tables -------------------------------------------------------------------------

    async def do_get_message(self, step: Step) -> Any:
        return message(await (await self.store.get_messages()).get(step["id"]))

    async def do_get_archived(self, step: Step) -> Any:
        return message(await (await self.store.get_archive()).get(step["id"]))

    async def do_list_messages(self, step: Step) -> Any:
        messages = await self.store.get_messages()
        if "contains" in step:
            return [message(m) for m in await messages.filter_by_payload(step["contains"], queue=step["queue"])]
        return [message(m) for m in await messages.list(queue=step["queue"])]

    async def do_list_archived(self, step: Step) -> Any:
        if step.get("dead_only"):
            return [message(m) for m in await self.admin.dlq(step["queue"]).list()]
        return [message(m) for m in await (await self.store.get_archive()).list(queue=step["queue"])]

    async def do_dead_letter(self, step: Step) -> Any:
        await (await self.store.get_messages()).move_to_dlq(step["id"])

    async def do_replay(self, step: Step) -> Any:
        await self.admin.replay(step["id"])

    async def do_delete_archived(self, step: Step) -> Any:
        await (await self.store.get_archive()).delete(step["id"])

    # --- workflows ----------------------------------------------------------------------

    async def do_create_workflow(self, step: Step) -> Any:
        return {"name": (await self.admin.create_workflow(step["workflow"], step.get("max_read_ct"))).name}

    async def do_get_workflow(self, step: Step) -> Any:
        return {"name": (await (await self.store.get_workflows()).get(step["workflow"])).name}

    async def do_list_workflows(self, step: Step) -> Any:
        return [{"name": info.name} for info in await (await self.store.get_workflows()).list()]

    async def do_trigger(self, step: Step) -> Any:
        return run(await self.store.trigger(step["workflow"], step["input"]))

    async def do_get_run(self, step: Step) -> Any:
        return run(await (await self.store.get_workflow_runs()).get(step["id"]))

    async def do_pause_run(self, step: Step) -> Any:
        return run(await (await self.store.get_workflow_runs()).pause(step["id"]))

    async def do_resume_run(self, step: Step) -> Any:
        return run(await (await self.store.get_workflow_runs()).resume(step["id"]))

    async def do_cancel_run(self, step: Step) -> Any:
        return run(await (await self.store.get_workflow_runs()).cancel(step["id"]))

    async def do_list_runs(self, step: Step) -> Any:
        runs = await self.store.get_workflow_runs()
        return [run(r) for r in await runs.list(workflow=step["workflow"], status=step.get("status"))]

    async def do_start_run(self, step: Step) -> Any:
        started = await (await self.store.get_workflow_runs()).start(step["id"], step.get("message"))
        if "as" in step:
            self.executions[step["as"]] = started
        return run(started)

    async def do_complete_run(self, step: Step) -> Any:
        return run(await (await self.store.get_workflow_runs()).complete(self.executions[step["with"]], step["output"]))

    async def do_fail_run(self, step: Step) -> Any:
        return run(await (await self.store.get_workflow_runs()).fail(self.executions[step["with"]], step["reason"]))

    async def do_acquire_step(self, step: Step) -> Any:
        steps = await self.store.get_workflow_steps()
        attempts = {"max_attempts": step["max_attempts"]} if "max_attempts" in step else {}
        found = await steps.acquire(self.executions[step["with"]], step["step"], **attempts)
        return {"result": found.status.value, "step": run_step(found.step)}

    async def do_complete_step(self, step: Step) -> Any:
        steps = await self.store.get_workflow_steps()
        return run_step(await steps.complete(self.executions[step["with"]], step["step"], step["output"]))

    async def do_fail_step(self, step: Step) -> Any:
        steps = await self.store.get_workflow_steps()
        again = step["retry_ms"] / 1000 if "retry_ms" in step else None
        return run_step(await steps.fail(self.executions[step["with"]], step["step"], step["reason"], again))

    async def do_list_steps(self, step: Step) -> Any:
        return [run_step(s) for s in await (await self.store.get_workflow_steps()).list(run=step["id"])]


def run(r: pgqrs.WorkflowRun) -> Any:
    names = ("id", "workflow_name", "message_id", "attempt", "input", "output", "error")
    return {name: getattr(r, name) for name in names} | {"status": r.status.value}


def run_step(s: pgqrs.WorkflowStep) -> Any:
    names = ("step_name", "attempt", "failures", "output", "error")
    return {name: getattr(s, name) for name in names} | {"status": s.status.value}


def queue(info: pgqrs.QueueInfo) -> Any:
    return {"queue_name": info.queue_name, "max_read_ct": info.max_read_ct}


def message(m: Any) -> Any:
    return {
        "id": m.id,
        "payload": m.payload,
        "read_ct": m.read_ct,
        "dead_reason": getattr(m, "dead_reason", None),
    }


def contains(have: Any, want: Any) -> bool:
    """Of an object only the members that are given count."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(name in have and contains(have[name], want[name]) for name in want)
    if isinstance(want, list):
        same = isinstance(have, list) and len(have) == len(want)
        return same and all(contains(h, w) for h, w in zip(have, want, strict=True))
    return type(have) is type(want) and bool(have == want)
