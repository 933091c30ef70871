from ..scenario import Reading, Row, Run, Scenario, Step


def run(contender: str, size: int, batch: int, messages: int) -> Run:
    step = Step(
        f"{size or 60} B by {batch}", "store_and_drain", {"messages": messages, "batch": batch},
        {"messages": messages // 2}, watchdog=120, checkpoint=True,
    )  # fmt: skip
    return Run(contender, [step], options={"payload_bytes": size})


SIZES = ((0, 500, 50_000), (2048, 100, 10_000))

SCENARIO = Scenario(
    id="P12",
    title="WAL of a full cycle",
    note=(
        "Enqueued, claimed and archived: payloads of 60 bytes by 500, and of 2 KB that do not compress by 100. A "
        "checkpoint comes first. The floor inserts and deletes; it keeps no archive."
    ),
    runs=[run(contender, *size) for size in SIZES for contender in ("core", "sql")],
    rows=[
        Row(
            "P12 60 B", "WAL bytes of a full cycle, 60 B by 500",
            Reading("core", "60 B by 500", "wal_bytes_per_message"), None,
            must=1250, aim=500, better="lower", unit="bytes",
        ),
        Row(
            "P12 2 KB", "WAL of a full cycle, 2 KB by 100 / the floor's",
            Reading("core", "2048 B by 100", "wal_bytes_per_message"),
            Reading("sql", "2048 B by 100", "wal_bytes_per_message"),
            must=2.3, aim=1.05, better="lower", unit="bytes",
        ),
        Row(
            "P12 60 B floor", "WAL of a full cycle, 60 B by 500 / the floor's",
            Reading("core", "60 B by 500", "wal_bytes_per_message"),
            Reading("sql", "60 B by 500", "wal_bytes_per_message"), better="lower", unit="bytes",
        ),
    ],
)  # fmt: skip
