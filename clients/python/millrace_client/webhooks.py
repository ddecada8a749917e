"""Whether a webhook is Millrace's, and what it says. Offline: nothing is asked, nothing is remembered.

Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers"; symmetric signatures (`v1`).
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from millrace_client.reading import Unreadable, json_object

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SECRET_PREFIX, VERSION = "whsec_", "v1"

TOLERANCE_S = 300
"""How old a delivery may be, or how far ahead its clock: what is older may be one that somebody took down and sends again."""

SIGNATURES_MAX = 16
"""One for each secret while they are rolled; more are not looked at."""


class WebhookRefused(Exception):
    """Do not act on it; answer 400."""


class HeaderMissing(WebhookRefused):
    """One of the three headers is not there, or is not what it must be."""


class SignatureInvalid(WebhookRefused):
    """It was not signed with any of the secrets, or was changed on the way."""


class TimestampOff(WebhookRefused):
    """It is signed, but too old or too new."""


class PayloadInvalid(WebhookRefused):
    """It is signed, and is no JSON object."""


@dataclass(frozen=True, slots=True)
class Event:
    """`id`: the same on every delivery of it; who remembers it acts once. `sent_at`: of this delivery."""

    id: str
    type: str
    sent_at: datetime
    data: Mapping[str, Any]
    payload: Mapping[str, Any] = field(repr=False)


def verify(
    payload: bytes | str,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> Event:
    """What the webhook says. `payload`: the body as it came, not parsed and written anew. `secrets`: `whsec_…`, several while one
    is rolled. Raises WebhookRefused, and ValueError for a secret that is none.
    """
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise ValueError("at least one secret is needed")
    body = payload.encode() if isinstance(payload, str) else bytes(payload)
    by_name = {name.lower(): value for name, value in headers.items()}
    id, timestamp, given = (_header(by_name, name) for name in (ID, TIMESTAMP, SIGNATURE))
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise HeaderMissing(f"{TIMESTAMP} is not a time in whole seconds")
    if not _is_signed(_content(id, timestamp, body), keys, given):
        raise SignatureInvalid("no signature of it is one of these secrets'")
    off_s = (time.time() if now_s is None else now_s) - int(timestamp)
    if abs(off_s) > tolerance_s:
        raise TimestampOff(f"it was sent {abs(off_s):.0f} s {'ago' if off_s > 0 else 'ahead of time'}")
    return _event(id, int(timestamp), body)


def signature(id: str, timestamp_s: int, payload: bytes | str, secret: str) -> str:
    """`v1,…`, as the sender makes it: for the tests of who receives. Raises ValueError."""
    body = payload.encode() if isinstance(payload, str) else payload
    return f"{VERSION},{_mac(_key(secret), _content(id, str(timestamp_s), body))}"


def _content(id: str, timestamp: str, body: bytes) -> bytes:
    return f"{id}.{timestamp}.".encode() + body


def _mac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _is_signed(content: bytes, keys: list[bytes], given: str) -> bool:
    """Every signature is compared with every key's, each in constant time."""
    made = [_mac(key, content).encode() for key in keys]
    matches = False
    for each in given.split(" ")[:SIGNATURES_MAX]:
        version, _, told = each.partition(",")
        if version == VERSION:
            for mac in made:
                matches |= hmac.compare_digest(mac, told.encode())
    return matches


def _key(secret: str) -> bytes:
    """Raises ValueError, which does not repeat the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError(f"a webhook's secret is {SECRET_PREFIX} and base64")
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise HeaderMissing(f"there is no {name}")
    return value


def _event(id: str, timestamp_s: int, body: bytes) -> Event:
    try:
        payload = json_object(body)
    except Unreadable as wrong:
        raise PayloadInvalid(f"the body is {wrong}") from None
    type, data = payload.get("type", ""), payload.get("data", {})
    return Event(
        id,
        type if isinstance(type, str) else "",
        datetime.fromtimestamp(timestamp_s, UTC),
        data if isinstance(data, dict) else {},
        payload,
    )
