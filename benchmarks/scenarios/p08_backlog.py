from ..scenario import Reading, Row, Run, Scenario, Step


def steps(backlog: int, quick: int) -> list[Step]:
    params = {"batch": 10, "backlog": backlog, "seconds": 4, "warmup": 5}
    return [Step(f"{backlog}", "drain", params, {"backlog": quick, "seconds": 1.5}, watchdog=180, analyze=True)]


SMALL, LARGE = steps(1_000, 1_000), steps(500_000, 200_000)

SCENARIO = Scenario(
    id="P8",
    title="fetch 10 and acknowledge, with a small and a large backlog",
    note=(
        "One consumer fetches ten messages and archives them, at a backlog of 1,000 and of 500,000 (quick: 200,000). "
        "The small one is measured until it is gone."
    ),
    runs=[Run(name, steps) for steps in (SMALL, LARGE) for name in ("ours", "raw", "pgmq")],
    rows=[
        Row("P8", "at 500k / at 1k", Reading("ours", "500000"), Reading("ours", "1000"), must=0.9, aim=1.0),
        *(
            Row(f"P8 {name}", f"{name} at 500k / at 1k", Reading(name, "500000"), Reading(name, "1000"))
            for name in ("raw", "pgmq")
        ),
    ],
    plot="Fetch 10 and acknowledge at a backlog, messages/s",
)
