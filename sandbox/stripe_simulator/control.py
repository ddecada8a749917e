"""`/_sim/…`: the simulator's own levers and its ledger. JSON in, JSON out; none of this is Stripe's."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from . import ledger
from .control_customer import CustomerStep
from .control_disputes import Bank
from .control_settings import Levers
from .errors import StripeError, invalid, no_such
from .records import JSON
from .simulator import Simulator


class Control:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        levers, customer, bank = Levers(simulator), CustomerStep(simulator), Bank(simulator)
        self.routes: dict[tuple[str, str], Callable[[str, JSON], JSON | web.Response]] = {
            ("GET", ""): self.index,
            ("GET", "health"): self.health,
            ("GET", "ledger"): self.ledger,
            ("GET", "payments"): self.payments,
            ("GET", "requests"): self.requests,
            ("DELETE", "requests"): self.forget_requests,
            ("GET", "faults"): levers.faults,
            ("POST", "faults"): levers.plan_faults,
            ("DELETE", "faults"): levers.clear_faults,
            ("GET", "limits"): levers.limits,
            ("POST", "limits"): levers.set_limits,
            ("DELETE", "limits"): levers.lift_limits,
            ("POST", "disputes"): bank.act,
            ("GET", "clock"): levers.clock,
            ("POST", "clock"): levers.move_clock,
            ("GET", "timing"): levers.timing,
            ("POST", "timing"): levers.set_timing,
            ("GET", "webhook"): levers.webhook,
            ("POST", "webhook"): levers.set_webhook,
            ("POST", "events"): levers.resend,
            ("GET", "authenticate"): customer.authentication_page,
            ("POST", "authenticate"): customer.authenticate,
            ("GET", "receipts"): customer.receipt,
        }

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        path, _, query = http.raw_path.partition("?")
        name, _, rest = path.removeprefix("/_sim").strip("/").partition("/")
        run = self.routes.get((http.method, name))
        try:
            if run is None:
                raise no_such("control", f"{http.method} {path}")
            found = run(rest, await _read(http, query))
        except (StripeError, TypeError, ValueError) as error:
            return _json({"error": {"message": str(error)}}, getattr(error, "status", 400))
        return found if isinstance(found, web.Response) else _json(found)

    def index(self, _: str, __: JSON) -> JSON:
        """These controls."""
        listed = [
            {
                "method": method,
                "path": f"/_sim/{name}",
                "what": (run.__doc__ or "").strip().partition("\n")[0],
            }
            for (method, name), run in self.routes.items()
        ]
        return {"controls": listed}

    def health(self, _: str, __: JSON) -> JSON:
        """That it runs, how much it holds, and its time."""
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
        """Every charge, capture, cancellation, refund and dispute: ?payment= &kind= &account= &after= &limit="""
        return ledger.entries(
            self.simulator.books,
            payment=asked.get("payment"),
            kind=asked.get("kind"),
            account=asked.get("account"),
            after=int(asked.get("after", 0)),
            limit=min(int(asked.get("limit", ledger.LIMIT_DEFAULT)), ledger.LIMIT_MAX),
        )

    def payments(self, _: str, asked: JSON) -> JSON:
        """One row per PaymentIntent as it stands: ?account= &after= &limit="""
        limit = min(int(asked.get("limit", ledger.LIMIT_DEFAULT)), ledger.LIMIT_MAX)
        after = int(asked.get("after", 0))
        return ledger.payments(self.simulator.books, account=asked.get("account"), after=after, limit=limit)

    def requests(self, _: str, __: JSON) -> JSON:
        """Counts by endpoint and outcome, keys used too late or with other parameters, webhook attempts."""
        webhooks = self.simulator.webhooks
        return {
            "endpoints": self.simulator.requests,
            "stale_keys": [use._asdict() for use in self.simulator.keys.stale_uses],
            "mismatched_keys": [key for _, key in self.simulator.keys.mismatched],
            "webhooks": {"attempts": webhooks.attempts_total, "delivered": webhooks.delivered_total},
        }

    def forget_requests(self, _: str, __: JSON) -> JSON:
        """Counts from zero again."""
        self.simulator.requests.clear()
        self.simulator.keys.stale_uses.clear()
        self.simulator.keys.mismatched.clear()
        return {}


async def _read(http: web.BaseRequest, query: str) -> JSON:
    if http.method == "GET":
        return dict(parse_qsl(query))
    raw = await http.read()
    if http.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode()))
    found = orjson.loads(raw) if raw.strip() else {}
    if not isinstance(found, dict):
        raise invalid("a JSON object is wanted")
    return found


def _json(found: JSON, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(found, default=dict), content_type="application/json"
    )
