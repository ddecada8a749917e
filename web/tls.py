"""The door's certificate: from files, as an `ssl.SSLContext` for HTTP and as PEM for gRPC, and taken anew when it is renewed.

Which files, is a setting; on which socket, is the server's to say. Only this file knows of keys.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

LOOK_S = 10.0
"""Between two looks at whether a file has changed: a certificate is renewed days before it ends."""

ALPN = ("http/1.1",)

log = logging.getLogger("millrace.web")


class TlsRefused(Exception):
    """The message names the file, or the two that do not fit together, and never what is in them."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM each. `certificate`: the server's own first, then those between it and the authority. `client_ca`: who must have signed
    a client's certificate; None: clients need none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def all(self) -> tuple[Path, ...]:
        return (self.certificate, self.key, *((self.client_ca,) if self.client_ca else ()))


@dataclass(frozen=True, slots=True)
class Pem:
    """As grpc's `ssl_server_credentials` and its certificate configuration take it."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None


def pem(files: TlsFiles) -> Pem:
    """Checked as a whole. Raises TlsRefused."""
    server_context(files)
    certificate, key, *client_ca = [path.read_bytes() for path in files.all()]
    return Pem(certificate, key, client_ca[0] if client_ca else None)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 and newer, by what Python and OpenSSL hold safe. Raises TlsRefused for files that cannot be read, or do not fit."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(ALPN)
    for path in files.all():
        if not _is_readable(path):
            raise TlsRefused(f"{path}: there is no such file, or it may not be read")
    try:
        context.load_cert_chain(files.certificate, files.key, _no_password(files.key))
    except ssl.SSLError as wrong:
        if wrong.reason == "KEY_VALUES_MISMATCH":
            raise TlsRefused(f"{files.key} is not the key of {files.certificate}") from None
        raise TlsRefused(f"{files.certificate} or {files.key} is no PEM of a certificate or a key") from None
    if files.client_ca is not None:
        _trust(context, files.client_ca)
    return context


def _trust(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError:
        raise TlsRefused(f"{client_ca} is no PEM of an authority's certificate") from None
    context.verify_mode = ssl.CERT_REQUIRED


def _no_password(key: Path) -> Callable[[], str]:
    """OpenSSL would ask for it on the terminal."""

    def refuse() -> str:
        raise TlsRefused(f"{key} is encrypted: a key without a password is needed")

    return refuse


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def ends_at(files: TlsFiles) -> datetime:
    """When the server's certificate, or the first of those behind it, ends."""
    chain = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    return min(each.not_valid_after_utc for each in chain)


class Certificate:
    """A server's context that lasts, over the certificate that is there now. Raises TlsRefused."""

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        # before they are read: what is written meanwhile is read at the next look
        self._seen = _versions(files)
        self.context = server_context(files)  # what a connection begins with; then it is given the one of now
        self.context.sni_callback = self._give
        self._read()

    def _read(self) -> None:
        self._now, self.ends_at, self.pem = server_context(self.files), ends_at(self.files), pem(self.files)

    def _give(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Called in each handshake, with a name or without."""
        connection.context = self._now

    def renew(self) -> bool:
        """Whether another one was there. One that does not fit is passed over: it may be half written; the old one stays."""
        seen = _versions(self.files)
        if seen == self._seen:
            return False
        try:
            self._read()
        except (TlsRefused, OSError, ValueError) as refused:
            log.error("a renewed certificate cannot be used, the one before stays: %s", refused)
            return False
        finally:
            self._seen = seen
        log.info("a renewed certificate is used, until %s", self.ends_at.isoformat(timespec="minutes"))
        return True

    async def keep_renewed(self, look_s: float = LOOK_S) -> None:
        """Until it is cancelled."""
        self._tell_of_the_end()
        while True:
            await asyncio.sleep(look_s)
            if self.renew():
                self._tell_of_the_end()

    def _tell_of_the_end(self) -> None:
        if self.ends_at <= datetime.now(UTC):
            log.critical("the certificate in %s has ended: clients turn away", self.files.certificate)


def _versions(files: TlsFiles) -> list[tuple[int, int, int]]:
    """What changes when a file is written, or another takes its place; a link's target likewise."""
    found = []
    for path in files.all():
        try:
            told = path.stat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((told.st_ino, told.st_mtime_ns, told.st_size))
    return found
