from ..scenario import Reading, Row, Run, Scenario, Step

SIZES = (100, 1000)
STEPS = [Step(f"{n}", "batches", {"size": n, "seconds": 3}, {"seconds": 1.2}) for n in SIZES]
RIVALS = ("raw", "pgqrs_upstream", "pgqueuer", "river")

SCENARIO = Scenario(
    id="P3",
    title="enqueue_batch",
    note="One coroutine stores batches, each in one transaction.",
    runs=[
        *(Run(name, STEPS) for name in ("ours", "pgmq")),
        *(Run(name, STEPS, quick=False) for name in RIVALS),
    ],
    rows=[
        Row(
            "P3", "`enqueue_batch(1000)` / pgmq `send_batch(1000)`",
            Reading("ours", "1000"), Reading("pgmq", "1000"), must=0.7, aim=1.0,
        ),
        Row("P3 100", "`enqueue_batch(100)`", Reading("ours", "100"), Reading("pgmq", "100")),
        *(Row(f"P3 {name}", "batches of 1000", Reading("ours", "1000"), Reading(name, "1000")) for name in RIVALS),
    ],
    plot="Batches of 100 and 1000, messages/s",
)  # fmt: skip
