from ..scenario import Reading, Row, Run, Scenario, Step


def step(processes: int) -> Step:
    params = {"processes": processes, "consumers": 8, "work_ms": 1, "backlog": 100_000, "seconds": 5}
    return Step(
        f"{8 * processes} in {processes}",
        "fleet",
        params,
        {"seconds": 2, "backlog": 30_000},
        watchdog=120,
        analyze=True,
    )


SCENARIO = Scenario(
    id="P10",
    title="a fleet: 64 consumers in 8 processes",
    note=(
        "Every consumer fetches one message, works for a millisecond (asleep, as with network I/O) and archives it. "
        "`slowest_share` in the raw results is the slowest process against the fastest."
    ),
    runs=[Run("ours", [step(8)]), Run("ours", [step(2)])],
    rows=[
        Row(
            "P10", "64 consumers in 8 processes / 16 in 2 ",
            Reading("ours", "64 in 8"), Reading("ours", "16 in 2"), must=1.0, aim=1.5, report=True,
        ),
        Row("P10 fair", "slowest / fastest of 8 processes", Reading("ours", "64 in 8", "slowest_share"), None, unit=""),
    ],
    quick_repetitions=2,
    plot="A fleet of consumers, messages/s",
)  # fmt: skip
