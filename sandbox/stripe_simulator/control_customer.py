"""`/_sim/authenticate` and `/_sim/receipts`: acting as the customer, by JSON or on a page."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from aiohttp import web

from . import customer_pages, intents
from .call import Call
from .change import Change
from .errors import invalid, no_such
from .identity import client_secret
from .parameters import Parameters
from .records import JSON, Charge, Intent
from .simulator import Simulator

WENT_WELL = ("succeeded", "requires_capture", "processing")


class CustomerStep:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def authenticate(self, intent_id: str, asked: JSON) -> JSON | web.Response:
        """The customer's step: {"outcome": "succeed"} or "fail". The page's form is led back to the return URL."""
        outcome, by_form = asked.get("outcome", "succeed"), bool(asked.get("by_form"))
        if outcome not in ("succeed", "fail"):
            raise invalid("outcome is succeed or fail")
        intent = self._intent(intent_id)
        clicked_twice = by_form and intent.status != "requires_action"
        if not clicked_twice:
            step = outcome == "succeed"
            self.simulator.act(intent, lambda change: self._authenticate(change, intent, step))
            intent = self._intent(intent_id)
        if not by_form:
            return self.simulator.renderer.intent(intent)
        if back := _way_back(intent):
            raise web.HTTPSeeOther(back)
        return customer_pages.authentication(intent)

    def _authenticate(self, change: Change, intent: Intent, succeeded: bool) -> None:
        simulator = self.simulator
        call = Call(change, Parameters({}), intent.id, simulator.timing, simulator.webhooks.delivered)
        intents.authenticate(call, succeeded)

    def authentication_page(self, intent_id: str, _: JSON) -> web.Response:
        """The page on which a customer completes or fails the step (HTML)."""
        intent = self._intent(intent_id)
        return customer_pages.authentication(intent, _way_back(intent))

    def receipt(self, charge_id: str, _: JSON) -> web.Response:
        """A charge's receipt (HTML)."""
        charge = self.simulator.books.get(charge_id)
        if not isinstance(charge, Charge):
            raise no_such("charge", charge_id)
        return customer_pages.receipt(charge)

    def _intent(self, intent_id: str) -> Intent:
        found = self.simulator.books.get(intent_id)
        if not isinstance(found, Intent):
            raise no_such("payment_intent", intent_id)
        return found


def _way_back(intent: Intent) -> str | None:
    """To the shop, with what Stripe tells it there; None: it gave no address, or the step is still to be done."""
    return_url = intent.details.get("return_url")
    if not return_url or intent.status == "requires_action":
        return None
    status = "succeeded" if intent.status in WENT_WELL else "failed"
    told = {"payment_intent": intent.id, "payment_intent_client_secret": client_secret(intent.id)}
    address = urlsplit(return_url)
    query = "&".join(filter(None, (address.query, urlencode({**told, "redirect_status": status}))))
    return address._replace(query=query).geturl()
