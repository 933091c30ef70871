from ..scenario import Reading, Row, Run, Scenario, Step


def run(backlog: int) -> Run:
    step = Step(
        f"{backlog}", "standing", {"batch": 10, "backlog": backlog, "seconds": 5}, {"seconds": 2}, watchdog=1800,
        analyze=True,
    )  # fmt: skip
    return Run("ours", [step])


SCENARIO = Scenario(
    id="R5",
    title="a backlog of ten million (only when it is named)",
    note="As R1, at 10,000,000 messages; storing them takes minutes and some gigabytes.",
    runs=[run(1_000), run(10_000_000)],
    rows=[
        Row("R5", "fetch 10 and acknowledge, 10M / 1k", Reading("ours", "10000000"), Reading("ours", "1000")),
        Row(
            "R5 memory", "memory of the client, 10M / 1k", Reading("ours", "10000000", "rss_mb"),
            Reading("ours", "1000", "rss_mb"), better="lower", unit="MB",
        ),
    ],
    repetitions=1,
    quick_repetitions=1,
    by_name=True,
)  # fmt: skip
