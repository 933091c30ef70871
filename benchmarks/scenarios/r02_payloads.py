from collections.abc import Iterator

from ..scenario import Reading, Row, Run, Scenario, Step

SIZES = {"2 KB": (2048, 100, 20_000), "200 KB": (204_800, 10, 600)}
CONTENDERS = ("ours", "raw")


def steps(label: str, batch: int, backlog: int) -> Iterator[Step]:
    yield Step(f"enqueue {label}", "concurrent", {"coroutines": 100, "seconds": 3}, {"seconds": 1.2})
    yield Step(
        f"drain {label}", "drain", {"batch": batch, "backlog": backlog, "seconds": 3, "warmup": 2},
        {"seconds": 1.2, "backlog": backlog // 4}, watchdog=120,
    )  # fmt: skip


SCENARIO = Scenario(
    id="R2",
    title="payloads of 2 KB and 200 KB",
    note=(
        "Payloads that do not compress: 100 coroutines enqueue one by one; one consumer fetches, decodes and "
        "acknowledges by 100 (2 KB) and by 10 (200 KB). The floor keeps no archive."
    ),
    runs=[
        Run(name, list(steps(label, batch, backlog)), options={"payload_bytes": size, "read": True})
        for label, (size, batch, backlog) in SIZES.items()
        for name in CONTENDERS
    ],
    rows=[
        Row(f"R2 {step} {label}", f"{step} {label} / raw", Reading("ours", name), Reading("raw", name))
        for label in SIZES
        for step in ("enqueue", "drain")
        for name in (f"{step} {label}",)
    ],
    quick_repetitions=1,
    plot="Large payloads, messages/s",
)
