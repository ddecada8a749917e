"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_` headers, the content as the value.

Source: CloudEvents, Kafka protocol binding 1.0.2, section 3.2 (binary content mode).
"""

import hmac
from collections.abc import Sequence
from datetime import datetime

from models.codes import Code
from models.representation import rfc3339
from streams.delivery import Poison
from streams.tracing import valid

Headers = Sequence[tuple[str, bytes | None]]

SPEC_VERSION = b"1.0"
HEADER_MAX_BYTES = 255
"""As long as Stripe's own idempotency keys may be; a command's id stays with its payment for ever."""
APPENDED_MS = "millrace-appended-ms"
"""Header on a command that was put back from the dead letters: when it first came, in ms since 1970. It is as old as that."""
MS_DIGITS_MAX = 15
TRACEPARENT = "traceparent"
"""Source: CloudEvents, distributed tracing extension; W3C Trace Context."""
SIGNATURE = "millrace-signature"
"""Header on the commands Millrace sends itself: HMAC-SHA256 over key, id, type and value, in hex."""


def attributes(
    *,
    id: str,
    type: str,
    source: str,
    at: datetime,
    subject: str,
    trace: str | None = None,
    **more: str | None,
) -> list[tuple[str, bytes]]:
    """The headers of a record we send; `more` become further `ce_` headers, None ones are left out. `trace`: a traceparent."""
    named = {"id": id, "type": type, "source": source, "time": rfc3339(at), "subject": subject, **more}
    headers = [(f"ce_{name}", value.encode()) for name, value in named.items() if value is not None]
    traced = [(TRACEPARENT, trace.encode())] if trace else ()
    return [("ce_specversion", SPEC_VERSION), *headers, ("content-type", b"application/json"), *traced]


def raw(headers: Headers, name: str) -> bytes:
    """A header as it came; empty where it is not there."""
    for key, value in headers:
        if key == name:
            return bytes(value or b"")
    return b""


def trace(headers: Headers) -> str | None:
    """The trace a record belongs to; None, too, where what stands there is none: no record is refused for that."""
    return valid(raw(headers, TRACEPARENT))


def text(headers: Headers, name: str) -> str | None:
    """A header as text. Poison if it is not UTF-8, or too long for a name of anything."""
    for key, value in headers:
        if key == name and value is not None:
            try:
                decoded = bytes(value).decode()
            except UnicodeDecodeError:
                raise Poison(f"header {name} is not UTF-8", Code.UNDECODABLE) from None
            if len(value) > HEADER_MAX_BYTES or not decoded.isprintable():
                raise Poison(f"header {name} is too long or not printable", Code.HEADER_MISSING)
            return decoded
    return None


def first_came_ms(headers: Headers, appended_ms: int) -> int:
    """When a command first came, that was appended then: whoever claims another time can only make it older."""
    claimed = [
        int(value)
        for name, value in headers
        if name == APPENDED_MS and value and len(value) <= MS_DIGITS_MAX and bytes(value).isdigit()
    ]
    return min([appended_ms, *claimed])


def required(headers: Headers, name: str) -> str:
    value = text(headers, name)
    if not value:
        raise Poison(f"header {name} is missing", Code.HEADER_MISSING)
    return value


def signature(secret: bytes, key: bytes, id: str, type: str, value: bytes) -> bytes:
    parts = (key, id.encode(), type.encode(), value)
    signed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, signed, "sha256").hex().encode()
