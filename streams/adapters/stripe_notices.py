"""Stripe's webhooks: whose they are, and the command each becomes. Nothing is fetched and nothing decided here.

The signature is checked over the raw bytes before anything is parsed. What is Stripe's but tells us nothing gives None,
so that the door answers 200 and Stripe does not send it for three more days.
"""

import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from models.commands import RecordNotice
from models.ids import COMMAND_ID_MAX_CHARS, PAYMENT_ID, REFUND_ID
from models.ports import SignatureInvalid, Unaddressed
from models.provider import DisputeSnapshot, IntentSnapshot, Snapshot
from streams.adapters.stripe_objects import MERCHANT_NAME, PAYMENT_ID_NAME, Malformed, metadata_of
from streams.adapters.stripe_sends import request_id_of
from streams.adapters.stripe_snapshots import dispute_snapshot, intent_snapshot, refund_snapshot

TOLERANCE_S = 300
"""How old, or how far in the future, a signature may be. Source: Stripe, webhook signatures, default tolerance."""
HEADER_MAX_CHARS = 4096
SIGNATURES_MAX = 16
"""Of one header. Stripe sends one per live secret; a forger could make us compute many."""

INTENT_NOTICES = frozenset(
    f"payment_intent.{what}"
    for what in (
        "requires_action",
        "processing",
        "amount_capturable_updated",
        "payment_failed",
        "succeeded",
        "canceled",
    )
)
REFUND_NOTICES = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
DISPUTE_NOTICES = frozenset(
    f"charge.dispute.{what}"
    for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)
OBJECTS = {
    **dict.fromkeys(INTENT_NOTICES, "payment_intent"),
    **dict.fromkeys(REFUND_NOTICES, "refund"),
    **dict.fromkeys(DISPUTE_NOTICES, "dispute"),
}
"""What each kind of notice shows. `charge.captured` and the like say less than the intent's own notice, which comes beside
each of them.
"""

log = logging.getLogger("millrace.stripe")


class StripeNotices:
    """`secrets`: the endpoint's, several while one is rolled. `livemode`: notices of the other mode are left aside."""

    def __init__(
        self, secrets: Sequence[str], tolerance_s: int = TOLERANCE_S, livemode: bool | None = None
    ) -> None:
        if not secrets or not all(secrets):
            raise ValueError("a webhook endpoint has at least one secret, and none is empty")
        self._secrets = [secret.encode() for secret in secrets]
        self._tolerance_s = tolerance_s
        self._livemode = livemode

    def read(self, body: bytes, signature: str, now: datetime) -> RecordNotice | Unaddressed | None:
        """The command a webhook becomes; None when it concerns no payment of ours. Raises SignatureInvalid."""
        self._verify(body, signature, now)
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError:
            log.error("a notice of Stripe's is no JSON")
            return None
        return heard_of(event, self._livemode, now) if isinstance(event, dict) else None

    def _verify(self, body: bytes, header: str, now: datetime) -> None:
        if len(header) > HEADER_MAX_CHARS:
            raise SignatureInvalid("the signature header is too long")
        items = [item.strip().partition("=") for item in header.split(",")]
        times = [value for name, _, value in items if name == "t"]
        signatures = [value.encode(errors="replace") for name, _, value in items if name == "v1"]
        if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
            raise SignatureInvalid("the signature header has no time")
        if not 1 <= len(signatures) <= SIGNATURES_MAX:
            raise SignatureInvalid("the signature header has no signature of scheme v1, or too many")
        signed = times[0].encode() + b"." + body
        expected = [hmac.digest(secret, signed, "sha256").hex().encode() for secret in self._secrets]
        # every pair is compared, so that the time taken does not tell which secret came closer
        matches = [hmac.compare_digest(one, other) for one in expected for other in signatures]
        if not any(matches):
            raise SignatureInvalid("the signature is not Stripe's")
        if abs(now.timestamp() - int(times[0])) > self._tolerance_s:
            raise SignatureInvalid("the signature is too old or from the future")


def heard_of(
    event: Mapping[str, Any], livemode: bool | None, now: datetime
) -> RecordNotice | Unaddressed | None:
    """What an event of Stripe's, from a webhook or from its list, is to us; None when it concerns no payment of ours."""
    try:
        return _notice(event, livemode, now)
    except (Malformed, ValueError, TypeError, OverflowError, OSError) as error:
        # the type and our own words only: the event is not for the log
        detail = str(error) if isinstance(error, Malformed) else type(error).__name__
        log.error("a notice of Stripe's could not be read: %s", detail)
        return None


def _notice(
    event: Mapping[str, Any], livemode: bool | None, now: datetime
) -> RecordNotice | Unaddressed | None:
    kind, notice_id = event.get("type"), event.get("id")
    if not isinstance(kind, str) or kind not in OBJECTS:
        return None
    if not isinstance(notice_id, str) or not 0 < len(notice_id) <= 255:
        raise Malformed("the event has no id")
    if livemode is not None and event.get("livemode") is not livemode:
        log.error("notice %s is of the other mode, live or test", notice_id)
        return None
    data = event.get("data")
    shown = data.get("object") if isinstance(data, dict) else None
    if not isinstance(shown, dict):
        raise Malformed("the event has no object")
    request = event.get("request")
    named = request_id_of(request.get("id")) if isinstance(request, dict) else None
    return _heard(notice_id, kind, shown, _told_at(event, now), now, named)


def _heard(
    notice_id: str,
    kind: str,
    shown: Mapping[str, Any],
    told_at: datetime,
    now: datetime,
    request: str | None,
) -> RecordNotice | Unaddressed | None:
    snapshot = _snapshot(kind, shown)
    if snapshot is None:
        return None
    intent = snapshot.intent if isinstance(snapshot, IntentSnapshot | DisputeSnapshot) else ""
    notice = Unaddressed(notice_id, kind, snapshot, intent, told_at, request)
    if isinstance(snapshot, DisputeSnapshot):
        return notice  # its metadata is its own, and not the payment's
    payment_id, merchant = (metadata_of(shown).get(name) for name in (PAYMENT_ID_NAME, MERCHANT_NAME))
    if not isinstance(payment_id, str) or not PAYMENT_ID.fullmatch(payment_id):
        return None
    if not isinstance(merchant, str) or not 0 < len(merchant) <= COMMAND_ID_MAX_CHARS:
        return None
    return notice.to(payment_id, merchant, now)


def _snapshot(kind: str, shown: Mapping[str, Any]) -> Snapshot | None:
    if shown.get("object") != OBJECTS[kind]:
        raise Malformed(f"the object is no {OBJECTS[kind]}")
    match OBJECTS[kind]:
        case "payment_intent":
            return intent_snapshot(shown)
        case "dispute":
            return _with_its_news(kind, dispute_snapshot(shown))
    snapshot = refund_snapshot(shown)
    return snapshot if snapshot and REFUND_ID.fullmatch(snapshot.refund_id) else None


def _with_its_news(kind: str, snapshot: DisputeSnapshot | None) -> DisputeSnapshot | None:
    """What the kind of the notice says of the money, whatever the object lists."""
    if snapshot and kind == "charge.dispute.funds_withdrawn":
        return replace(snapshot, withdrawn=True)
    if snapshot and kind == "charge.dispute.funds_reinstated":
        return replace(snapshot, withdrawn=True, reinstated=True)
    return snapshot


def _told_at(event: Mapping[str, Any], now: datetime) -> datetime:
    created = event.get("created")
    if type(created) is not int or created > now.timestamp():
        return now  # nobody tells what will be
    return datetime.fromtimestamp(max(created, 0), UTC)
