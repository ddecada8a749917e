"""`/_sim/…`: the simulator's own levers and its ledger. JSON in, JSON out; none of this is Stripe's."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from aiohttp import web

from . import intents, ledger
from .call import Call, Timing
from .change import BY_ITSELF, Change
from .errors import StripeError
from .faults import BadPlan
from .identity import client_secret
from .parameters import Parameters
from .records import JSON, Intent
from .simulator import Simulator
from .webhooks import Settings

COPIES_MAX = 100


class Refused(Exception):
    """400, or 404 with `status`."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.routes: dict[tuple[str, str], Callable[[str, JSON], JSON | web.Response]] = {
            ("GET", "health"): self.health,
            ("GET", "ledger"): self.ledger,
            ("GET", "payments"): self.payments,
            ("GET", "requests"): self.requests,
            ("DELETE", "requests"): self.forget_requests,
            ("GET", "faults"): self.faults,
            ("POST", "faults"): self.plan_faults,
            ("DELETE", "faults"): self.clear_faults,
            ("GET", "clock"): self.clock,
            ("POST", "clock"): self.move_clock,
            ("GET", "timing"): self.timing,
            ("POST", "timing"): self.set_timing,
            ("GET", "webhook"): self.webhook,
            ("POST", "webhook"): self.set_webhook,
            ("POST", "events"): self.resend,
            ("GET", "authenticate"): self.authentication_page,
            ("POST", "authenticate"): self.authenticate,
            ("GET", "receipts"): self.receipt,
        }

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        path, _, query = http.raw_path.partition("?")
        name, _, rest = path.removeprefix("/_sim").strip("/").partition("/")
        run = self.routes.get((http.method, name))
        try:
            if run is None:
                raise Refused(f"no such control: {http.method} {path}", 404)
            found = run(rest, await _read(http, query))
        except (BadPlan, Refused, StripeError, TypeError, ValueError) as error:
            return _json({"error": {"message": str(error)}}, getattr(error, "status", 400))
        return found if isinstance(found, web.Response) else _json(found)

    def health(self, _: str, __: JSON) -> JSON:
        books = self.simulator.books
        return {
            "status": "ok",
            "objects": len(books.objects),
            "ledger_entries": len(books.ledger),
            "journal_bytes": self.simulator.journal.size_bytes,
            "webhooks_pending": len(self.simulator.webhooks.pending),
            "now": self.simulator.clock.now(),
        }

    def ledger(self, _: str, asked: JSON) -> JSON:
        return ledger.entries(
            self.simulator.books,
            payment=asked.get("payment"),
            kind=asked.get("kind"),
            account=asked.get("account"),
            after=int(asked.get("after", 0)),
            limit=min(int(asked.get("limit", ledger.LIMIT_DEFAULT)), ledger.LIMIT_MAX),
        )

    def payments(self, _: str, asked: JSON) -> JSON:
        limit = min(int(asked.get("limit", ledger.LIMIT_DEFAULT)), ledger.LIMIT_MAX)
        after = int(asked.get("after", 0))
        return ledger.payments(self.simulator.books, account=asked.get("account"), after=after, limit=limit)

    def requests(self, _: str, __: JSON) -> JSON:
        webhooks = self.simulator.webhooks
        return {
            "endpoints": self.simulator.requests,
            "stale_keys": [use._asdict() for use in self.simulator.keys.stale_uses],
            "webhooks": {"attempts": webhooks.attempts_total, "delivered": webhooks.delivered_total},
        }

    def forget_requests(self, _: str, __: JSON) -> JSON:
        self.simulator.requests.clear()
        self.simulator.keys.stale_uses.clear()
        return {}

    def faults(self, _: str, __: JSON) -> JSON:
        plan = self.simulator.faults
        return {
            "rules": [asdict(rule) for rule in plan.rules],
            "latency": {"ms": plan.latency_s * 1000, "jitter_ms": plan.jitter_s * 1000},
        }

    def plan_faults(self, _: str, asked: JSON) -> JSON:
        """One rule, or `{"rules": […], "seed": 7, "replace": true}`."""
        if not asked.keys() & {"kind", "rules", "replace", "seed"}:
            raise Refused('give {"kind": …} or {"rules": [{"kind": …}]} as application/json')
        plan = self.simulator.faults
        if asked.get("replace"):
            plan.clear()
        if "seed" in asked:
            plan.random.seed(asked["seed"])
        added = [plan.add(rule) for rule in asked.get("rules", [asked] if "kind" in asked else [])]
        return {"added": [rule.id for rule in added if rule], **self.faults("", {})}

    def clear_faults(self, rule_id: str, _: JSON) -> JSON:
        self.simulator.faults.clear(rule_id or None)
        return self.faults("", {})

    def clock(self, _: str, __: JSON) -> JSON:
        return {"now": self.simulator.clock.now(), "offset_s": self.simulator.clock.offset_s}

    def move_clock(self, _: str, asked: JSON) -> JSON:
        """What falls due by the move has happened when this answers."""
        if "advance_s" in asked:
            self.simulator.clock.advance(float(asked["advance_s"]))
        elif "now" in asked:
            self.simulator.clock.set(float(asked["now"]))
        else:
            raise Refused("give advance_s or now")
        self.simulator.move_clock()
        return self.clock("", {})

    def timing(self, _: str, __: JSON) -> JSON:
        return asdict(self.simulator.timing)

    def set_timing(self, _: str, asked: JSON) -> JSON:
        self.simulator.timing = replace(self.simulator.timing, **_known(Timing, asked, float))
        return self.timing("", {})

    def webhook(self, _: str, __: JSON) -> JSON:
        return {**asdict(self.simulator.webhooks.settings), "pending": len(self.simulator.webhooks.pending)}

    def set_webhook(self, _: str, asked: JSON) -> JSON:
        asked.pop("pending", None)
        given = {
            name: value for name, value in asked.items() if name in {item.name for item in fields(Settings)}
        }
        if len(given) != len(asked):
            raise Refused(f"unknown members: {', '.join(sorted(set(asked) - set(given)))}")
        self.simulator.set_webhook(replace(self.simulator.webhooks.settings, **given))
        return self.webhook("", {})

    def resend(self, rest: str, asked: JSON) -> JSON:
        event_id, _, verb = rest.partition("/")
        event = self.simulator.books.events.get(event_id)
        if event is None or verb != "resend":
            raise Refused(f"no such event: {event_id}", 404)
        self.simulator.webhooks.resend(event, min(int(asked.get("copies", 1)), COPIES_MAX))
        return {"id": event_id}

    def authenticate(self, intent_id: str, asked: JSON) -> JSON | web.Response:
        """`{"outcome": "succeed"}` or `"fail"`; a form post of the page is sent back to the return URL."""
        outcome = asked.get("outcome", "succeed")
        if outcome not in ("succeed", "fail"):
            raise Refused("outcome is succeed or fail")
        intent = self._intent(intent_id)
        change = Change(
            self.simulator.books, intent.account, intent.livemode, self.simulator.clock.now(), BY_ITSELF
        )
        call = Call(
            change, Parameters({}), intent_id, self.simulator.timing, self.simulator.webhooks.delivered
        )
        intents.authenticate(call, outcome == "succeed")
        self.simulator.commit(change)
        intent = self._intent(intent_id)
        return_url = intent.details.get("return_url")
        if asked.get("by_form") and return_url:
            raise web.HTTPSeeOther(_return_to(return_url, intent, outcome))
        return self.simulator.renderer.intent(intent)

    def authentication_page(self, intent_id: str, _: JSON) -> web.Response:
        intent = self._intent(intent_id)
        return _html(
            f"<h1>3D Secure (simulated)</h1><p>{intent.amount} {intent.currency}, {html.escape(intent.id)}: "
            f"{html.escape(intent.status)}</p><form method=post><input type=hidden name=by_form value=1>"
            "<button name=outcome value=succeed>Complete</button> <button name=outcome value=fail>Fail</button></form>"
        )

    def receipt(self, charge_id: str, _: JSON) -> web.Response:
        charge = self.simulator.books.get(charge_id)
        if charge is None:
            raise Refused(f"no such charge: {charge_id}", 404)
        return _html(f"<h1>Receipt</h1><p>{html.escape(charge_id)}: {charge.amount} {charge.currency}</p>")

    def _intent(self, intent_id: str) -> Intent:
        found = self.simulator.books.get(intent_id)
        if not isinstance(found, Intent):
            raise Refused(f"no such payment_intent: {intent_id}", 404)
        return found


def _known(cls: type[Any], asked: JSON, convert: Callable[[Any], Any]) -> JSON:
    unknown = set(asked) - {item.name for item in fields(cls)}
    if unknown:
        raise Refused(f"unknown members: {', '.join(sorted(unknown))}")
    return {name: convert(value) for name, value in asked.items()}


async def _read(http: web.BaseRequest, query: str) -> JSON:
    if http.method == "GET":
        return dict(parse_qsl(query))
    raw = await http.read()
    if http.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode()))
    found = orjson.loads(raw) if raw.strip() else {}
    if not isinstance(found, dict):
        raise Refused("a JSON object is wanted")
    return found


def _return_to(return_url: str, intent: Intent, outcome: str) -> str:
    status = "succeeded" if outcome == "succeed" else "failed"
    query = {"payment_intent": intent.id, "payment_intent_client_secret": client_secret(intent.id)}
    return return_url + ("&" if "?" in return_url else "?") + urlencode({**query, "redirect_status": status})


def _json(found: JSON, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(found, default=dict), content_type="application/json"
    )


def _html(body: str) -> web.Response:
    return web.Response(
        text=f"<!doctype html><title>Stripe simulator</title>{body}", content_type="text/html"
    )
