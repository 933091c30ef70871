from ..scenario import Reading, Row, Run, Scenario, Step

STEPS = [Step("cycle", "cycle", {"seconds": 4}, {"seconds": 1.5})]

SCENARIO = Scenario(
    id="R4",
    title="one message after the other: enqueue, dequeue, archive",
    note=(
        "One coroutine, nothing shared between messages: the most that a message can cost the server, and what "
        "[scaling](scaling.md) calculates with beside the cheaper ways."
    ),
    runs=[Run("ours", STEPS), Run("pgmq", STEPS, quick=False)],
    rows=[
        Row("R4 cycle", "full cycles", Reading("ours", "cycle"), None),
        Row("R4", "full cycles / pgmq", Reading("ours", "cycle"), Reading("pgmq", "cycle")),
    ],
    quick_repetitions=2,
)
