"""A payment and its refund over HTTP, with the Python client (clients/python).

    .venv/bin/python examples/pay_and_refund.py [order-6736]            with `make run` running

Run it again with the same order: nobody is charged again.
"""

import json
import os
import sys
import time
from pathlib import Path
from uuid import uuid4

from millrace_client import Millrace, MillraceError

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = Path(os.environ.get("ENDPOINTS", ROOT / ".run/endpoints.json"))


def pay(client: Millrace, order: str) -> None:
    payment = client.payments.create(
        amount=1999,
        currency="usd",
        payment_method="pm_card_visa",
        metadata={"order": order},
        idempotency_key=order,  # one order, one payment: also after a crash of this program
    )
    if payment.status != "captured":
        print(f"{payment.id} is {payment.status}", payment.decline or "")
        return
    again = " already" if payment.http and payment.http.replayed else ""
    print(f"{payment.id} was{again} captured: {dollars(payment.amount_captured)}")
    refund = client.refunds.create(payment, amount=500, idempotency_key=f"{order}-return")
    print(f"{refund.id} is {refund.status}: {dollars(refund.amount)}")
    time.sleep(0.5)  # the story is up to a fifth of a second behind
    for event in client.events.list(payment):
        print(f"  {event.sequence:>2}  {event.type}")


def dollars(cents: int) -> str:
    """Amounts are in minor units of their currency."""
    return f"{cents / 100:.2f} USD"


def main() -> None:
    if not ENDPOINTS.exists():
        sys.exit("nothing runs here: start `make run` first")
    endpoints = json.loads(ENDPOINTS.read_text())
    order = sys.argv[1] if len(sys.argv) > 1 else f"order-{uuid4().hex[:8]}"
    with Millrace(endpoints["http"], endpoints["merchants"][0]["api_key"]) as client:
        try:
            pay(client, order)
        except MillraceError as failed:
            later = ": run this again, with the same order" if failed.retryable else ""
            sys.exit(f"{order} failed, {failed}{later}")


if __name__ == "__main__":
    main()
