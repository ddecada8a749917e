"""An event record as analytics takes it in: what of the payment it left. Where it is kept is not known here."""

from datetime import datetime

from models.analytics import Fact, method_of
from models.codes import Code
from models.ports import View
from streams.delivery import Poison, Record
from streams.wire.changes import story_of
from streams.wire.events import Story


def fact_of(record: Record) -> Fact | None:
    """None: there is no payment to tell of yet, as where what was refused came before it. Raises Poison."""
    story = story_of(record)
    payment = story.content.get("payment")
    if payment is None:
        return None
    try:
        return _fact(story, payment)
    except (KeyError, TypeError, ValueError, AttributeError) as failed:
        raise Poison(f"this is no payment: {failed!r}", Code.UNDECODABLE) from failed


def _fact(story: Story, payment: View) -> Fact:
    decline, unknown_since = payment["decline"], payment["unknown_since"]
    return Fact(
        payment=story.payment_id,
        sequence=story.sequence,
        merchant=payment["merchant"],
        currency=payment["currency"],
        method=method_of(payment["payment_method"]),
        at=story.at,
        created_at=datetime.fromisoformat(payment["created_at"]),
        status=payment["status"],
        amount=payment["amount"],
        authorized=payment["amount_authorized"],
        captured=payment["amount_captured"],
        refunded=payment["amount_refunded"],
        disputed=payment["amount_disputed"],
        decline=decline and decline["code"],
        unknown_since=unknown_since and datetime.fromisoformat(unknown_since),
    )
