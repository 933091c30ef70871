"""The workloads by the names that steps use."""

from __future__ import annotations

from . import fleet, sustained, workloads
from .workloads import Workload

WORKLOADS: dict[str, type[Workload]] = {
    "concurrent": workloads.Concurrent,
    "batches": workloads.Batches,
    "drain": workloads.Drain,
    "worker_drain": workloads.WorkerDrain,
    "end_to_end": workloads.EndToEnd,
    "wakeup": workloads.Wakeup,
    "idle": workloads.Idle,
    "cycle": workloads.Cycle,
    "probe": workloads.Probe,
    "standing": sustained.Standing,
    "flat_out": sustained.FlatOut,
    "paced": sustained.Paced,
    "queues": sustained.Queues,
    "fleet": fleet.Fleet,
    "crew": fleet.Crew,
}
