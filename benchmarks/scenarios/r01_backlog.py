from ..scenario import Reading, Row, Run, Scenario, Step

BACKLOG = Step("1000000", "standing", {"batch": 10, "backlog": 1_000_000, "seconds": 5}, watchdog=300, analyze=True)
SMALL = Step("1000", "standing", {"batch": 10, "backlog": 1000, "seconds": 5}, {"seconds": 1.5}, analyze=True)

SCENARIO = Scenario(
    id="R1",
    title="a backlog of a million",
    note="As P8, at 1,000,000 messages (full mode only), and the memory of the client process at the end.",
    runs=[Run("ours", [SMALL]), Run("ours", [BACKLOG], quick=False, repetitions=1)],
    rows=[
        Row("R1", "fetch 10 and acknowledge, 1M / 1k", Reading("ours", "1000000"), Reading("ours", "1000")),
        Row(
            "R1 memory", "memory of the client, 1M / 1k", Reading("ours", "1000000", "rss_mb"),
            Reading("ours", "1000", "rss_mb"), better="lower", unit="MB",
        ),
        Row("R1 small", "fetch 10 and acknowledge at 1k", Reading("ours", "1000"), None),
    ],
    quick_repetitions=1,
)  # fmt: skip
