from ..scenario import Reading, Row, Run, Scenario, Step

STEPS = [
    Step(
        "50", "drain", {"batch": 50, "consumers": 4, "backlog": 100_000, "seconds": 3},
        {"seconds": 1, "backlog": 30_000}, watchdog=120, analyze=True,
    )
]  # fmt: skip

SCENARIO = Scenario(
    id="P4c",
    title="four consumers drain a backlog, batch 50",
    note="Four consumers of one process; the floor has a connection for each.",
    runs=[
        *(Run(name, STEPS) for name in ("ours", "raw")),
        *(Run(name, STEPS, quick=False) for name in ("pgmq", "pgqrs_upstream")),
    ],
    rows=[
        Row("P4c", "four consumers, batch 50 / raw", Reading("ours", "50"), Reading("raw", "50"), must=0.8, aim=1.2),
        Row("P4c pgmq", "four consumers, batch 50", Reading("ours", "50"), Reading("pgmq", "50")),
        Row("P4c upstream", "four consumers, batch 50", Reading("ours", "50"), Reading("pgqrs_upstream", "50")),
    ],
    plot="Drain by four consumers, messages/s",
)
