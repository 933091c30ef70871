from ..scenario import Reading, Row, Run, Scenario, Step

BATCHES = (1, 10, 50, 100)
# Every step drains a backlog of its own size; what a step leaves lies behind what the
# next one adds, and belongs to the backlog.
STEPS = [
    Step(
        f"{n}", "drain", {"batch": n, "backlog": 50_000, "seconds": 3},
        {"seconds": 1, "backlog": 20_000}, watchdog=120, analyze=True,
    )
    for n in BATCHES
]  # fmt: skip

SCENARIO = Scenario(
    id="P4",
    title="one consumer drains a backlog by dequeue(batch) and archive_many",
    note=(
        "A backlog of 50,000 (quick: 20,000), more for those that would be done with it in an instant; one consumer "
        "fetches a batch, acknowledges it, and so on, until the backlog is gone or the time is over. The raw floor "
        "takes rows by SKIP LOCKED and deletes them in the same transaction. Tables are analyzed after the backlog was "
        "made, for everybody."
    ),
    runs=[
        Run(name, [step], quick=name != "raw" and (name, step.name) != ("pgqrs_upstream", "100"))
        for step in STEPS
        for name in ("ours", "pgmq", "pgqrs_upstream", "raw")
    ],
    rows=[
        *(
            Row(f"P4 {n}", f"batch {n} / pgmq", Reading("ours", f"{n}"), Reading("pgmq", f"{n}"), must=must, aim=aim)
            for n, must, aim in zip(BATCHES, (1.5, 1.7, 2, 2), (2.5, 3, 3, 3), strict=True)
        ),
        *(
            Row(
                f"P4b {n}", f"batch {n} / upstream",
                Reading("ours", f"{n}"), Reading("pgqrs_upstream", f"{n}"), must=must, aim=aim,
            )
            for n, must, aim in ((1, 15, 30), (10, 12, 25), (50, 10, 20))
        ),
        *(Row(f"P4 raw {n}", f"batch {n}", Reading("ours", f"{n}"), Reading("raw", f"{n}")) for n in BATCHES),
    ],
    plot="Drain by one consumer, messages/s",
)  # fmt: skip
