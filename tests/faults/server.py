#!/usr/bin/env python3
"""A private PostgreSQL server that can be killed, restarted, copied and promoted.

    server.py [name=value...]   start a server with these settings and print its DSN

Then one command a line on standard input, answered by one line on standard output:

    kill       SIGKILL the postmaster and every process of the server
    start      start the server again, on the same port: it recovers from its log
    standby    copy the server to a second one, which streams from it: its DSN
    promote    make the second server the one that can be written to

The servers end when standard input does. Durability is on, as in
tests/harness/pgcluster.py, whose cluster this is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "harness"))

from pgcluster import PORT_ATTEMPTS, Cluster, ClusterError, free_port, raise_exit

GONE_SECONDS = 20.0


class Node(Cluster):
    """A server whose end is part of the test."""

    def __init__(self) -> None:
        super().__init__()
        # PATH may hold links to some programs of an installation only.
        home = (self.bindir / "postgres").resolve().parent
        if (home / "initdb").exists():
            self.bindir = home

    def launch(self, settings: list[str]) -> None:
        """Makes the data directory and starts the first time."""
        self.initialise()
        self.configure(settings)
        self.begin()

    def configure(self, settings: list[str]) -> None:
        with (self.data / "postgresql.conf").open("a") as conf:
            for setting in settings:
                name, _, value = setting.partition("=")
                conf.write(f"{name} = '{value}'\n")

    def begin(self) -> None:
        for _ in range(PORT_ATTEMPTS):
            self.port = free_port()
            if self.try_start():
                return
        raise ClusterError(f"the server did not start:\n{self.log_tail()}")

    def again(self) -> None:
        if not self.try_start():
            raise ClusterError(f"the server did not start again:\n{self.log_tail()}")

    def ready(self) -> bool:
        """A killed server leaves its pid file behind, so the process must be ours."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # A server that is starting may have made the file and not written it yet.
        return bool(self.server) and lines[:1] == [str(self.server.pid)] and super().ready()  # type: ignore[union-attr]

    def processes(self) -> list[int]:
        """The postmaster and its children."""
        assert self.server is not None
        found = [self.server.pid]
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self.server.pid:
                    found.append(int(stat.parent.name))
        return found

    def kill(self) -> None:
        assert self.server is not None
        processes = self.processes()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.wait()
        deadline = time.monotonic() + GONE_SECONDS
        while any(Path(f"/proc/{pid}").exists() for pid in processes):
            if time.monotonic() > deadline:
                raise ClusterError("a killed server process does not go away")
            time.sleep(0.002)
        self.server = None

    def copy(self) -> Node:
        """A standby that streams from this server."""
        other = Node()
        source = f"{self.dsn}?application_name=standby"
        backup = other.popen("pg_basebackup", "-D", str(other.data), "-d", source, "-R", "-X", "stream", "-c", "fast")
        if backup.wait() != 0:
            raise ClusterError(f"pg_basebackup failed:\n{other.log_tail()}")
        other.configure([f"unix_socket_directories={other.directory}", "synchronous_standby_names="])
        other.begin_standby()
        return other

    def begin_standby(self) -> None:
        self.port = free_port()
        self.server = self.popen("postgres", "-D", str(self.data), "-p", str(self.port))
        deadline = time.monotonic() + GONE_SECONDS
        while self.server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, IndexError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                # "standby" is what a server writes that accepts only readers.
                if lines[7].strip() in ("standby", "ready"):
                    return
            time.sleep(0.02)
        raise ClusterError(f"the standby did not start:\n{self.log_tail()}")

    def promote(self) -> None:
        if self.popen("pg_ctl", "promote", "-w", "-D", str(self.data)).wait() != 0:
            raise ClusterError(f"the standby was not promoted:\n{self.log_tail()}")


def main(settings: list[str]) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, raise_exit)
    node = Node()
    nodes = [node]
    try:
        node.launch(settings)
        print(node.dsn, flush=True)
        for line in sys.stdin:
            answer = "done"
            match line.strip():
                case "kill":
                    node.kill()
                case "start":
                    node.again()
                case "standby":
                    nodes.append(node.copy())
                    answer = nodes[-1].dsn
                case "promote":
                    nodes[-1].promote()
                case other:
                    raise ClusterError(f"no command {other!r}")
            print(answer, flush=True)
    finally:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        for each in nodes:
            each.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ClusterError as problem:
        print(f"server: {problem}", file=sys.stderr)
        sys.exit(1)
