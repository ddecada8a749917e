"""Merchants' webhooks: what an endpoint wants, what it is sent, and what its answer leads to. Nothing is sent or kept here.

Source: Standard Webhooks 1.0.0 (ids, headers, signatures, secrets, the schedule of retries, 410).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

from models.ids import NAMESPACE

SECRET_PREFIX, SECRET_BYTES = "whsec_", 32  # the standard asks for 24 to 64
ANSWER_KEPT_BYTES = 1024

RETRIES_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Between one attempt and the next: ten attempts within 75 hours. Source: Standard Webhooks, "Deliverability and reliability"."""
JITTER = 0.2
"""Of a pause, added at most: endpoints that come back are not met by all at once."""
ATTEMPTS_MAX = len(RETRIES_S) + 1
RETRY_AFTER_MAX_S = 86_400.0
"""A `Retry-After` beyond a day is taken as one."""
DISABLED_AFTER = timedelta(days=5)
"""An endpoint that has only failed for so long is disabled: longer than the retries of one delivery."""

PENDING, DELIVERED, FAILED = STATES = "pending", "delivered", "failed"
"""Of a delivery."""

EVENT_TYPES_MAX, EVENT_TYPE_MAX_CHARS, URL_MAX_CHARS, DESCRIPTION_MAX_CHARS = 50, 100, 2048, 500
EVENT_FILTER = re.compile(r"\*|[a-z_]+(?:\.[a-z_]+)*(?:\.\*|\.v[0-9]+)", re.ASCII)
"""A type as it is published, all that begin alike (`payment.*`), or all."""
ENDPOINT_ID, DELIVERY_ID = (re.compile(f"{prefix}_[0-9a-f]{{32}}", re.ASCII) for prefix in ("we", "msg"))


class Sealed(Exception):
    """An endpoint's secret cannot be read: its key is not in the settings."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event as it may be sent: `payload` is the body, made once, so that every attempt sends the same bytes."""

    event_id: str
    merchant: str
    type: str
    payment: str
    sequence: int
    payload: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. `number`: of this attempt, from 1. `attempt`: the same since it was last begun anew.
    `secrets`: newest first; the old one while it is rolled. `failing`: nothing was taken there when it was last tried.
    `version`: of the endpoint, one more each time that it is enabled or gets a URL: an answer tells of that version only.
    """

    id: str
    endpoint: str
    url: str
    payload: str
    number: int
    attempt: int
    secrets: tuple[str, ...] = field(repr=False)
    created_at: datetime
    failing: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. `status` None: there was no answer, `error` says why."""

    status: int | None
    seconds: float
    body: str = ""
    error: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state`: DELIVERED, PENDING (again after `wait_s`) or FAILED. `disable`: why the endpoint takes nothing more."""

    delivery: Delivery
    answer: Answer
    state: str
    wait_s: float = 0.0
    disable: str | None = None


def endpoint_id(request: UUID) -> str:
    """Of the endpoint that a request makes: the same however often it is made."""
    return f"we_{request.hex}"


def delivery_id(event_id: str, endpoint: str) -> str:
    """The `webhook-id`: the same however often the event is taken in or sent."""
    return "msg_" + uuid5(NAMESPACE, f"webhook\n{endpoint}\n{event_id}").hex


def headers(delivery: Delivery, at: datetime) -> dict[str, str]:
    """Of an attempt that is made at `at`. Raises ValueError for a secret that is none."""
    timestamp = str(int(at.astimezone(UTC).timestamp()))
    signed = f"{delivery.id}.{timestamp}.{delivery.payload}".encode()
    return {
        "webhook-id": delivery.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_mac(secret, signed)}" for secret in delivery.secrets),
        "content-type": "application/json",
    }


def outcome(delivery: Delivery, answer: Answer, draw: float) -> Outcome:
    """`draw`: a random number from 0 up to 1, for the jitter."""
    if answer.status is not None and 200 <= answer.status < 300:
        return Outcome(delivery, answer, DELIVERED)
    if answer.status == 410:
        return Outcome(delivery, answer, FAILED, disable="the endpoint answered 410 Gone")
    if delivery.attempt >= ATTEMPTS_MAX:
        return Outcome(delivery, answer, FAILED)
    pause_s = RETRIES_S[delivery.attempt - 1] * (1 + JITTER * draw)
    asked_s = min(answer.retry_after_s or 0.0, RETRY_AFTER_MAX_S)
    return Outcome(delivery, answer, PENDING, max(pause_s, asked_s))


def secret_of(key: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(key).decode()


def _mac(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


class WebhookQueue(Protocol):
    """All of them raise Unavailable."""

    async def take_in(self, notices: Sequence[Notice]) -> int:
        """One delivery for each endpoint that wants the event, and took events when it happened, once, however often it is told.
        Returns how many are new.
        """
        ...

    async def lease(
        self,
        rooms: Mapping[str, int],
        room: int,
        most: int,
        held_up: Collection[str],
        held_up_most: int,
    ) -> list[Delivery]:
        """What is due, longest first, for this caller alone until the lease ends: of an endpoint at most what `rooms` says, else
        `room`, or one where it fails. Of those that fail, and of `held_up`, `held_up_most` together. Of an ordered endpoint the
        first of each payment only.
        """
        ...

    async def settle(self, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
        """Keeps attempts and what they lead to; what another caller has settled meanwhile changes nothing. Returns the endpoints
        that were disabled by it, with why.
        """
        ...


class WebhookSender(Protocol):
    async def send(self, delivery: Delivery) -> Answer:
        """One attempt, bounded in time. Raises nothing: what went wrong is an answer."""
        ...
