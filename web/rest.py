"""REST: HTTP requests become calls of the operations, and what those return becomes HTTP. Nothing is decided here."""

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from models.ports import View
from web import answers, patience
from web.idempotency import HEADER as IDEMPOTENCY_KEY
from web.patience import Preference
from web.payments import Answer, Asked, Payments
from web.reading import Reading
from web.requests import authorization, json_body, no_query, query, trace

RETRY_AFTER_S = "1"
"""What was accepted is mostly decided within a second or two."""


class Rest:
    def __init__(self, payments: Payments, reading: Reading, wait_s: float) -> None:
        self._payments, self._reading, self._wait_s = payments, reading, wait_s

    async def create_payment(self, request: web.Request) -> web.Response:
        asked, preference = self._asked(request)
        answer = await self._payments.create(asked)
        return _command_response(answer, preference, 201, _location(answer.view))

    async def capture_payment(self, request: web.Request) -> web.Response:
        asked, preference = self._asked(request)
        answer = await self._payments.capture(asked, request.match_info["payment_id"])
        return _command_response(answer, preference, 200, _location(answer.view))

    async def cancel_payment(self, request: web.Request) -> web.Response:
        asked, preference = self._asked(request)
        answer = await self._payments.cancel(asked, request.match_info["payment_id"])
        return _command_response(answer, preference, 200, _location(answer.view))

    async def create_refund(self, request: web.Request) -> web.Response:
        asked, preference = self._asked(request)
        answer = await self._payments.refund(asked, request.match_info["payment_id"])
        return _command_response(answer, preference, 201, _location(answer.view))

    async def get_payment(self, request: web.Request) -> web.Response:
        no_query(request)
        found = await self._reading.payment(authorization(request), request.match_info["payment_id"])
        return answers.read(request, found)

    async def list_payments(self, request: web.Request) -> web.Response:
        found = await self._reading.payments(authorization(request), query(request))
        return answers.read(request, found)

    async def get_refund(self, request: web.Request) -> web.Response:
        refund_id = request.match_info["refund_id"]
        found = await self._reading.refund(authorization(request), refund_id, query(request))
        return answers.read(request, found)

    async def list_refunds(self, request: web.Request) -> web.Response:
        payment_id = request.match_info["payment_id"]
        found = await self._reading.refunds(authorization(request), payment_id, query(request))
        return answers.read(request, found)

    async def list_events(self, request: web.Request) -> web.Response:
        payment_id = request.match_info["payment_id"]
        found = await self._reading.events(authorization(request), payment_id, query(request))
        return answers.read(request, found)

    def _asked(self, request: web.Request) -> tuple[Asked, Preference]:
        no_query(request)
        prefer = patience.preference(request.headers.getall("Prefer", ()), self._wait_s)
        asked = Asked(
            authorization=authorization(request),
            idempotency_key=request.headers.getall(IDEMPOTENCY_KEY, []),
            body=partial(json_body, request),
            wait_s=prefer.wait_s,
            trace=trace(request),
        )
        return asked, prefer


def _command_response(answer: Answer, preference: Preference, status: int, location: str) -> web.Response:
    headers: dict[str, str] = {"Location": location}
    if preference.applied:
        headers["Preference-Applied"] = preference.applied
    if answer.replayed:
        headers |= answers.REPLAYED
    if not answer.settled:
        return answers.json(answer.view, 202, headers | {"Retry-After": RETRY_AFTER_S})
    return answers.json(answer.view, status, headers)


def _location(view: Mapping[str, str] | View) -> str:
    return f"/v1/{view['object']}s/{view['id']}"
