"""Calls the functions of the library with anything but what they want.

    malformed.py SEED CALLS

Handles are zero, invented, closed or of another kind; pointers are NULL or lead to
zeroed structures of any stated size; texts state any length. (Pointers to nowhere
are not tried: no library survives those.) Every call must return a status that is
neither an internal error nor a poisoned library, and the process must live. Prints
the statuses and how often each came.
"""

from __future__ import annotations

import ctypes
import random
import sys
from collections import Counter
from typing import Any

from pgqrs._native import _abi, lib
from pgqrs._native._status import STATUS

ROOM = 1 << 20  # what a pointer leads to, so that a lying size stays inside
NUMBERS = (0, 1, 2, 7, -1, -2, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
WAITS = (0, 1, -2, -(2**63))  # -1 waits for ever, as it should
COUNTS = (0, 1, 2, 50, 100_001, 2**32 - 1)
LENGTHS = (0, 1, 5, 2000, 2**40, 2**64 - 1)
TEXTS = (b"tasks", b"\x00\x01", b"sqlite::memory:", b"{}", b"[1,", b"\xff" * 60, b"postgresql://nobody@127.0.0.1:1/")
LEFT_OUT = {"pgqrs_shutdown_wait", "pgqrs_runtime_wait"}  # they end or begin everything
UNFIT = {"INTERNAL", "POISONED"}


class Fuzzer:
    """Handles of every kind, and random calls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.library: Any = lib()
        self.valid: list[int] = []
        self.fit: dict[str, int] = {}  # by kind, the newest
        self.closed: list[int] = []
        self.memory = ctypes.create_string_buffer(ROOM)
        self.kept: list[Any] = []

    def refill(self) -> None:
        """A store, workers and a completion queue that are open."""
        out, error = ctypes.c_uint64(), ctypes.c_uint64()
        dsn, name = self.text(b"sqlite::memory:"), self.text(b"tasks")
        options = _abi.CqOptions(struct_size=ctypes.sizeof(_abi.CqOptions))
        self.library.pgqrs_cq_open(ctypes.byref(options), ctypes.byref(out))
        self.fit["cq"] = out.value
        self.library.pgqrs_store_open_wait(ctypes.byref(dsn), 5000, ctypes.byref(out), ctypes.byref(error))
        store = out.value
        self.fit["store"] = store
        self.library.pgqrs_queue_create_wait(store, ctypes.byref(name), 5000, ctypes.byref(error))
        for kind in ("producer", "consumer"):
            open_worker = getattr(self.library, f"pgqrs_{kind}_open_wait")
            open_worker(store, ctypes.byref(name), 5000, ctypes.byref(out), ctypes.byref(error))
            self.fit[kind] = out.value
        self.valid = [*self.valid[-8:], *self.fit.values()]

    def text(self, data: bytes, length: int | None = None) -> Any:
        return _abi.Str(data=data, len=len(data) if length is None else length)

    def handle(self) -> int:
        match self.random.randrange(10):
            case 0:
                return 0
            case 1:
                return self.random.getrandbits(64)
            case 2 if self.valid:
                return self.random.choice(self.valid) ^ (1 << self.random.randrange(64))
            case 3 if self.closed:
                return self.random.choice(self.closed)
        return self.random.choice(self.valid) if self.valid else 1

    def wanted(self, name: str, position: int) -> str:
        """The kind of handle that a function wants at a place."""
        if position > 0 or name.startswith("pgqrs_cq_"):
            return "cq"
        if name.startswith("pgqrs_enqueue"):
            return "producer"
        verbs = ("dequeue", "archive", "delete", "extend_vt", "release", "consumer_losses", "consumer_keep")
        if name.removeprefix("pgqrs_").removesuffix("_wait") in verbs:
            return "consumer"
        states = ("id", "heartbeat", "suspend", "resume", "shutdown", "status", "interrupt", "poll")
        if name.startswith("pgqrs_worker_") and name.removeprefix("pgqrs_worker_") in states:
            return self.random.choice(("producer", "consumer"))
        return "store"

    def argument(self, kind: Any, waits: bool) -> Any:
        if kind is ctypes.c_uint64:
            return self.handle()
        if kind is ctypes.c_uint32:
            return self.random.choice(COUNTS)
        if kind in (ctypes.c_int32, ctypes.c_int64):
            chosen = self.random.choice(WAITS if waits else NUMBERS)
            return kind(chosen)
        if self.random.random() < 0.2:
            return None
        return ctypes.cast(self.target(kind._type_), kind)

    def target(self, pointed: Any) -> Any:
        """What a pointer leads to: a structure with room behind it."""
        room = ctypes.create_string_buffer(self.memory.raw[: 1 << 13], 1 << 13)
        self.kept = [*self.kept[-64:], room]
        if pointed is _abi.Str:
            long = ctypes.create_string_buffer(self.random.choice(TEXTS), 1 << 12)
            self.kept.append(long)
            texts = ctypes.cast(room, ctypes.POINTER(_abi.View))
            for n in range(64):
                texts[n].data, texts[n].len = ctypes.addressof(long), self.random.choice(LENGTHS)
                if self.random.random() < 0.1:
                    texts[n].data = None
        elif hasattr(pointed, "_fields_") and pointed._fields_[0][0] == "struct_size":
            size = ctypes.sizeof(pointed)
            stated = self.random.choice((size, size, size, 0, 1, 3, size - 4, size + 8, 4096, 2**32 - 1))
            ctypes.memmove(room, stated.to_bytes(4, "little"), 4)
            if pointed is _abi.EnqueueOptions and stated == size:
                keys = ctypes.cast(room, ctypes.POINTER(_abi.EnqueueOptions)).contents
                keys.dedup_keys = self.argument(ctypes.POINTER(_abi.Str), waits=False)
        return room

    def call(self) -> str:
        name = self.random.choice([n for n in _abi.FUNCTIONS if n not in LEFT_OUT])
        restype, kinds = _abi.FUNCTIONS[name]
        arguments = [self.argument(kind, name.endswith("_wait")) for kind in kinds]
        for position, kind in enumerate(kinds):
            if kind is ctypes.c_uint64 and name != "pgqrs_close" and self.random.random() < 0.8:
                arguments[position] = self.fit[self.wanted(name, position)]
        if name == "pgqrs_cq_poll":  # its last argument says how much room there is
            arguments[2] = self.random.choice((0, 1, 50))
        if name == "pgqrs_close":
            self.closed = [*self.closed[-100:], arguments[0]]
        result = getattr(self.library, name)(*arguments)
        if restype is not ctypes.c_int32:
            return "not a status"
        status = int(result)
        return STATUS[status][0] if status in STATUS else ("OK" if status >= 0 else str(status))


def main(seed: int, calls: int) -> None:
    fuzzer = Fuzzer(seed)
    seen: Counter[str] = Counter()
    for n in range(calls):
        if n % 500 == 0:
            fuzzer.refill()
        seen[fuzzer.call()] += 1
    print(dict(seen.most_common()))
    if unfit := UNFIT & set(seen):
        sys.exit(f"statuses that have no place here: {unfit}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
