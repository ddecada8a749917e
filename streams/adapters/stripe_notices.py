"""Stripe's webhooks: whose they are, and the command each becomes. Nothing is fetched and nothing decided here.

The signature is checked over the raw bytes before anything is parsed. What is Stripe's but tells us nothing gives None,
so that the door answers 200 and Stripe does not send it for three more days. What may be about a payment of ours and cannot be
understood (a type or a status that Stripe has added since) is kept as it came: nobody sends it again.
"""

import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson

from models.commands import RecordNotice
from models.ids import COMMAND_ID_MAX_CHARS, PAYMENT_ID, REFUND_ID
from models.ports import Heard, SignatureInvalid, Unaddressed, Unfamiliar
from models.provider import DisputeSnapshot, IntentSnapshot, Snapshot
from streams.adapters.stripe_objects import (
    MERCHANT_NAME,
    PAYMENT_ID_NAME,
    REFUND_ID_NAME,
    Malformed,
    id_of,
    metadata_of,
)
from streams.adapters.stripe_sends import request_id_of
from streams.adapters.stripe_snapshots import dispute_snapshot, intent_snapshot, refund_snapshot

TOLERANCE_S = 300
"""How old, or how far in the future, a signature may be. Source: Stripe, webhook signatures, default tolerance."""
HEADER_MAX_CHARS = 4096
NOTICE_ID, TYPE = re.compile(r"[\w-]{1,255}", re.ASCII), re.compile(r"[\w.]{1,255}", re.ASCII)
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

NOBODYS: Mapping[str, str] = MappingProxyType({})

SILENT = frozenset(
    {
        "payment_intent.created",
        *(
            f"charge.{what}"
            for what in ("succeeded", "pending", "failed", "captured", "expired", "refunded", "updated")
        ),
        "charge.refund.created",
        "balance.available",
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "payment_method.attached",
        "payment_method.detached",
        "payment_method.updated",
    }
)
"""Known, and silent to us: the intent's own notices say what they say of a payment, and more."""

UNREADABLE = (Malformed, ValueError, TypeError, OverflowError, OSError)

log = logging.getLogger("millrace.stripe")


class StripeNotices:
    """`secrets`: of the default account's endpoints, several while one is rolled; `secrets_of`: those of named accounts, each
    with its account's name. `connected`: the names of connected accounts by their `acct_…`: the default account's endpoint
    tells of them. `livemode`: notices of the other mode are left aside.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        tolerance_s: int = TOLERANCE_S,
        livemode: bool | None = None,
        secrets_of: Mapping[str, str] = NOBODYS,
        connected: Mapping[str, str] = NOBODYS,
    ) -> None:
        if not secrets or not all(secrets):
            raise ValueError("a webhook endpoint has at least one secret, and none is empty")
        if twice := set(secrets) & set(secrets_of):
            raise ValueError(f"{len(twice)} secrets are the default account's and a named one's")
        of_default = dict.fromkeys(secrets)
        self._secrets = [(secret.encode(), name) for secret, name in (of_default | dict(secrets_of)).items()]
        self._connected = connected
        self._tolerance_s = tolerance_s
        self._livemode = livemode

    def read(self, body: bytes, signature: str, now: datetime) -> Heard | None:
        """The command a webhook becomes; None when it concerns no payment of ours. Raises SignatureInvalid."""
        account = self._verify(body, signature, now)
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError:
            log.error("a notice of Stripe's is no JSON")
            return None
        if not isinstance(event, dict):
            return None
        if (acct := event.get("account")) is not None:
            signed_by, account = account, self._connected.get(acct) if isinstance(acct, str) else None
            if signed_by is not None and account != signed_by:
                log.warning("a notice was left aside: %s tells of another account", signed_by)
                return None
            if account is None:
                return self._of_nobody(event, body, now)
        return _unfamiliar(event, body, account) or self._understood(event, body, now, account)

    def _understood(
        self, event: Mapping[str, Any], body: bytes, now: datetime, account: str | None
    ) -> Heard | None:
        """What may be about a payment of ours, and cannot be read, is kept: nobody sends it again."""
        try:
            return _of_account(_notice(event, self._livemode, now), account)
        except UNREADABLE as error:
            _tell(error)
            return _kept(event, body, account) if _may_be_ours(event) else None

    def _of_nobody(self, event: Mapping[str, Any], body: bytes, now: datetime) -> Unfamiliar | None:
        """Of an account that no setting names, or not yet, or no more: what may be about a payment of ours is kept."""
        heard = self._understood(event, body, now, None)
        if heard is None or not NOTICE_ID.fullmatch(heard.notice_id):
            return None
        if isinstance(heard, Unfamiliar):
            return heard
        subject = heard.intent if isinstance(heard, Unaddressed) else heard.origin.payment_id
        log.error("notice %s is of an account that no setting names", heard.notice_id)
        return Unfamiliar(heard.notice_id, heard.notice_type, subject, body)

    def _verify(self, body: bytes, header: str, now: datetime) -> str | None:
        """The name of the account whose secret signed it; None: the default one."""
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
        expected = [
            (hmac.digest(secret, signed, "sha256").hex().encode(), name) for secret, name in self._secrets
        ]
        # every pair is compared, so that the time taken does not tell which secret came closer
        matches = [(hmac.compare_digest(one, other), name) for one, name in expected for other in signatures]
        signed_by = [name for matched, name in matches if matched]
        if not signed_by:
            raise SignatureInvalid("the signature is not Stripe's")
        if abs(now.timestamp() - int(times[0])) > self._tolerance_s:
            raise SignatureInvalid("the signature is too old or from the future")
        return signed_by[0]


def heard_of(
    event: Mapping[str, Any], livemode: bool | None, now: datetime, account: str | None = None
) -> RecordNotice | Unaddressed | None:
    """What an event of Stripe's, from a webhook or from its list, is to us; None when it concerns no payment of ours.

    `account`: the name of the one that tells.
    """
    try:
        return _of_account(_notice(event, livemode, now), account)
    except UNREADABLE as error:
        _tell(error)
        return None


def _of_account(
    notice: RecordNotice | Unaddressed | None, account: str | None
) -> RecordNotice | Unaddressed | None:
    return replace(notice, account=account) if notice and account else notice


def _tell(error: Exception) -> None:
    """The type and our own words only: the event is not for the log."""
    detail = str(error) if isinstance(error, Malformed) else type(error).__name__
    log.error("a notice of Stripe's could not be read: %s", detail)


def _unfamiliar(event: Mapping[str, Any], body: bytes, account: str | None) -> Unfamiliar | None:
    kind = event.get("type")
    if not (isinstance(kind, str) and TYPE.fullmatch(kind)) or kind in OBJECTS or kind in SILENT:
        return None
    log.warning("a notice of a type that is not known here: %s", kind)
    return _kept(event, body, account)


def _kept(event: Mapping[str, Any], body: bytes, account: str | None) -> Unfamiliar | None:
    """As it came. Of one without a name there is nothing to be kept under."""
    notice_id, subject = event.get("id"), _shown(event).get("id")
    if not (isinstance(notice_id, str) and NOTICE_ID.fullmatch(notice_id)):
        return None
    about = subject if isinstance(subject, str) and NOTICE_ID.fullmatch(subject) else notice_id
    return Unfamiliar(notice_id, str(event.get("type")), about, body, account)


def _shown(event: Mapping[str, Any]) -> Mapping[str, Any]:
    data = event.get("data")
    shown = data.get("object") if isinstance(data, dict) else None
    return shown if isinstance(shown, dict) else {}


def _may_be_ours(event: Mapping[str, Any]) -> bool:
    """What could not be read: a dispute, which does not say whose it is, or what says that it is of a payment of ours."""
    shown = _shown(event)
    payment_id = metadata_of(shown).get(PAYMENT_ID_NAME)
    return shown.get("object") == "dispute" or (
        isinstance(payment_id, str) and PAYMENT_ID.fullmatch(payment_id) is not None
    )


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
    if not (shown := _shown(event)):
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
    notice = Unaddressed(notice_id, kind, snapshot, intent, told_at, request=request)
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
            dispute = dispute_snapshot(shown)
            if dispute is None and id_of(shown, "payment_intent"):
                raise Malformed("a dispute in a status that is not known here")
            return _with_its_news(kind, dispute)
    snapshot = refund_snapshot(shown)
    if snapshot is None and REFUND_ID_NAME in metadata_of(shown):
        raise Malformed("a refund in a status that is not known here")
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
