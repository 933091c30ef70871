from ..scenario import Reading, Row, Run, Scenario, Step

TARGETS = ((100, 0.25, 0.4), (1000, 0.2, 0.35))
OURS = [Step(f"{n}", "concurrent", {"coroutines": n, "seconds": 3}, {"seconds": 1.2}) for n, _, _ in TARGETS]
FLOORS = {"rows of a queue": "queue", "bare rows": "bare"}


def floor(rows: str) -> list[Step]:
    return [
        Step(f"{FLOORS[rows]} {n}", "probe", {"name": f"sqlite {rows}", "rows": n, "seconds": 3}, {"seconds": 1.2})
        for n, _, _ in TARGETS
    ]


SCENARIO = Scenario(
    id="S2",
    title="SQLite: concurrent single enqueues",
    note=(
        "Coroutines that each await one `enqueue` after the other, against a Go program over the same driver that "
        "inserts as many rows by one `INSERT … VALUES (…), (…)` a transaction. The targets are set against rows of a "
        "queue: the columns of a message and the index it is found by, which is the table that their figures were "
        "measured on. The bare table has an id and a payload, and no index."
    ),
    runs=[Run("ours-sqlite", OURS), Run("sql-sqlite", [step for rows in FLOORS for step in floor(rows)])],
    rows=[
        Row(
            f"S2 {n}", f"{n} coroutines / rows of a queue by {n} a statement in Go",
            Reading("ours-sqlite", f"{n}"), Reading("sql-sqlite", f"queue {n}"), must=must, aim=aim,
        )
        for n, must, aim in TARGETS
    ]
    + [
        Row(
            f"S2 {n} bare", f"{n} coroutines / rows of a bare table by {n} a statement in Go",
            Reading("ours-sqlite", f"{n}"), Reading("sql-sqlite", f"bare {n}"),
        )
        for n, _, _ in TARGETS
    ],
    plot="SQLite: concurrent single enqueues, messages/s",
)  # fmt: skip
