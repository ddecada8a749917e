"""How ids are derived, so that one request has one identity through every door. Nothing is drawn at random here."""

import hashlib
import re
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1f9c1e-2a64-5c0f-9d54-0b8f5f3c7a11")
"""Published in the AsyncAPI document: Kafka producers derive the same ids from the same merchant and key."""

PAYMENT_ID = re.compile(r"pay_[0-9a-f]{32}", re.ASCII)
REFUND_ID = re.compile(r"re_[0-9a-f]{32}", re.ASCII)
COMMAND_ID_MAX_CHARS = 255  # as long as Stripe's own idempotency keys may be


def command_uuid(merchant: str, idempotency_key: str) -> UUID:
    """The identity of a merchant's request: the same for REST, GraphQL, gRPC and Kafka."""
    return uuid5(NAMESPACE, f"{merchant}\n{idempotency_key}")


def payment_id(of: UUID) -> str:
    return f"pay_{of.hex}"


def refund_id(of: UUID) -> str:
    return f"re_{of.hex}"


def event_id(payment: str, command: str, index: int) -> str:
    """The `index`-th event that `command` led to on `payment`: the same on every replay."""
    return _uuid5_text(f"event\n{payment}\n{command}\n{index}")


def internal_command_id(payment: str, purpose: str) -> str:
    """The identity of a command that Millrace sends itself, e.g. the outcome of one provider call."""
    return _uuid5_text(f"internal\n{payment}\n{purpose}")


def mail_id(kind: str, told: str, recipient: str) -> str:
    """One mail tells one person one thing, however often that is read; its Message-ID is made of this."""
    return "mail_" + _uuid5_text(f"mail\n{kind}\n{told}\n{recipient}").replace("-", "")


def _uuid5_text(name: str) -> str:
    """`str(uuid5(NAMESPACE, name))`, at a third of the cost: several are made for each payment.

    Source: RFC 9562, section 5.5: SHA-1, then version and variant in the 7th and the 9th octet.
    """
    digest = bytearray(hashlib.sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
