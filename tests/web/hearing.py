"""How the service in memory hears: of Stripe's notices, as nobody signs them, and of what happens to payments. Holds no tests."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.commands import Origin, RecordNotice
from models.events import Event
from models.ports import Heard, SignatureInvalid, Unaddressed, Unfamiliar, View
from models.provider import DisputeSnapshot, DisputeStatus, IntentSnapshot, IntentStatus
from models.representation import rfc3339
from streams.wire.events import TYPES

GOOD_SIGNATURE = "t=1,v1=good"


def notice_in(body: bytes, signature: str, now: datetime, merchant: str) -> Heard | None:
    """As NoticeReader: `body` begins with what it is about."""
    if signature != GOOD_SIGNATURE:
        raise SignatureInvalid
    if body.startswith(b"new_"):
        return Unfamiliar("evt_3", "payment_intent.reversed", "pi_1", body)
    if body.startswith(b"du_"):
        told = json.loads(body[3:])
        dispute = DisputeSnapshot("du_1", told["intent"], DisputeStatus.NEEDS_RESPONSE, "usd", 1999)
        told_at = now - timedelta(seconds=told["age_s"])
        return Unaddressed("evt_2", "charge.dispute.created", dispute, told["intent"], told_at)
    if b"pi_" not in body:
        return None
    origin = Origin("evt_1", "pay_" + "0" * 32, merchant, now)
    snapshot = IntentSnapshot("pi_1", IntentStatus.CAPTURED, "usd", 1999, amount_captured_minor=1999)
    return RecordNotice(origin, "evt_1", "payment_intent.succeeded", snapshot)


def event_view(event: Event) -> View:
    return {
        "id": event.id,
        "object": "event",
        "type": TYPES[type(event.data)],
        "payment": event.payment_id,
        "sequence": event.sequence,
        "created_at": rfc3339(event.at),
        "causation_id": event.caused_by,
        "cause": None,
        "data": {},
    }


@dataclass(eq=False)
class Listening:
    """Hears of everybody's payments: what may be seen of them is not the listener's to know."""

    payment_id: str | None
    heard: dict[str, tuple[int, int]] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def news(self, timeout_s: float) -> dict[str, tuple[int, int]]:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.came.wait(), timeout_s)
        self.came.clear()
        heard, self.heard = self.heard, {}
        return heard

    def hear(self, payment_id: str, sequence: int) -> None:
        if self.payment_id in (None, payment_id):
            first, _ = self.heard.get(payment_id, (sequence, sequence))
            self.heard[payment_id] = first, sequence
            self.came.set()
