from ..scenario import Reading, Row, Run, Scenario, Step

IN_FLIGHT = (1, 16, 256)
QUICK = {"seconds": 0.5, "warmup": 0.2}
STEPS = [Step(f"{n}", "probe", {"name": "round trip", "in_flight": n, "seconds": 2}, QUICK) for n in IN_FLIGHT]

SCENARIO = Scenario(
    id="B1",
    title="the boundary: operations that do nothing",
    note=(
        "A no-op goes into the library and comes back through the event loop; beside it a future that the loop "
        "completes itself."
    ),
    runs=[Run("ours-sqlite", STEPS), Run("bare", STEPS)],
    rows=[
        Row(
            f"B1 {n}", f"no-ops, {n} in flight / asyncio future",
            Reading("ours-sqlite", f"{n}"), Reading("bare", f"{n}"), unit="op/s",
        )
        for n in IN_FLIGHT
    ],
)  # fmt: skip
