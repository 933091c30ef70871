from ..scenario import Reading, Row, Run, Scenario, Step

STEPS = [Step("sequential", "concurrent", {"coroutines": 1, "seconds": 5}, {"seconds": 1.5})]
RIVALS = ("pgqrs_upstream", "pgmq", "pgqueuer")

SCENARIO = Scenario(
    id="P1",
    title="sequential enqueue",
    note="One coroutine awaits one `enqueue` after the other. The floor is one INSERT a message over asyncpg.",
    runs=[Run(name, STEPS, quick=name in ("ours", "raw")) for name in ("ours", "raw", *RIVALS)],
    rows=[
        Row(
            "P1", "sequential enqueue", Reading("ours", "sequential"), Reading("raw", "sequential"), must=1.0, aim=1.15
        ),
        *(
            Row(f"P1 {name}", "sequential enqueue", Reading("ours", "sequential"), Reading(name, "sequential"))
            for name in RIVALS
        ),
    ],
    repetitions=5,
    plot="Sequential enqueue, messages/s",
)
