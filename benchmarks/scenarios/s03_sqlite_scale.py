from ..scenario import Reading, Row, Run, Scenario, Step


def dequeue(backlog: int, quick: int) -> Run:
    params = {"batch": 1, "acknowledge": False, "backlog": backlog, "seconds": 3}
    return Run("ours-sqlite", [Step(f"{backlog}", "standing", params, {"backlog": quick, "seconds": 1}, watchdog=240)])


FLEET = Step(
    "fleet", "fleet", {"processes": 4, "consumers": 1, "produce": True, "backlog": 1000, "seconds": 5},
    {"seconds": 2}, watchdog=60,
)  # fmt: skip
COMMITS = Step("commits", "concurrent", {"coroutines": 1, "seconds": 1})

SCENARIO = Scenario(
    id="S3",
    title="SQLite: a large backlog, fsyncs, four processes",
    note=(
        "`dequeue(1)` alone is timed at a backlog of 1,000 and of 1,000,000 (quick: 200,000). fsyncs are those of the "
        "process while it enqueues one by one, counted by the kernel; the target is one, with room for checkpoints. "
        "Four processes on one file each enqueue, dequeue and archive one message after the other; the wait is the "
        "longest of any single call."
    ),
    runs=[
        dequeue(1000, 1000),
        dequeue(1_000_000, 200_000),
        Run("ours-sqlite", [COMMITS], count_syncs=True),
        Run("ours-sqlite", [FLEET]),
    ],
    quick_repetitions=2,
    rows=[
        Row(
            "S3 backlog", "dequeue 1 at a backlog of 1M / of 1k",
            Reading("ours-sqlite", "1000000"), Reading("ours-sqlite", "1000"), must=0.8, aim=0.9,
        ),
        Row(
            "S3 fsync", "fsyncs a commit", Reading("ours-sqlite", "commits", "fsyncs_per_message"), None,
            must=1.05, aim=1.01, better="lower", unit="",
        ),
        Row(
            "S3 fair", "four processes: slowest / fastest",
            Reading("ours-sqlite", "fleet", "slowest_share"), None, must=0.5, aim=0.9, unit="",
        ),
        Row(
            "S3 wait", "four processes: the longest wait",
            Reading("ours-sqlite", "fleet", "worst_wait_ms"), None, must=250, aim=50, better="lower", unit="ms",
        ),
        Row("S3 rate", "four processes: full cycles", Reading("ours-sqlite", "fleet"), None),
    ],
)  # fmt: skip
