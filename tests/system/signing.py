"""Stripe's notices made by hand, true ones and others, and signed as Stripe signs. Nothing is sent here."""

import hashlib
import hmac
import json
import time
from typing import Any

from tests.system.stack import WEBHOOK_SECRET


def signed(body: bytes, *secrets: str, at: float | None = None) -> dict[str, str]:
    """The headers: signed by each of these secrets, by the usual one where none is named."""
    seconds = str(int(time.time() if at is None else at))
    content = seconds.encode() + b"." + body
    keys = [secret.encode() for secret in secrets or (WEBHOOK_SECRET,)]
    digests = [hmac.new(key, content, hashlib.sha256).hexdigest() for key in keys]
    signature = ",".join([f"t={seconds}", *(f"v1={digest}" for digest in digests)])
    return {"Stripe-Signature": signature, "Content-Type": "application/json"}


def notice(id: str, type: str, shown: dict[str, Any]) -> bytes:
    told = {"id": id, "object": "event", "type": type, "livemode": False, "created": int(time.time())}
    return json.dumps({**told, "data": {"object": shown}}).encode()


def canceled_notice(payment_id: str, merchant: str, intent: str) -> bytes:
    """Stripe's word that a payment which was captured is canceled: a lie somebody would like to be believed."""
    shown = {
        "id": intent,
        "object": "payment_intent",
        "status": "canceled",
        "amount": 1999,
        "currency": "usd",
        "metadata": {"payment_id": payment_id, "merchant": merchant},
    }
    return notice("evt_forged", "payment_intent.canceled", shown)


def succeeded_notice(payment_id: str, merchant: str, view: dict[str, Any]) -> bytes:
    """That a payment, shown as `view`, has been paid."""
    shown = {
        "id": view["provider"]["payment_intent"],
        "object": "payment_intent",
        "status": "succeeded",
        "amount": view["amount"],
        "amount_received": view["amount"],
        "amount_capturable": 0,
        "currency": view["currency"],
        "latest_charge": "ch_forged",
        "metadata": {"payment_id": payment_id, "merchant": merchant},
    }
    return notice("evt_lie", "payment_intent.succeeded", shown)
