"""An event as merchants' webhooks carry it: type, time and the event as REST shows it, with the payment as it then stands."""

import orjson

from models.ports import Change
from models.webhooks import Notice


def notice_of(change: Change) -> Notice | None:
    """None: what a stranger tried on the payment, which is shown to neither of the two.

    Source: Standard Webhooks 1.0.0, "Payload structure".
    """
    event = change.event
    if event.is_of_a_stranger:
        return None
    data = {**event.body, "state": change.payment}
    payload = {"type": event.type, "timestamp": event.body["created_at"], "data": data}
    text = orjson.dumps(payload).decode()
    return Notice(event.id, event.merchant, event.type, event.payment_id, event.sequence, text, event.at)
