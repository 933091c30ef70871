from ..scenario import Reading, Row, Run, Scenario
from .b01_boundary import IN_FLIGHT, STEPS

BINDINGS = {
    "binding-c": "C",
    "binding-cpp": "C++",
    "binding-go": "Go by purego",
    "binding-node": "Node.js",
    "ours-sqlite": "Python",
}

SCENARIO = Scenario(
    id="B3",
    title="the boundary from every language",
    note=(
        "A no-op is submitted and its completion awaited, in the manner of each language: a loop in C, callbacks in "
        "C++, goroutines, promises, coroutines. Beside it the Go core called directly by as many goroutines: "
        "Store.Activity, its only call that asks no database."
    ),
    runs=[Run("core-sqlite", STEPS), *(Run(name, STEPS) for name in BINDINGS)],
    rows=[
        Row(
            f"B3 {title} {n}", f"no-ops from {title}, {n} in flight / the core's own calls",
            Reading(name, f"{n}"), Reading("core-sqlite", f"{n}"), unit="op/s",
        )
        for name, title in BINDINGS.items() for n in IN_FLIGHT
    ],
)  # fmt: skip
