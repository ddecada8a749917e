"""Certificates for tests: an authority that nobody else knows, and files as a deployment has them."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization


@dataclass(frozen=True)
class Files:
    """PEM each. `both`: the key, in PKCS#8, and the chain behind it, as Kafka reads it."""

    certificate: Path
    key: Path
    both: Path

    def served(self) -> ssl.SSLContext:
        """By a server; whoever comes may."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._ca, self._folder = trustme.CA(), folder
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, name: str, *hosts: str) -> Files:
        """Again under the same name: the files are replaced."""
        made = self._ca.issue_cert(*(hosts or ("127.0.0.1", "localhost")), common_name=name)
        chain = b"".join(each.bytes() for each in made.cert_chain_pems)
        key = _pkcs8(made.private_key_pem.bytes())
        files = Files(*(self._folder / f"{name}.{kind}.pem" for kind in ("certificate", "key", "both")))
        for path, content in ((files.certificate, chain), (files.key, key), (files.both, key + chain)):
            fresh = path.with_suffix(".fresh")
            fresh.write_bytes(content)
            fresh.rename(path)
        return files

    def client(self, files: Files | None = None) -> ssl.SSLContext:
        """Trusts this authority alone, and shows that certificate."""
        context = ssl.create_default_context(cafile=str(self.file))
        if files is not None:
            context.load_cert_chain(files.certificate, files.key)
        return context


def _pkcs8(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
