from ..scenario import Reading, Row, Run, Scenario, Step

STEPS = [Step("start", "probe", {"name": "start", "seconds": 3, "warmup": 0}, {"seconds": 1})]
TARGETS = (
    ("import", "import pgqrs, without loading the library", "import_ms", 60, 40, "ms"),
    ("connect", "loading the library and the first connection", "connect_ms", 60, 40, "ms"),
    ("memory", "memory that both add", "added_mb", 20, 15, "MB"),
    ("library", "size of the library", "library_mb", 24, 18, "MB"),
)

SCENARIO = Scenario(
    id="B2",
    title="starting up",
    note="Fresh interpreters that have asyncio and uvloop already; medians.",
    runs=[Run("ours", STEPS), Run("ours-sqlite", STEPS)],
    rows=[
        *(
            Row(
                f"B2 {key}", title, Reading("ours", "start", metric), None,
                must=must, aim=aim, better="lower", unit=unit,
            )
            for key, title, metric, must, aim, unit in TARGETS
        ),
        *(
            Row(
                f"B2 {key} SQLite", f"{title}, SQLite", Reading("ours-sqlite", "start", metric), None,
                better="lower", unit=unit,
            )
            for key, title, metric, _, _, unit in TARGETS[1:3]
        ),
    ],
)  # fmt: skip
