from ..scenario import Reading, Row, Run, Scenario, Step


def step(**params: int) -> Step:
    return Step(
        "end to end", "end_to_end", {"producers": 100, "concurrency": 100, "seconds": 6, **params},
        {"seconds": 2}, watchdog=60,
    )  # fmt: skip


RIVALS = {"pgqueuer": {"batch": 100}, "awa": {}}

SCENARIO = Scenario(
    id="P6",
    title="end to end: 100 producing coroutines beside a worker in the same process",
    note=(
        "Messages handled per second while 100 coroutines enqueue one message after the other and the worker of the "
        "same process handles them. `behind` in the raw results is how many were waiting at the end."
    ),
    runs=[
        Run("ours", [step()]),
        Run("river", [step()]),
        *(Run(name, [step(**params)], quick=False) for name, params in RIVALS.items()),
    ],
    rows=[
        Row(
            "P6", "handled / River, tuned",
            Reading("ours", "end to end"), Reading("river", "end to end"), must=8, aim=15,
        ),
        *(Row(f"P6 {name}", "handled", Reading("ours", "end to end"), Reading(name, "end to end")) for name in RIVALS),
    ],
    plot="End to end, messages handled per second",
)  # fmt: skip
