"""Signing in and out, and acting: each act is a page that asks once more and wants a reason, and a POST that does it."""

from urllib.parse import quote
from uuid import UUID, uuid4

from aiohttp import web

from models.errors import Decided, Refused, Unavailable
from models.ids import PAYMENT_ID
from models.ports import View
from web.console.acts import ACTS, Act
from web.console.guarding import (
    COOKIE,
    COOKIE_PATH,
    FORM,
    SIGN_IN,
    Guard,
    Said,
    confined,
    form,
    from_our_own,
    said_of,
    set_cookie,
)
from web.console.pages import Pages, letter_name
from web.console.ports import Desk
from web.console.sessions import NAME_MAX_CHARS, Signed, SignedIn
from web.ports import Reader
from web.rooms import Room

WHY_MAX_CHARS = 500
LAID_OUT = "\r\n\t"
"""What is not printable and may be in it; PostgreSQL, for one, holds no NUL."""
SHOWN_WITHIN_S = 2.0
"""For the store to have what was done, before the payment is shown again: it is a few ms behind."""
FATES = {"redrive": "redriven", "drop": "dropped"}
ENTERING_MAX = 16
"""Who are signing in at once: who they are is known only then, and none of them may take the merchants' places."""
SWITCHES = {"enable": True, "disable": False}


class Doing:
    def __init__(self, desk: Desk, reader: Reader, pages: Pages, guard: Guard, signed_in: SignedIn) -> None:
        self._desk, self._reader, self._pages = desk, reader, pages
        self._guard, self._signed_in = guard, signed_in
        self._entrance = Room(ENTERING_MAX)

    async def ask_in(self, request: web.Request) -> web.StreamResponse:
        return confined(self._pages.shown("sign_in.html", None, wrong=None))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        try:
            from_our_own(request)
            with self._entrance.taken():
                signed = await self._begun(request)
        except Exception as failed:
            said = said_of(failed, to_a_stranger=True)
            return confined(self._pages.shown("sign_in.html", None, status=said.status, wrong=said.sentence))
        response = web.Response(status=303, headers={"Location": "/console"})
        set_cookie(response, request, signed.token)
        return confined(response)

    async def _begun(self, request: web.Request) -> Signed:
        given = await form(request)
        name = given.get("name", "")
        if not name or len(name) > NAME_MAX_CHARS or not name.isprintable():
            raise Said(422, f"Say who you are, in at most {NAME_MAX_CHARS} characters.")
        signed = await self._signed_in.begin(given.get("key", ""), name)
        if signed is None:
            # only now: behind a balancer all come from one address, and a stranger's tries must keep nobody out
            await self._guard.count_try(request)
            raise Said(401, "This is no operator's key, or not any more.")
        return signed

    async def sign_out(self, request: web.Request, signed: Signed) -> web.Response:
        await self._signed_in.end(signed)
        response = web.Response(status=303, headers={"Location": SIGN_IN})
        response.del_cookie(COOKIE, path=COOKIE_PATH)
        return response

    async def ask(self, request: web.Request, signed: Signed) -> web.Response:
        return await self._form(request, signed, uuid4(), None, 200)

    async def act(self, request: web.Request, signed: Signed) -> web.Response:
        act, given = _act(request), await form(request)
        id = _uuid(given.get("id", ""))
        payment_id = request.match_info["payment_id"]
        try:
            why = _why(given)
            payment = await self._payment(payment_id)
            said = act.said(given, payment, signed.who)
            done = await self._desk.command(act.type, payment_id, said, id, signed.who, why)
        except (Refused, Said, Unavailable) as failed:
            wrong = said_of(failed)
            # what may have been done under an id is done but once
            again = uuid4() if isinstance(failed, Decided) else id
            return await self._form(request, signed, again, wrong.sentence, wrong.status)
        await self._reader.reached(payment_id, done.get("sequence", 0), SHOWN_WITHIN_S)
        return _to(f"/console/payments/{payment_id}")

    async def settle(self, request: web.Request, signed: Signed) -> web.Response:
        fate = FATES.get(request.match_info["fate"])
        if fate is None:
            raise Said(404, "There is nothing at this address.")
        name, why = letter_name(request), _why(await form(request))
        await self._desk.settle(name, fate, signed.who, why)
        return _to(f"/console/dead-letters/{name}")

    async def switch(self, request: web.Request, signed: Signed) -> web.Response:
        id, on = request.match_info["endpoint"], SWITCHES.get(request.match_info["switch"])
        if on is None:
            raise Said(404, "There is nothing at this address.")
        await self._desk.switch(id, on, signed.who, _why(await form(request)))
        return _to(f"/console/webhooks/{quote(id)}")

    async def send_again(self, request: web.Request, signed: Signed) -> web.Response:
        endpoint, id = request.match_info["endpoint"], request.match_info["delivery"]
        await self._desk.send_again(id, signed.who, _why(await form(request)))
        return _to(f"/console/webhooks/{quote(endpoint)}/{quote(id)}")

    async def _form(
        self, request: web.Request, signed: Signed, id: UUID, wrong: str | None, status: int
    ) -> web.Response:
        act, payment = _act(request), await self._payment(request.match_info["payment_id"])
        given = request.get(FORM, {})
        left = payment["amount_refundable"]
        if given.get("id") == str(id):  # the same command, to the letter
            left = given.get("expected_refundable", left)
        content = {"act": act, "payment": payment, "id": id, "left": left, "wrong": wrong, "given": given}
        return self._pages.shown("act.html", signed, "/console/payments", status=status, **content)

    async def _payment(self, payment_id: str) -> View:
        found = await self._desk.payment(payment_id) if PAYMENT_ID.fullmatch(payment_id) else None
        if found is None:
            raise Said(404, "There is no such payment.")
        return found


def _act(request: web.Request) -> Act:
    act = ACTS.get(request.match_info["act"])
    if act is None:
        raise Said(404, "There is nothing at this address.")
    return act


def _why(given: dict[str, str]) -> str:
    why = given.get("why", "")
    if not why or len(why) > WHY_MAX_CHARS:
        raise Said(422, f"Say why, in at most {WHY_MAX_CHARS} characters: it is kept for ever.")
    if not all(char.isprintable() or char in LAID_OUT for char in why):
        raise Said(422, "Say why in characters that can be read.")
    if given.get("sure") != "yes":
        raise Said(422, "Say that you are sure.")
    return why


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Said(400, "This form is not whole.") from None


def _to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})
