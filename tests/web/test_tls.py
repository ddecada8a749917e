"""The door behind a certificate of its own: what is spoken, with whom, and what happens when the files change."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.certificates import Authority, Files
from tests.web.fakes import open_door
from tests.web.test_waiting import until
from web import server
from web.tls import Certificate, TlsFiles, TlsRefused, pem, server_context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def door_files(files: Files, client_ca: Path | None = None) -> TlsFiles:
    return TlsFiles(files.certificate, files.key, client_ca)


@asynccontextmanager
async def door_with(certificate: Certificate) -> AsyncIterator[str]:
    async with open_door(tls=certificate.context) as door:
        yield f"https://127.0.0.1:{door.serving.port}/livez"


async def ask(url: str, tls: ssl.SSLContext) -> int:
    """On a connection of its own."""
    async with aiohttp.ClientSession() as http, http.get(url, ssl=tls) as response:
        return response.status


async def shown(url: str, tls: ssl.SSLContext, name: str | None = "127.0.0.1") -> ssl.SSLObject:
    """What was agreed on with the door."""
    port = int(url.split(":")[2].split("/")[0])
    if name is None:
        tls.check_hostname = False
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name or "")
    try:
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return found
    finally:
        writer.close()


def serial(connection: ssl.SSLObject) -> int:
    certificate = connection.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


async def test_the_door_speaks_https_by_new_versions_alone(authority: Authority) -> None:
    async with door_with(Certificate(door_files(authority.issue("door")))) as url:
        assert await ask(url, authority.client()) == 200
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = authority.client()
            client.maximum_version = client.minimum_version = version
            client.set_alpn_protocols(["h2", "http/1.1"])
            agreed = await shown(url, client)
            assert agreed.version() == version.name.replace("_", ".")
            assert agreed.selected_alpn_protocol() == "http/1.1"
        old = authority.client()
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)):
            await shown(url, old)
        with pytest.raises(aiohttp.ClientError):
            await ask(url.replace("https", "http"), authority.client())


async def test_whoever_does_not_trust_the_authority_turns_away(authority: Authority, tmp_path: Path) -> None:
    async with door_with(Certificate(door_files(authority.issue("door")))) as url:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(url, Authority(tmp_path / "other").client())


def test_a_renewed_certificate_is_taken_and_what_is_open_goes_on(authority: Authority) -> None:
    """On the loop that serves, and on asyncio's own."""
    for run in (uvloop.run, asyncio.run):
        run(_renewed(authority))


async def _renewed(authority: Authority) -> None:
    certificate = Certificate(door_files(authority.issue("door")))
    first = certificate.pem
    renewing = asyncio.create_task(certificate.keep_renewed(look_s=0.02))
    async with door_with(certificate) as url, aiohttp.ClientSession() as http:
        client = authority.client()
        before = serial(await shown(url, client))
        async with http.get(url, ssl=client) as response:
            assert response.status == 200
        authority.issue("door")
        await until(lambda: certificate.pem != first)
        for name in ("127.0.0.1", "localhost", None):  # with a name, and with none
            assert serial(await shown(url, authority.client(), name)) != before
        async with http.get(url, ssl=client) as response:  # on the connection from before
            assert response.status == 200
    renewing.cancel()


async def test_a_renewal_that_does_not_fit_is_passed_over_until_it_does(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.issue("door")
    certificate = Certificate(door_files(files))
    key_before = files.key.read_bytes()
    async with door_with(certificate) as url:
        before = serial(await shown(url, authority.client()))
        authority.issue("door")
        key_now = files.key.read_bytes()
        files.key.write_bytes(key_before)
        assert not certificate.renew()
        assert str(files.key) in caplog.text
        assert serial(await shown(url, authority.client())) == before
        assert not certificate.renew(), "it is not tried again before anything changes"
        files.certificate.rename(files.certificate.with_suffix(".away"))
        assert not certificate.renew()
        files.certificate.with_suffix(".away").rename(files.certificate)
        files.key.write_bytes(key_now)
        assert certificate.renew()
        assert serial(await shown(url, authority.client())) != before


async def test_where_an_authority_of_clients_is_named_others_do_not_get_in(
    authority: Authority, tmp_path: Path
) -> None:
    clients = Authority(tmp_path / "clients")
    certificate = Certificate(door_files(authority.issue("door"), clients.file))
    async with door_with(certificate) as url:
        known, stranger = clients.issue("shop"), Authority(tmp_path / "other").issue("stranger")
        assert await ask(url, authority.client(known)) == 200
        for turned_away in (authority.client(), authority.client(stranger)):
            with pytest.raises((aiohttp.ClientError, OSError)):
                await ask(url, turned_away)
        others = Authority(tmp_path / "fresh")
        clients.file.write_bytes(others.file.read_bytes())
        assert certificate.renew()
        assert await ask(url, authority.client(others.issue("shop"))) == 200
        with pytest.raises((aiohttp.ClientError, OSError)):
            await ask(url, authority.client(known))


async def test_who_connects_and_says_nothing_is_let_go(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_MAX_S", 0.2)
    async with door_with(Certificate(door_files(authority.issue("door")))) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].split("/")[0]))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


def test_files_that_are_not_there_or_do_not_fit_are_refused_by_name(
    authority: Authority, tmp_path: Path
) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    nowhere, garbage, encrypted = tmp_path / "nowhere.pem", tmp_path / "garbage.pem", tmp_path / "locked.pem"
    garbage.write_text("no PEM")
    key = serialization.load_pem_private_key(one.key.read_bytes(), None)
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"canary"),
        )
    )
    for files, named in (
        (TlsFiles(nowhere, one.key), nowhere),
        (TlsFiles(one.certificate, nowhere), nowhere),
        (TlsFiles(one.certificate, tmp_path), tmp_path),
        (TlsFiles(one.certificate, other.key), other.key),
        (TlsFiles(garbage, one.key), garbage),
        (TlsFiles(one.certificate, garbage), garbage),
        (TlsFiles(one.certificate, encrypted), encrypted),
        (TlsFiles(one.certificate, one.key, garbage), garbage),
        (TlsFiles(one.certificate, one.key, nowhere), nowhere),
    ):
        with pytest.raises(TlsRefused) as refused:
            server_context(files)
        assert str(named) in str(refused.value)
        with pytest.raises(TlsRefused):
            pem(files)


def test_the_same_files_are_there_for_grpc(authority: Authority) -> None:
    one = authority.issue("one")
    read = pem(door_files(one, authority.file))
    assert (read.certificate, read.key) == (one.certificate.read_bytes(), one.key.read_bytes())
    assert read.client_ca == authority.file.read_bytes()
    assert pem(door_files(one)).client_ca is None
