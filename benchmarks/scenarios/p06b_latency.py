from ..scenario import Reading, Row, Run, Scenario, Step

PACED = Step(
    "half", "paced", {"producers": 100, "concurrency": 100, "seconds": 8, "share": 0.5},
    {"seconds": 2, "calibration": 1.5}, watchdog=60,
)  # fmt: skip
FLOOR = Step("wake-up", "wakeup", {"messages": 200}, {"messages": 50})

SCENARIO = Scenario(
    id="P6b",
    title="latency from enqueue to handler at half of our own rate",
    note=(
        "Each repetition first measures what the worker handles end to end (P6), then 100 coroutines enqueue at half "
        "of that pace: from before the enqueue until the handler holds the payload. The floor is the median wake-up of "
        "one idle raw listener (P7)."
    ),
    runs=[Run("ours", [PACED]), Run("raw-notify", [FLOOR])],
    rows=[
        *(
            Row(
                f"P6b {p}", f"latency {p} at half of the rate / raw NOTIFY p50",
                Reading("ours", "half", f"{p}_ms"), Reading("raw-notify", "wake-up", "p50_ms"),
                must=must, aim=aim, better="lower", unit="ms",
            )
            for p, must, aim in (("p50", 5, 3), ("p99", 20, 10))
        ),
        Row("P6b offered", "the pace", Reading("ours", "half", "offered"), None),
        Row("P6b handled", "handled at that pace", Reading("ours", "half"), None),
    ],
)  # fmt: skip
