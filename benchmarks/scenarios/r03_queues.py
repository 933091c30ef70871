from ..scenario import Reading, Row, Run, Scenario, Step

COUNTS = (1, 4, 16)


def step(queues: int) -> Step:
    params = {"queues": queues, "producers": 256, "consumers": 16, "backlog": 16_000, "seconds": 4}
    return Step(f"{queues}", "queues", params, {"seconds": 1.5})


SCENARIO = Scenario(
    id="R3",
    title="1, 4 and 16 queues at once",
    note="256 coroutines that enqueue one by one and 16 consumers that fetch by 50, spread over the queues.",
    runs=[Run("ours", [step(count)]) for count in COUNTS],
    rows=[
        Row(f"R3 {count}", f"{count} queues / one", Reading("ours", f"{count}"), Reading("ours", "1"))
        for count in COUNTS[1:]
    ],
    quick_repetitions=2,
    plot="Several queues at once, messages/s",
)
