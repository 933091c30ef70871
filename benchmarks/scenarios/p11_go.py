from ..scenario import Reading, Row, Run, Scenario, Step

BATCH = 500
ENQUEUE = Step("enqueue", "concurrent", {"coroutines": 2000, "seconds": 4}, {"seconds": 1.5})
INSERT = Step("enqueue", "batches", {"size": BATCH, "seconds": 4}, {"seconds": 1.5})
CYCLE = Step("cycle", "store_and_drain", {"messages": 100_000, "batch": BATCH}, {"messages": 40_000}, watchdog=120)
STEADY = Step("steady", "steady", {"batch": BATCH, "claimers": 2, "seconds": 5}, {"seconds": 2})

SCENARIO = Scenario(
    id="P11",
    title="the Go core beside bare SQL in Go",
    note=(
        "The floors: rows inserted by 500 through `unnest` on one connection (F_ins), and 100,000 rows (quick: 40,000) "
        "inserted and then deleted by 500 on one connection, rows by the total time (F_cyc). Ours: 2,000 goroutines "
        "each enqueue one message after the other; the same 100,000 enqueued, claimed and archived by 500; one "
        "producer beside two claimers, by 500."
    ),
    runs=[Run("core", [ENQUEUE]), Run("sql", [INSERT]), Run("core", [CYCLE, STEADY]), Run("sql", [CYCLE])],
    rows=[
        Row(
            "P11 enqueue", "concurrent Enqueue / F_ins",
            Reading("core", "enqueue"), Reading("sql", "enqueue"), must=0.5, aim=0.8,
        ),
        Row(
            "P11 cycle", "enqueue, claim, archive by 500 / F_cyc",
            Reading("core", "cycle"), Reading("sql", "cycle"), must=0.22, aim=0.45,
        ),
        Row(
            "P11 steady", "1 producer and 2 claimers / F_cyc",
            Reading("core", "steady"), Reading("sql", "cycle"), must=0.3, aim=0.6,
        ),
        Row(
            "P11 CPU", "client CPU of a full cycle",
            Reading("core", "cycle", "client_cpu_us"), None, must=4, aim=2.5, better="lower", unit="us/message",
        ),
        Row(
            "P11 fsyncs", "fsyncs a message of concurrent Enqueue",
            Reading("core", "enqueue", "fsyncs_per_message"), None, better="lower", unit="",
        ),
        Row(
            "P11 CPU enqueue", "client CPU of a concurrent Enqueue", Reading("core", "enqueue", "client_cpu_us"),
            Reading("sql", "enqueue", "client_cpu_us"), better="lower", unit="us/message",
        ),
    ],
    plot="The Go core and bare SQL, messages/s",
)  # fmt: skip
