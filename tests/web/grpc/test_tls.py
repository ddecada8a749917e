"""gRPC behind the door's certificate: for whoever trusts it, renewed without a restart, and for known clients alone if so set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from tests.certificates import Authority, Files
from tests.web.grpc.door import open_grpc
from web.grpc.server import credentials
from web.tls import Certificate, TlsFiles

WITHIN_S = 5.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def serving(certificate: Certificate) -> AsyncIterator[int]:
    async with open_grpc(tls=credentials(certificate)) as door:
        yield door.serving.port


async def check(port: int, authority: Authority, client: Files | None = None) -> int:
    """The status of health, asked over a connection of its own."""
    mine = (client.key.read_bytes(), client.certificate.read_bytes()) if client else (None, None)
    trusting = grpc.ssl_channel_credentials(authority.file.read_bytes(), *mine)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", trusting, options=options) as channel:
        ask = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )
        return int((await ask(health_pb2.HealthCheckRequest(), timeout=WITHIN_S)).status)


async def test_whoever_trusts_the_authority_is_served_and_plain_text_is_not(authority: Authority) -> None:
    certificate = Certificate(TlsFiles(*_files(authority.issue("door"))))
    async with serving(certificate) as port:
        assert await check(port, authority) == health_pb2.HealthCheckResponse.SERVING
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary("/grpc.health.v1.Health/Check", bytes)(b"", timeout=WITHIN_S)


async def test_a_renewed_certificate_is_taken_without_a_restart(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("door")
    certificate = Certificate(TlsFiles(*_files(files)))
    other = Authority(tmp_path / "other", "other")
    async with serving(certificate) as port:
        assert await check(port, authority) == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError):
            await check(port, other)
        of_another = other.issue("door")
        files.certificate.write_bytes(of_another.certificate.read_bytes())
        files.key.write_bytes(of_another.key.read_bytes())
        assert certificate.renew()
        assert await check(port, other) == health_pb2.HealthCheckResponse.SERVING


async def test_a_client_that_nobody_has_signed_is_turned_away_where_they_must_be(
    authority: Authority, tmp_path: Path
) -> None:
    clients = Authority(tmp_path / "clients", "clients")
    certificate = Certificate(TlsFiles(*_files(authority.issue("door")), clients.file))
    async with serving(certificate) as port:
        known = clients.issue("shop")
        assert await check(port, authority, known) == health_pb2.HealthCheckResponse.SERVING
        for stranger in (None, authority.issue("stranger")):
            with pytest.raises(grpc.aio.AioRpcError):
                await check(port, authority, stranger)


def _files(files: Files) -> tuple[Path, Path]:
    return files.certificate, files.key
