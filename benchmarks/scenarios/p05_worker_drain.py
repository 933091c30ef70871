from ..scenario import Reading, Row, Run, Scenario, Step


def step(name: str, **params: int) -> Step:
    return Step(
        name, "worker_drain", {"backlog": 50_000, "concurrency": 100, "seconds": 12, **params},
        {"backlog": 20_000, "seconds": 3}, watchdog=120, analyze=True,
    )  # fmt: skip


OTHERS = ("awa", "procrastinate")
PGQUEUER_BATCHES = (100, 500, 1000)

SCENARIO = Scenario(
    id="P5",
    title="a worker with a handler that does nothing drains 50,000 messages",
    note=(
        "From the start of the worker until everything is handled and acknowledged, or the time is over. Concurrency "
        "100; River has a thousand workers and fetches without pausing, pgqueuer is given three batch sizes."
    ),
    runs=[
        Run("ours", [step("drain")]),
        *(Run("pgqueuer", [step(f"drain, batch {n}", batch=n)], quick=n == 500) for n in PGQUEUER_BATCHES),
        Run("river", [step("drain")]),
        *(Run(name, [step("drain")], quick=False) for name in OTHERS),
    ],
    rows=[
        Row(
            "P5", "drain / the best of pgqueuer", Reading("ours", "drain"), Reading("pgqueuer", "drain, batch *"),
            must=1.8, aim=3,
        ),
        Row("P5 River", "drain / River, tuned", Reading("ours", "drain"), Reading("river", "drain"), must=1.2, aim=2),
        *(Row(f"P5 {name}", "drain", Reading("ours", "drain"), Reading(name, "drain")) for name in OTHERS),
    ],
    plot="Drain by a worker, messages/s",
)  # fmt: skip
