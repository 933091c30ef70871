from dataclasses import replace

from ..scenario import Reading, Row, Run, Scenario, Step

WAKEUP = Step("wake-up", "wakeup", {"messages": 300}, {"messages": 60}, watchdog=120)
FEWER = replace(WAKEUP, params={"messages": 120})
# Idle since a while: who looks at longer and longer intervals has come to the longest.
IDLE = Step("idle", "idle", {"seconds": 30, "warmup": 8}, {"seconds": 10})
# Ours does its maintenance once a minute, more or less.
MINUTES = replace(IDLE, params={"seconds": 60, "warmup": 8}, watchdog=120)
RIVALS = ("pgqrs_upstream", "pgqueuer", "river")

SCENARIO = Scenario(
    id="P7",
    title="wake-up of an idle consumer",
    note=(
        "A message is enqueued at a random instant while the one consumer waits; from before the enqueue until the "
        "consumer holds the message, leased and committed. The floor: INSERT and NOTIFY in one statement, LISTEN, and "
        "one DELETE … RETURNING. Then a consumer waits for nothing, and once it has waited for a while, its statements "
        "are counted."
    ),
    runs=[
        Run("ours", [WAKEUP]),
        Run("raw-notify", [WAKEUP]),
        *(Run(name, [FEWER], quick=False, repetitions=3) for name in RIVALS),
        Run("ours", [MINUTES], repetitions=2),
        *(Run(name, [IDLE], quick=False, repetitions=1) for name in RIVALS),
    ],
    repetitions=5,  # the 99th percentile is the third-slowest of a run, of which one says little
    rows=[
        *(
            Row(
                f"P7 {p}", f"wake-up {p} / raw LISTEN p50",
                Reading("ours", "wake-up", f"{p}_ms"), Reading("raw-notify", "wake-up", "p50_ms"),
                must=must, aim=aim, better="lower", unit="ms",
            )
            for p, must, aim in (("p50", 1.5, 1.2), ("p99", 4, 2.5))
        ),
        Row(
            "P7 idle", "statements per second of an idle process",
            Reading("ours", "idle", "statements_per_second"), None, must=0.5, aim=0.2, better="lower", unit="/s",
        ),
        *(
            Row(
                f"P7 {name} {metric}", title, Reading("ours", step, metric), Reading(name, step, metric),
                better="lower", unit=unit,
            )
            for name in RIVALS
            for title, step, metric, unit in (
                ("wake-up p50", "wake-up", "p50_ms", "ms"),
                ("wake-up p99", "wake-up", "p99_ms", "ms"),
                ("idle statements", "idle", "statements_per_second", "/s"),
            )
        ),
    ],
)  # fmt: skip
