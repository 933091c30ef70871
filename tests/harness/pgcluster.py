#!/usr/bin/env python3
"""A private PostgreSQL cluster for the tests of every language.

    pgcluster.py run [--] CMD...   start a server, run CMD with PGQRS_TEST_DSN set,
                                   stop the server, exit with CMD's exit code
    pgcluster.py serve             start a server, print its DSN on one line, and
                                   keep it until standard input reaches its end

The cluster is fresh, listens on 127.0.0.1 (a free port) and a unix socket, and
disappears with its starter: `run` is a client of `serve`, `serve` ends when its
standard input does, and the server ends with `serve` (on Linux even after a
SIGKILL). Durability stays on (fsync, synchronous_commit): tests must see what
users see.

Where PGQRS_TEST_DSN is set already, that server is used and none is started.
PGQRS_PG_BINDIR names the directory of `initdb` and `postgres` to use; otherwise
PATH and the usual places are searched, and at last an ordinary package manager
is asked to install the server.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import glob
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

DSN_VARIABLE = "PGQRS_TEST_DSN"
BINDIR_VARIABLE = "PGQRS_PG_BINDIR"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
PORT_ATTEMPTS = 5

SETTINGS = """
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
log_min_duration_statement = -1
"""


class ClusterError(Exception):
    """The server cannot be had; the text says what mends it."""


def say(text: str) -> None:
    print(f"pgcluster: {text}", file=sys.stderr, flush=True)


# --- binaries -----------------------------------------------------------------


def find_bindir() -> Path | None:
    """The directory that holds initdb and postgres, the newest version first."""
    wanted = os.environ.get(BINDIR_VARIABLE)
    if wanted:
        if not has_server(Path(wanted)):
            raise ClusterError(f"{BINDIR_VARIABLE}={wanted} holds no initdb and postgres")
        return Path(wanted)
    candidates = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    for pattern in (
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/usr/libexec/postgresql*",
        "/usr/local/pgsql/bin",
        "/usr/local/bin",
        "/opt/homebrew/opt/postgresql*/bin",
        "/usr/local/opt/postgresql*/bin",
        "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    ):
        candidates += [Path(p) for p in sorted(glob.glob(pattern), key=version_of, reverse=True)]
    return next((c for c in candidates if has_server(c)), None)


def has_server(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres"))


def version_of(path: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", path))


def install_commands() -> list[list[str]]:
    """The commands by which this machine's package manager installs the server."""
    if os.geteuid() == 0:
        if shutil.which("apt-get"):
            return [
                ["apt-get", "update"],
                ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"],
            ]
        if shutil.which("dnf"):
            return [["dnf", "install", "-y", "postgresql-server", "postgresql-contrib"]]
        if shutil.which("apk"):
            return [["apk", "add", "postgresql", "postgresql-contrib"]]
    elif shutil.which("brew"):  # brew refuses to run as root
        return [["brew", "install", "postgresql"]]
    return []


def require_bindir() -> Path:
    """find_bindir, installing the server where it is missing."""
    found = find_bindir()
    if found:
        return found
    # Several test binaries may come here at once; only one of them installs.
    with open(__file__, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = find_bindir()
        if found:
            return found
        commands = install_commands()
        for command in commands:
            say(f"no PostgreSQL server found, running: {' '.join(command)}")
            env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env, check=False)
            if done.returncode != 0:
                say(f"{command[0]} ended with status {done.returncode}")
    found = find_bindir()
    if found:
        return found
    raise ClusterError(
        "no PostgreSQL server binaries found. Install PostgreSQL 13 or later (for example `apt-get install "
        f"postgresql` as root), or set {BINDIR_VARIABLE} to the directory of initdb and postgres, or set "
        f"{DSN_VARIABLE} to a server whose superuser the tests may use."
    )


# --- the server ---------------------------------------------------------------


def server_account() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for ourselves; PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ClusterError("running as root, and neither user postgres nor nobody exists to run the server as")


def die_with_parent(parent: int) -> Callable[[], None] | None:
    """A hook for the server's process, run after it changed its user.

    It asks the kernel to send SIGQUIT, an immediate shutdown, when the parent
    dies, because a killed parent cannot stop anything any more. It comes last
    because a change of user withdraws the request.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    pr_set_pdeathsig = 1

    def hook() -> None:
        libc.prctl(pr_set_pdeathsig, signal.SIGQUIT)
        if os.getppid() != parent:  # it died before the request
            os._exit(1)

    return hook


class Cluster:
    """One data directory and the server on it."""

    def __init__(self) -> None:
        self.bindir = require_bindir()
        self.account = server_account()
        self.server: subprocess.Popen[bytes] | None = None
        self.port = 0
        # A unix socket's path has room for about 100 bytes, less than some TMPDIRs.
        base = tempfile.gettempdir()
        self.directory = Path(tempfile.mkdtemp(prefix="pgqrs-pg-", dir=base if len(base) < 60 else "/tmp"))
        if self.account:
            os.chown(self.directory, self.account.pw_uid, self.account.pw_gid)
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def popen(self, *command: str, **options: object) -> subprocess.Popen[bytes]:
        """Starts a server program as the server's account, apart from our terminal."""
        if self.account:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
                [str(self.bindir / command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_MESSAGES": "C"},
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),
                **options,
            )

    def initialise(self) -> None:
        common = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", f"--pgdata={self.data}"]
        for locale in ("C.UTF-8", "C"):  # C.UTF-8 is missing on some systems
            process = self.popen("initdb", *common, f"--locale={locale}")
            if process.wait() == 0:
                break
            shutil.rmtree(self.data, ignore_errors=True)
        else:
            raise ClusterError(f"initdb failed:\n{self.log_tail()}")
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS)
            conf.write(f"unix_socket_directories = '{self.directory}'\n")

    def start(self) -> None:
        self.initialise()
        preload = ["-c", "shared_preload_libraries=pg_stat_statements"]
        for _ in range(PORT_ATTEMPTS):
            self.port = free_port()
            if self.try_start(*preload):
                return
            log = self.log_tail()
            if "pg_stat_statements" in log:  # the contrib package is not installed
                preload = []
            elif "could not bind" not in log and "in use" not in log:
                break
            self.log.write_bytes(b"")
        raise ClusterError(f"the server did not start:\n{self.log_tail()}")

    def try_start(self, *options: str) -> bool:
        command = ["postgres", "-D", str(self.data), "-p", str(self.port), *options]
        self.server = self.popen(*command)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.server.poll() is None:
            if self.ready():
                return True
            time.sleep(0.02)
        self.stop_server()
        return False

    def ready(self) -> bool:
        """The server writes its state into the eighth line of its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def log_tail(self) -> str:
        try:
            return self.log.read_text(errors="replace")[-4000:]
        except OSError:
            return "(no log)"

    def stop_server(self) -> None:
        """Immediate shutdown: the data directory is thrown away anyhow."""
        if self.server is None:
            return
        for signum in (signal.SIGQUIT, signal.SIGKILL):
            if self.server.poll() is not None:
                break
            self.server.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.wait(STOP_SECONDS)
        self.server = None

    def close(self) -> None:
        self.stop_server()
        shutil.rmtree(self.directory, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


# --- commands -----------------------------------------------------------------


def raise_exit(signum: int, _frame: object) -> None:
    raise SystemExit(128 + signum)


def serve() -> int:
    """Prints the DSN and keeps the server until standard input ends."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        print(given, flush=True)
        while os.read(0, 4096):
            pass
        return 0
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, raise_exit)
    cluster = Cluster()
    try:
        cluster.start()
        print(cluster.dsn, flush=True)
        while cluster.server is not None and cluster.server.poll() is None:
            readable, _, _ = select.select([0], [], [], 1.0)
            if readable and not os.read(0, 4096):
                return 0
        raise ClusterError(f"the server ended by itself:\n{cluster.log_tail()}")
    finally:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)  # a second signal must not interrupt the clean-up
        cluster.close()


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The DSN of a server that lives as long as the block, or as this process."""
    given = os.environ.get(DSN_VARIABLE)
    if given:
        yield given
        return
    keeper = subprocess.Popen(
        [sys.executable, __file__, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the command, not for its server
    )
    assert keeper.stdin and keeper.stdout
    try:
        dsn = keeper.stdout.readline().strip()
        if not dsn:
            raise ClusterError(f"no server (status {keeper.wait()}); see the message above")
        yield dsn
    finally:
        with contextlib.suppress(BrokenPipeError):
            keeper.stdin.close()
        keeper.wait()


def run(command: list[str]) -> int:
    """Runs a command beside a server and returns its exit code."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, raise_exit)  # until the command runs, a signal ends the preparation
    with served() as dsn:
        try:
            process = subprocess.Popen(command, env=dict(os.environ, **{DSN_VARIABLE: dsn}))
        except OSError as error:
            raise ClusterError(f"cannot run {command[0]}: {error.strerror}") from error

        def forward(signum: int, _frame: object) -> None:
            # A terminal sends Ctrl-C to the whole group; the command has it already.
            if signum != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(signum)

        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, forward)
        status = process.wait()
    return status if status >= 0 else 128 - status


def main(arguments: list[str]) -> int:
    match arguments:
        case ["serve"]:
            return serve()
        case ["run", "--", *command] | ["run", *command] if command:
            return run(command)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ClusterError as problem:
        say(str(problem))
        sys.exit(1)
