from ..scenario import Reading, Row, Run, Scenario, Step

STEPS = [
    Step(
        "flat out", "flat_out", {"seconds": 60, "window": 10, "backlog": 10_000},
        {"seconds": 20, "window": 10 / 3}, watchdog=60, held_snapshot=True,
    )
]  # fmt: skip

SCENARIO = Scenario(
    id="P9",
    title="a minute flat out while another transaction holds its snapshot",
    note=(
        "Two coroutines store batches of 100 and four consumers fetch and acknowledge 50 at a time, at a backlog of "
        "10,000, while another session keeps a snapshot open, so that no dead row can be removed. The last ten seconds "
        "are compared with the first (quick: 20 seconds, sixths of them)."
    ),
    runs=[Run("ours", STEPS), Run("raw", STEPS, quick=False, repetitions=1)],
    rows=[
        Row(
            "P9", "rate of the last 10 s / of the first",
            Reading("ours", "flat out", "kept_rate"), None, must=0.6, aim=0.9, unit="",
        ),
        Row(
            "P9 p99", "p99 of dequeue, last 10 s / first",
            Reading("ours", "flat out", "grown_p99"), None, must=2, aim=1.2, better="lower", unit="",
        ),
        Row("P9 rate", "cycles", Reading("ours", "flat out"), None),
        Row(
            "P9 raw", "raw: rate of the last 10 s / of the first",
            Reading("raw", "flat out", "kept_rate"), None, unit="",
        ),
    ],
    quick_repetitions=1,
)  # fmt: skip
