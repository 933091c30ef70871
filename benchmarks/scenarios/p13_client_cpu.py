from ..scenario import Reading, Row, Run, Scenario, Step

STEPS = [Step("1000", "concurrent", {"coroutines": 1000, "seconds": 4}, {"seconds": 1.2})]
RIVALS = ("coalescer", "raw", "awa", "procrastinate")

SCENARIO = Scenario(
    id="P13",
    title="processor time of the client for concurrent enqueues",
    note="Processor time of the whole client process, all threads, while 1000 coroutines enqueue.",
    runs=[
        *(Run(name, STEPS) for name in ("ours", "pgqrs_upstream")),
        *(Run(name, STEPS, quick=False) for name in RIVALS),
    ],
    rows=[
        Row(
            "P13", "client CPU, 1000 coroutines / upstream",
            Reading("ours", "1000", "client_cpu_us"), Reading("pgqrs_upstream", "1000", "client_cpu_us"),
            must=0.15, aim=0.08, better="lower", unit="us/message",
        ),
        *(
            Row(
                f"P13 {name}", "client CPU, 1000 coroutines", Reading("ours", "1000", "client_cpu_us"),
                Reading(name, "1000", "client_cpu_us"), better="lower", unit="us/message",
            )
            for name in RIVALS
        ),
    ],
)  # fmt: skip
