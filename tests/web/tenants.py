"""What one merchant owns behind the fake service, for tests in which another one comes to it: through whatever door."""

from dataclasses import dataclass
from typing import Any

from models.representation import payment_view
from tests.web.fakes import PAYMENT, Door
from tests.web.service import ALICE
from tests.web.walking import Owned

SECRET = "only Alice may read this"
"""Stands in everything that is Alice's."""


@dataclass(frozen=True)
class Estate:
    """Alice's, with everything that a payment can have."""

    door: Door
    owned: Owned

    def secrets(self) -> set[str]:
        """What no stranger may be told, besides an id that they have named themselves."""
        intents = {view["provider"]["payment_intent"] for view in self.views().values()}
        return {SECRET, ALICE, self.owned.held, self.owned.taken, self.owned.refund, *intents}

    def views(self) -> dict[str, dict[str, Any]]:
        """Everything as it stands. A stranger's refused command takes a number in the story, and changes nothing else."""
        known = self.door.service.transactions
        views = {id: dict(payment_view(known[id], False)) for id in (self.owned.held, self.owned.taken)}
        for view in views.values():
            view.pop("sequence")
            view.pop("updated_at")
        return views


async def alices(door: Door) -> Estate:
    hers = PAYMENT | {"description": SECRET, "customer": "cus_alice", "metadata": {"note": SECRET}}
    held = await door.post("/v1/payments", hers | {"capture_method": "manual"}, "held")
    taken = await door.post("/v1/payments", hers, "taken")
    refund = await door.post(f"{taken.headers['Location']}/refunds", {"amount": 5}, "refund")
    assert (held.body["status"], taken.body["status"], refund.status) == ("authorized", "captured", 201)
    return Estate(door, Owned(held.body["id"], taken.body["id"], refund.body["id"]))
