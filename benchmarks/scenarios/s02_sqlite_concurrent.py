from ..scenario import Reading, Row, Run, Scenario, Step

TARGETS = ((100, 0.25, 0.4), (1000, 0.2, 0.35))
OURS = [Step(f"{n}", "concurrent", {"coroutines": n, "seconds": 3}, {"seconds": 1.2}) for n, _, _ in TARGETS]
FLOOR = [
    Step(f"{n}", "probe", {"name": "sqlite values", "rows": n, "seconds": 3}, {"seconds": 1.2}) for n, _, _ in TARGETS
]

SCENARIO = Scenario(
    id="S2",
    title="SQLite: concurrent single enqueues",
    note=(
        "Coroutines that each await one `enqueue` after the other, against a Go program over the same driver that "
        "inserts as many rows by one `INSERT … VALUES (…), (…)` a transaction into a bare table."
    ),
    runs=[Run("ours-sqlite", OURS), Run("sql-sqlite", FLOOR)],
    rows=[
        Row(
            f"S2 {n}", f"{n} coroutines / rows by {n} a statement in Go",
            Reading("ours-sqlite", f"{n}"), Reading("sql-sqlite", f"{n}"), must=must, aim=aim,
        )
        for n, must, aim in TARGETS
    ],
    plot="SQLite: concurrent single enqueues, messages/s",
)  # fmt: skip
