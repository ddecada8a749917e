"""What one merchant owns behind the fake service, for tests in which another one comes to it: through whatever door."""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from models.representation import payment_view
from models.webhook_endpoints import Kept, delivery_view, endpoint_view
from models.webhooks import delivery_id
from tests.web.fakes import PAYMENT, Door
from tests.web.service import ALICE, Service
from tests.web.walking import Owned

SECRET = "only Alice may read this"
"""Stands in everything that is Alice's."""
HOOK = "https://alice.example/hook"


@dataclass(frozen=True)
class Estate:
    """Alice's, with everything that a payment can have."""

    door: Door
    owned: Owned

    def secrets(self) -> set[str]:
        """What no stranger may be told, besides an id that they have named themselves."""
        intents = {view["provider"]["payment_intent"] for view in self.views().values() if "provider" in view}
        return {SECRET, ALICE, *astuple(self.owned), *intents}

    def views(self) -> dict[str, dict[str, Any]]:
        """Everything as it stands. A stranger's refused command takes a number in the story, and changes nothing else."""
        known = self.door.service.transactions
        views = {id: dict(payment_view(known[id], False)) for id in (self.owned.held, self.owned.taken)}
        for view in views.values():
            view.pop("sequence")
            view.pop("updated_at")
        webhooks = self.door.service.webhooks
        endpoint, (_, delivery) = webhooks.endpoints[self.owned.endpoint], webhooks.kept[self.owned.delivery]
        return views | {endpoint.id: endpoint_view(endpoint), delivery.id: delivery_view(delivery)}


async def alices(door: Door) -> Estate:
    hers = PAYMENT | {"description": SECRET, "customer": "cus_alice", "metadata": {"note": SECRET}}
    held = await door.post("/v1/payments", hers | {"capture_method": "manual"}, "held")
    taken = await door.post("/v1/payments", hers, "taken")
    refund = await door.post(f"{taken.headers['Location']}/refunds", {"amount": 5}, "refund")
    assert (held.body["status"], taken.body["status"], refund.status) == ("authorized", "captured", 201)
    endpoint = await door.post("/v1/webhook_endpoints", {"url": HOOK, "description": SECRET}, "endpoint")
    delivery = sent(door.service, endpoint.body["id"], taken.body["id"])
    ids = held.body["id"], taken.body["id"], refund.body["id"], endpoint.body["id"]
    return Estate(door, Owned(*ids, delivery))


def sent(service: Service, endpoint: str, payment: str, merchant: str = ALICE) -> str:
    """A delivery to an endpoint, which was refused once. Its id."""
    event = f"{endpoint} {payment}"
    id, now = delivery_id(event, endpoint), datetime.now(UTC)
    answer = {
        "number": 1,
        "at": now.isoformat(),
        "took_ms": 5,
        "status": 500,
        "error": None,
        "answer": SECRET,
    }
    kept = Kept(id, endpoint, event, "payment.captured.v1", payment, 2, "failed", 1, now, now, now, [answer])
    service.webhooks.kept[id] = merchant, kept
    return id
