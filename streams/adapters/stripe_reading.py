"""Looks at Stripe for what became of a call, and checks that what Stripe shows is about that call. Never sends a POST."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models.errors import InvariantBroken
from models.ids import PAYMENT_ID
from models.provider import (
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    IntentSnapshot,
    IntentStatus,
    PspCall,
    ReadIntent,
    RefundIntent,
    ScreenCustomer,
    Snapshot,
)
from streams.adapters.stripe_answers import Meaning, meaning_of
from streams.adapters.stripe_line import Turn
from streams.adapters.stripe_objects import PAYMENT_ID_NAME, REFUND_ID_NAME, StripeObject, id_of, metadata_of
from streams.adapters.stripe_requests import intent_path
from streams.adapters.stripe_snapshots import intent_snapshot, refund_snapshot
from streams.adapters.stripe_transport import Answer, Silence

REFUNDS_PER_PAGE = 100
"""Source: Stripe, pagination, the largest `limit`."""
REFUND_PAGES_MAX = 5
"""Ours are at most 200 of one payment; the rest is room for refunds made by hand."""
INTENTS_FOUND_MAX = 10
"""There should be one; two are an alarm."""
INTENTS_PER_PAGE = 100
INTENT_PAGES_MAX = 40
"""Of the listing that is gone through for a payment nothing else is known of: some minutes of a busy account."""
MADE_BEFORE, MADE_WITHIN = timedelta(minutes=2), timedelta(minutes=30)
"""When an intent was made, from its call's request: clocks differ, and nearly all of a call's sends are its first ones."""

NOT_TO_BE_HAD = frozenset({Meaning.REFUSED, Meaning.CONFIGURATION})
"""What the search says where it is not offered, or where the key may not use it, today as tomorrow.

Source: Stripe, search (not offered in every country); restricted API keys.
"""
ENDED = frozenset({IntentStatus.CAPTURED, IntentStatus.CANCELED})


@dataclass(frozen=True, slots=True)
class Found:
    """`absent`: certainly not there, not merely not seen. `looked`: everywhere that there is to look."""

    snapshot: Snapshot | None = None
    absent: bool = False
    looked: bool = True


NOT_LOOKED = Found(looked=False)
NOTHING = Found()


async def look(turn: Turn, call: PspCall, timeout_s: float, thoroughly: bool = False) -> Found:
    """How the thing that `call` is about stands now. Raises InvariantBroken for an object that is not about the call.

    `timeout_s`: of each read. `thoroughly`: also where it takes many reads.
    """
    match call.ask:
        case CaptureIntent() | CancelIntent() | ReadIntent():
            return await _intent(turn, call, call.ask.intent, timeout_s)
        case RefundIntent():
            return await _refund(turn, call, call.ask, timeout_s)
        case CreateIntent():
            found = await _search(turn, call, timeout_s)
            if found.snapshot is not None or not thoroughly:
                return found
            listed = await _list(turn, call, call.ask, timeout_s)  # it may know where the search is silent
            return listed if listed.snapshot is not None or found.looked else NOT_LOOKED
        case ScreenCustomer():
            raise InvariantBroken(f"{call.key}: Stripe has nothing to show of it")


def proves_the_end(call: PspCall, seen: Snapshot) -> bool:
    """Whether `seen` can only be so because the call was carried out, or can be no more."""
    if isinstance(call.ask, CaptureIntent | CancelIntent):
        return isinstance(seen, IntentSnapshot) and seen.status in ENDED
    return True  # an intent or a refund with our metadata: this very call made it


def snapshot_of(call: PspCall, seen: StripeObject, livemode: bool) -> Snapshot | None:
    """The object as a snapshot, once every sign says that it is about this call. Raises InvariantBroken when one does not."""
    for sign, expected, shown in _signs(call, seen, livemode):
        if expected != shown:
            raise InvariantBroken(f"{call.key}: Stripe shows an object with another {sign}")
    return refund_snapshot(seen) if isinstance(call.ask, RefundIntent) else intent_snapshot(seen)


def _signs(call: PspCall, seen: StripeObject, livemode: bool) -> Iterator[tuple[str, object, object]]:
    yield "payment_id", call.payment_id, metadata_of(seen).get(PAYMENT_ID_NAME)
    if isinstance(call.ask, RefundIntent):
        yield "object", "refund", seen.get("object")
        yield "payment_intent", call.ask.intent, id_of(seen, "payment_intent")
        yield "refund_id", call.ask.refund_id, metadata_of(seen).get(REFUND_ID_NAME)
        yield "amount", call.ask.amount_minor, seen.get("amount")
        return
    yield "object", "payment_intent", seen.get("object")
    yield "livemode", livemode, seen.get("livemode")
    if isinstance(call.ask, CreateIntent):
        yield "amount", call.ask.terms.money.amount_minor, seen.get("amount")
        yield "currency", call.ask.terms.money.currency, seen.get("currency")
    elif not isinstance(call.ask, ScreenCustomer):
        yield "id", call.ask.intent, seen.get("id")


async def _intent(turn: Turn, call: PspCall, intent: str, timeout_s: float) -> Found:
    body = await _read(turn, intent_path(intent), {"expand": ["latest_charge"]}, timeout_s)
    return Found(snapshot_of(call, body, turn.livemode)) if body is not None else NOT_LOOKED


async def _refund(turn: Turn, call: PspCall, ask: RefundIntent, timeout_s: float) -> Found:
    """Through the list of the intent's refunds, which unlike the search does not lag."""
    parameters = {"payment_intent": ask.intent, "limit": REFUNDS_PER_PAGE}
    name = (REFUND_ID_NAME, ask.refund_id)
    seen, nowhere = await _first(turn, "/v1/refunds", parameters, REFUND_PAGES_MAX, name, timeout_s)
    return Found(snapshot_of(call, seen, turn.livemode)) if seen else nowhere


async def _search(turn: Turn, call: PspCall, timeout_s: float) -> Found:
    """The search lags by minutes: what it finds is there, what it does not find may be there all the same.

    It lags in what it shows too, so the intent itself is read then. Where it is not to be had there is nothing to wait for:
    the list must do.
    """
    if not PAYMENT_ID.fullmatch(call.payment_id):
        return NOTHING
    query = f'metadata["{PAYMENT_ID_NAME}"]:"{call.payment_id}"'
    parameters = {"query": query, "limit": INTENTS_FOUND_MAX}
    heard = await turn.get("/v1/payment_intents/search", parameters, timeout_s)
    if meaning_of(heard) in NOT_TO_BE_HAD:
        return NOTHING
    body = _body(heard)
    if body is None:
        return NOT_LOOKED
    found = _page(body)
    if len(found) > 1:
        raise InvariantBroken(f"{call.key}: Stripe knows {len(found)} intents of one payment")
    return await _intent(turn, call, str(found[0].get("id")), timeout_s) if found else NOTHING


async def _list(turn: Turn, call: PspCall, ask: CreateIntent, timeout_s: float) -> Found:
    """Through all intents made about when this one was asked for. Its metadata names the payment."""
    window = {
        "gte": int((call.requested_at - MADE_BEFORE).timestamp()),
        "lte": int((call.requested_at + MADE_WITHIN).timestamp()),
    }
    parameters: dict[str, Any] = {"created": window, "limit": INTENTS_PER_PAGE}
    if ask.terms.customer:
        parameters["customer"] = ask.terms.customer
    name = (PAYMENT_ID_NAME, call.payment_id)
    seen, nowhere = await _first(turn, "/v1/payment_intents", parameters, INTENT_PAGES_MAX, name, timeout_s)
    if seen:
        return await _intent(turn, call, str(seen.get("id")), timeout_s)
    return NOTHING if nowhere.looked else NOT_LOOKED  # it may have been made at another time


async def _first(
    turn: Turn,
    path: str,
    parameters: dict[str, Any],
    pages_max: int,
    name: tuple[str, str],
    timeout_s: float,
) -> tuple[StripeObject | None, Found]:
    """The first of a list whose metadata hold `name` and its value; or None, and what that says."""
    for _ in range(pages_max):
        body = await _read(turn, path, parameters, timeout_s)
        if body is None:
            return None, NOT_LOOKED
        page = _page(body)
        for seen in page:
            if metadata_of(seen).get(name[0]) == name[1]:
                return seen, NOTHING
        if not body.get("has_more") or not page:
            return None, Found(absent=body.get("has_more") is False)
        parameters = parameters | {"starting_after": page[-1].get("id")}
    return None, NOTHING


async def _read(
    turn: Turn, path: str, parameters: dict[str, Any], timeout_s: float
) -> Mapping[str, Any] | None:
    return _body(await turn.get(path, parameters, timeout_s))


def _body(heard: Answer | Silence) -> Mapping[str, Any] | None:
    return heard.body if isinstance(heard, Answer) and meaning_of(heard) is Meaning.DONE else None


def _page(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = body.get("data")
    return [seen for seen in data if isinstance(seen, Mapping)] if isinstance(data, list) else []
