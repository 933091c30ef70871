"""Finding: what one check of doctor came to; and the checks of the database's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ._parser import FAILED


@dataclass(frozen=True)
class Finding:
    """What one check came to."""

    check: str
    state: str
    """"ok", "warning" or "problem"."""
    detail: str
    remedy: str | None = None
    code: int = FAILED


# What an answered enqueue survives depends on these: value, check of the value, danger and remedy.
_DURABILITY: Mapping[str, tuple[frozenset[str], str]] = {
    "fsync": (
        frozenset({"on"}),
        "A crash of the server can lose or damage everything: set fsync = on.",
    ),
    "synchronous_commit": (
        frozenset({"on", "remote_write", "remote_apply", "local"}),
        "A crash of the server loses messages that were reported as stored: set synchronous_commit = on, "
        "for example `alter role ... set synchronous_commit = on`.",
    ),
    "full_page_writes": (
        frozenset({"on"}),
        "A crash can leave torn pages: set full_page_writes = on, unless the file system prevents them.",
    ),
    "journal_mode": (
        frozenset({"wal"}),
        "Another program changed the file's journal: `pragma journal_mode = wal`. A store in memory has none, "
        "and ends with its process: give a file, sqlite:///jobs.db.",
    ),
    "synchronous": (
        frozenset({"full", "extra"}),
        "A power cut loses messages that were reported as stored: `pragma synchronous = full`.",
    ),
}


def of_settings(settings: Mapping[str, str]) -> Iterator[Finding]:
    """What admin.inspect() told."""
    yield Finding("database", "ok", _database(settings))
    yield from _durability(settings)
    if settings["engine"] == "postgres":
        yield _vacuum(settings.get("oldest_snapshot"))


def _database(settings: Mapping[str, str]) -> str:
    if settings["engine"] == "sqlite":
        mode = f", mode {settings['mode']}" if "mode" in settings else ""
        return f"SQLite {settings['version']}, {settings['path']}{mode}"
    names = ("wal_level", "max_connections")
    told = "".join(f", {name} {settings[name]}" for name in names if name in settings)
    pooler = "behind a pooler in transaction mode" if settings["pooler"] == "transaction" else "no pooler"
    return f"PostgreSQL {settings.get('server_version', 'of an unknown version')}{told}, {pooler}"


def _durability(settings: Mapping[str, str]) -> Iterator[Finding]:
    known = {name: settings[name] for name in _DURABILITY if name in settings}
    wrong = {name: value for name, value in known.items() if value not in _DURABILITY[name][0]}
    for name, value in wrong.items():
        yield Finding("durability", "warning", f"{name} is {value}", _DURABILITY[name][1])
    if not wrong:
        yield Finding("durability", "ok", ", ".join(f"{name} {value}" for name, value in known.items()))


def _vacuum(oldest: str | None) -> Finding:
    if oldest is None:
        return Finding("vacuum", "ok", "no backend has held it back for more than a minute")
    pid = oldest.split(",")[0].removeprefix("pid ")
    return Finding(
        "vacuum",
        "warning",
        f"held back by {oldest}",
        f"Dead rows pile up meanwhile, and the queues get slow: end that transaction, or `select "
        f"pg_terminate_backend({pid})`. Against the next one: idle_in_transaction_session_timeout.",
    )
