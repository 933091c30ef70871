"""TLS as the DSN asks for it: a server with a certificate of a test's own authority."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pgcluster import Cluster

import pgqrs

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(
        shutil.which("openssl") is None, reason="openssl, which makes the certificates, is not installed"
    ),
]

DAYS = "2"


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def authority(directory: Path, name: str) -> Path:
    """The certificate of a new authority; its key lies beside it."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", f"/CN={name}",
            "-keyout", str(key), "-out", str(certificate))  # fmt: skip
    return certificate


class TLSCluster(Cluster):
    """A server that talks TLS only, as "localhost"."""

    def __init__(self, ca: Path) -> None:
        super().__init__()
        self.ca = ca

    def initialise(self) -> None:
        super().initialise()
        key, request, certificate = (self.data / f"server.{kind}" for kind in ("key", "csr", "crt"))
        names = self.ca.with_name("names.txt")
        names.write_text("subjectAltName=DNS:localhost\n")
        openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(request)
        )
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self.ca.with_suffix(".key")),
                "-CAcreateserial", "-days", DAYS, "-extfile", str(names), "-out", str(certificate))  # fmt: skip
        for path in (key, certificate):
            path.chmod(0o600)
            if self.account:
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write("ssl = on\n")
        (self.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TLSCluster]:
    cluster = TLSCluster(authority(tmp_path_factory.mktemp("tls"), "ca"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def dsn(server: TLSCluster, host: str = "localhost", **parameters: object) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"postgresql://postgres:s3cret@{host}:{server.port}/postgres?pgqrs_connection_timeout_seconds=5&{query}"


async def test_a_verified_server_is_used(server: TLSCluster) -> None:
    async with await pgqrs.connect(dsn(server, sslmode="verify-full", sslrootcert=server.ca), bootstrap=True) as store:
        await store.queue("tasks")
        assert await pgqrs.produce(store, "tasks", 1) > 0


@pytest.mark.parametrize(
    ("host", "parameters"),
    [
        pytest.param("127.0.0.1", {"sslmode": "verify-full", "sslrootcert": "CA"}, id="another name"),
        pytest.param("localhost", {"sslmode": "verify-full", "sslrootcert": "OTHER"}, id="another authority"),
        pytest.param("localhost", {"sslmode": "disable"}, id="no TLS, which this server refuses"),
    ],
)
async def test_what_cannot_be_verified_is_refused(
    server: TLSCluster, tmp_path: Path, host: str, parameters: dict[str, str]
) -> None:
    if parameters.get("sslrootcert") == "OTHER":
        parameters = parameters | {"sslrootcert": str(authority(tmp_path, "other"))}
    elif "sslrootcert" in parameters:
        parameters = parameters | {"sslrootcert": str(server.ca)}
    with pytest.raises(pgqrs.PgqrsConnectionError) as raised:
        await pgqrs.connect(dsn(server, host, **parameters))
    assert "s3cret" not in str(raised.value)
    assert "certificate" in str(raised.value) or "no encryption" in str(raised.value), raised.value
