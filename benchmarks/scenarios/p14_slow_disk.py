from ..scenario import Reading, Row, Run, Scenario, Step

DELAY = 0.002  # seconds added to every fsync of the server
STEPS = [
    Step(name, "concurrent", {"coroutines": n, "seconds": 4}, {"seconds": 1.5}, fsync_delay=DELAY)
    for name, n in (("sequential", 1), ("1000", 1000))
]

SCENARIO = Scenario(
    id="P14",
    title="a disk that takes 2 ms longer for every fsync",
    note="A library preloaded into the server delays each fsync. Group commit is worth more the slower the disk is.",
    runs=[Run("ours", STEPS), Run("coalescer", STEPS, quick=False)],
    rows=[
        Row(
            "P14", "1000 coroutines / sequential",
            Reading("ours", "1000"), Reading("ours", "sequential"), must=200, aim=600, report=True,
        ),
        Row(
            "P14 coalescer", "naive coalescer, 1000 coroutines / sequential",
            Reading("coalescer", "1000"), Reading("coalescer", "sequential"),
        ),
    ],
)  # fmt: skip
