from ..scenario import Reading, Row, Run, Scenario, Step


def steps(backlog: int, quick: int) -> list[Step]:
    params = {"batch": 10, "backlog": backlog, "seconds": 4}
    return [Step(f"{backlog}", "standing", params, {"backlog": quick, "seconds": 1.2}, watchdog=180, analyze=True)]


SMALL, LARGE = steps(1_000, 1_000), steps(500_000, 200_000)

SCENARIO = Scenario(
    id="P8",
    title="fetch 10 and acknowledge, with a small and a large backlog",
    note=(
        "One consumer fetches ten messages and archives them, at a backlog of 1,000 and of 500,000 (quick: 200,000) "
        "that stays: what was taken is put back while the clock stands still."
    ),
    runs=[
        *(Run("ours", steps) for steps in (SMALL, LARGE)),
        *(Run("raw", steps, quick=False, repetitions=2) for steps in (SMALL, LARGE)),
    ],
    rows=[
        Row("P8", "at 500k / at 1k", Reading("ours", "500000"), Reading("ours", "1000"), must=0.9, aim=1.0),
        Row("P8 raw", "raw at 500k / at 1k", Reading("raw", "500000"), Reading("raw", "1000")),
    ],
    plot="Fetch 10 and acknowledge at a backlog, messages/s",
)
