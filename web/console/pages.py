"""The console's pages: what is read for each, and which template shows it. What is done from them is `doing.py`'s."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from models.errors import Unavailable
from models.ids import PAYMENT_ID
from models.payment import PaymentStatus
from models.ports import PaymentFilter
from web.console import rendering
from web.console.acts import ACTS
from web.console.guarding import Said
from web.console.numbers import numbers
from web.console.ports import Desk
from web.console.sessions import Signed
from web.ports import Missing, Readiness

NEWEST, FOUND_MAX, LISTED_MAX = 20, 50, 200

NAVIGATION = (
    ("/console", "Overview"),
    ("/console/payments", "Search"),
    ("/console/doubts", "In doubt"),
    ("/console/dead-letters", "Dead letters"),
    ("/console/webhooks", "Webhooks"),
    ("/console/health", "Health"),
    ("/console/audit", "Audit"),
)
"""A page that joins the console has its line here, its handler below and its route in `endpoint.py`."""


class Pages:
    def __init__(self, desk: Desk, readiness: Readiness) -> None:
        self._desk, self._readiness = desk, readiness
        self._templates = rendering.environment()

    def shown(
        self, template: str, signed: Signed | None, here: str = "", status: int = 200, **content: Any
    ) -> web.Response:
        page = self._templates.get_template(template)
        text = page.render(signed=signed, here=here, navigation=NAVIGATION, **content)
        return web.Response(text=text, status=status, content_type="text/html")

    def failed(self, sentence: str, status: int, signed: Signed | None) -> web.Response:
        return self.shown("failed.html", signed, status=status, sentence=sentence)

    async def overview(self, request: web.Request, signed: Signed) -> web.Response:
        now = datetime.now(UTC)
        newest, lately, doubts = await asyncio.gather(
            self._desk.payments(None, PaymentFilter(), NEWEST),
            self._desk.lately(),
            self._desk.in_doubt(),
        )
        content: dict[str, Any] = {"payments": newest, "doubts": doubts, "numbers": numbers(lately, now)}
        return self.shown("overview.html", signed, "/console", **content)

    async def search(self, request: web.Request, signed: Signed) -> web.Response:
        asked = {name: value.strip() for name, value in request.query.items() if value.strip()}
        if PAYMENT_ID.fullmatch(asked.get("id", "")):
            return web.Response(status=303, headers={"Location": f"/console/payments/{asked['id']}"})
        wrong, found = None, []
        try:
            where = _filter(asked)
            found = list(await self._desk.payments(asked.get("merchant"), where, FOUND_MAX))
        except Said as said:
            wrong = said.sentence
        content = {
            "asked": asked,
            "payments": found,
            "wrong": wrong,
            "most": FOUND_MAX,
            "statuses": list(PaymentStatus),
        }
        return self.shown("search.html", signed, "/console/payments", status=422 if wrong else 200, **content)

    async def payment(self, request: web.Request, signed: Signed) -> web.Response:
        id = request.match_info["payment_id"]
        found = await self._desk.story(id)
        if found is None:
            raise Said(404, "There is no such payment.")
        payment, happened, away = found
        offered = [act for act in ACTS.values() if act.offered(payment)]
        content: dict[str, Any] = {"payment": payment, "happened": happened, "away": away, "offered": offered}
        return self.shown("payment.html", signed, "/console/payments", **content)

    async def doubts(self, request: web.Request, signed: Signed) -> web.Response:
        found = await self._desk.doubts(LISTED_MAX)
        return self.shown("doubts.html", signed, "/console/doubts", doubts=found, most=LISTED_MAX)

    async def letters(self, request: web.Request, signed: Signed) -> web.Response:
        with_settled = request.query.get("all") == "1"
        found = await self._desk.letters(LISTED_MAX, with_settled)
        content: dict[str, Any] = {"letters": found, "with_settled": with_settled, "most": LISTED_MAX}
        return self.shown("letters.html", signed, "/console/dead-letters", **content)

    async def letter(self, request: web.Request, signed: Signed) -> web.Response:
        found = await self._desk.letter(letter_name(request))
        return self.shown("letter.html", signed, "/console/dead-letters", letter=found)

    async def webhooks(self, request: web.Request, signed: Signed) -> web.Response:
        found = await self._desk.webhooks(LISTED_MAX)
        return self.shown("webhooks.html", signed, "/console/webhooks", endpoints=found, most=LISTED_MAX)

    async def webhook(self, request: web.Request, signed: Signed) -> web.Response:
        id = request.match_info["endpoint"]
        found = await self._desk.webhook(id)
        if found is None:
            raise Said(404, "There is no such endpoint.")
        sent = await self._desk.deliveries(id, FOUND_MAX)
        content: dict[str, Any] = {"endpoint": found, "deliveries": sent, "most": FOUND_MAX}
        return self.shown("webhook.html", signed, "/console/webhooks", **content)

    async def delivery(self, request: web.Request, signed: Signed) -> web.Response:
        found = await self._desk.delivery(request.match_info["delivery"])
        if found is None or found["endpoint"] != request.match_info["endpoint"]:
            raise Said(404, "There is no such delivery.")
        return self.shown("delivery.html", signed, "/console/webhooks", delivery=found)

    async def health(self, request: web.Request, signed: Signed) -> web.Response:
        """Of what is away the page says so, beside all that is not."""
        missing, groups, budget = await asyncio.gather(
            self._missing(), _or_why(self._desk.groups()), _or_why(self._desk.budget())
        )
        content = {"missing": missing, "groups": groups, "budget": budget}
        return self.shown("health.html", signed, "/console/health", **content)

    async def audit(self, request: web.Request, signed: Signed) -> web.Response:
        return self.shown("audit.html", signed, "/console/audit", acts=await self._desk.acts(LISTED_MAX))

    async def _missing(self) -> Missing:
        try:
            async with asyncio.timeout(timedelta(seconds=3).total_seconds()):
                return await self._readiness()
        except TimeoutError:
            return {"door": "its parts did not say in time whether they are there"}


def letter_name(request: web.Request) -> str:
    return f"{request.match_info['partition']}/{request.match_info['offset']}"


def _filter(asked: Mapping[str, str]) -> PaymentFilter:
    """Raises Said."""
    if "id" in asked:
        raise Said(422, "A payment's id is pay_ and 32 hexadecimal digits.")
    currency = asked.get("currency", "").lower() or None
    if asked.get("amount") and currency is None:
        raise Said(422, "An amount needs its currency: 19.99 is another number of minor units in each.")
    try:
        amount = rendering.minor(asked.get("amount", ""), currency or "")
    except ValueError:
        raise Said(422, "The amount must be a number, as 12.50, with the currency's own digits.") from None
    name, value = asked.get("metadata_name"), asked.get("metadata_value", "")
    status = asked.get("status")
    if status is not None and status not in list(PaymentStatus):
        raise Said(422, "There is no such status.")
    metadata = ((name, value),) if name else ()
    return PaymentFilter(status, currency, asked.get("customer"), metadata=metadata, amount_minor=amount)


async def _or_why(asked: Any) -> Any:
    try:
        return await asked
    except Unavailable as away:
        return str(away)
