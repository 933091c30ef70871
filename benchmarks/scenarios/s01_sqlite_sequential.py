from ..scenario import Reading, Row, Run, Scenario, Step

FLOOR = Step("F", "probe", {"name": "wal frames", "frames": 3, "seconds": 2}, {"seconds": 1})

SCENARIO = Scenario(
    id="S1",
    title="SQLite: one by one",
    note=(
        "The floor F overwrites three frames of a write-ahead log and calls fdatasync, over and over. A full cycle is "
        "enqueue, dequeue and archive: three commits, of which the claim's is not synced."
    ),
    runs=[
        Run(
            "ours-sqlite",
            [
                Step("enqueue", "concurrent", {"coroutines": 1, "seconds": 2}, {"seconds": 1}),
                Step("cycle", "cycle", {"seconds": 2}, {"seconds": 1}),
            ],
        ),
        Run("bare", [FLOOR]),
    ],
    rows=[
        Row(
            "S1", "sequential enqueue / F", Reading("ours-sqlite", "enqueue"), Reading("bare", "F"), must=0.40, aim=0.5
        ),
        Row("S1 cycle", "full cycles / F", Reading("ours-sqlite", "cycle"), Reading("bare", "F"), must=0.13, aim=0.2),
    ],
    repetitions=9,  # what a sync takes changes from minute to minute
)
