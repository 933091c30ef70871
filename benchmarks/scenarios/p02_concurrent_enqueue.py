from ..scenario import Reading, Row, Run, Scenario, Step

COROUTINES = (10, 100, 1000)
STEPS = [Step(f"{n}", "concurrent", {"coroutines": n, "seconds": 3}, {"seconds": 1}) for n in COROUTINES]
RIVALS = ("raw", "pgmq", "pgqueuer", "river")

SCENARIO = Scenario(
    id="P2",
    title="concurrent single enqueues, 10, 100 and 1000 coroutines",
    note=(
        "Every coroutine awaits one `enqueue` after the other. The naive coalescer gathers what was asked for "
        "meanwhile and writes it by one asyncpg connection in one INSERT, without any promise of a queue."
    ),
    runs=[
        *(Run(name, STEPS) for name in ("ours", "pgqrs_upstream", "coalescer")),
        *(Run(name, STEPS, quick=False) for name in RIVALS),
    ],
    rows=[
        *(
            Row(
                f"P2 {n}", f"{n} coroutines / upstream",
                Reading("ours", f"{n}"), Reading("pgqrs_upstream", f"{n}"), must=must, aim=aim,
            )
            for n, must, aim in zip(COROUTINES, (2.5, 12, 17), (4, 16, 25), strict=True)
        ),
        *(
            Row(
                f"P2b {n}", f"{n} coroutines / naive coalescer",
                Reading("ours", f"{n}"), Reading("coalescer", f"{n}"), must=must, aim=aim,
            )
            for n, must, aim in ((10, None, None), (100, 0.9, 1.2), (1000, 1.0, 1.4))
        ),
        *(
            Row(f"P2 {name} {n}", f"{n} coroutines", Reading("ours", f"{n}"), Reading(name, f"{n}"))
            for name in RIVALS
            for n in COROUTINES
        ),
    ],
    plot="Concurrent single enqueues, messages/s",
)  # fmt: skip
