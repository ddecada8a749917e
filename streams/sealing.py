"""Secrets that are kept where others may read: sealed with AES-256-GCM by a key of the settings. Where they lie is not here."""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.webhooks import Sealed
from streams.settings import Settings, SettingsRefused

KEY_BYTES, NONCE_BYTES, ID_MAX_CHARS = 32, 12, 32  # Source: NIST SP 800-38D: 96 bits of nonce


class Sealing:
    """`keys`: `id:base64`, the first seals and all of them open, so that one can be replaced by another."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ValueError, which does not repeat a key."""
        self._keys = dict(_key(each) for each in keys)
        if not self._keys:
            raise ValueError("at least one key is needed")
        self._newest = next(iter(self._keys))

    def seal(self, secret: str, of: str) -> bytes:
        """`of`: whose it is; it opens for nobody else."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._newest].encrypt(nonce, secret.encode(), of.encode())
        return self._newest.encode() + b":" + nonce + sealed

    def open(self, sealed: bytes, of: str) -> str:
        """Raises Sealed."""
        id, _, rest = bytes(sealed).partition(b":")
        key = self._keys.get(id.decode("ascii", "replace"))
        if key is None:
            raise Sealed(f"the key {id.decode('ascii', 'replace')} is not in MILLRACE_WEBHOOK_KEYS")
        try:
            return key.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], of.encode()).decode()
        except (InvalidTag, ValueError):  # the latter where it is cut short
            raise Sealed(
                "it was sealed with another key of this name, for another endpoint, or is cut short"
            ) from None


def sealing(settings: Settings) -> Sealing:
    """As MILLRACE_WEBHOOK_KEYS has it. Raises SettingsRefused."""
    try:
        return Sealing(settings.sealing_keys)
    except ValueError as wrong:
        raise SettingsRefused(f"MILLRACE_WEBHOOK_KEYS: {wrong}") from None


def _key(told: str) -> tuple[str, AESGCM]:
    id, _, encoded = told.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if not (id.isascii() and id.isalnum() and len(id) <= ID_MAX_CHARS) or len(key) != KEY_BYTES:
        raise ValueError(f"keys are id:base64, of {KEY_BYTES} bytes each")
    return id, AESGCM(key)
