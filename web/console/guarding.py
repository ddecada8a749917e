"""What every request to the console must pass, and what every answer of it carries. Which page it is for is not known here."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from aiohttp import web

from models.callers import Limit, RateLimiter
from models.errors import Refused, Unavailable
from web.console.sessions import Signed, SignedIn
from web.problems import Problem
from web.requests import raw_body

COOKIE, COOKIE_PATH = "millrace_console", "/console"
_COOKIE = re.compile(rf"(?:^|;\s*){COOKIE}=([\w.~+/=-]*)", re.ASCII)
SIGN_IN = "/console/sign-in"
FORM_MAX_BYTES, FORM_READ_MAX_S = 16 * 1024, 2.0
FIELDS_MAX = 40
_FORM_TYPE = re.compile(
    r"application/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*utf-8\s*)?", re.ASCII | re.IGNORECASE
)
"""Matched as it came: aiohttp's own look at a header's parameters takes the square of their length."""

CONFINED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with none, a browser sends `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Nothing inline, nothing from elsewhere, in nobody's frame, in nobody's cache. Source: CSP Level 3."""

SIGN_INS = (Limit("console_sign_in_all", "everybody", 1.0, 30),)
SIGN_INS_OF_ONE = ("console_sign_in", 0.1, 10)
"""Tries at once, and one more every ten seconds: a key has 256 bits, and nobody types that fast."""

Page = Callable[[web.Request, Signed], Awaitable[web.StreamResponse]]
Shown = Callable[[str, int, Signed | None], web.Response]
Form = dict[str, str]
FORM: web.RequestKey[Form] = web.RequestKey("form", dict)
"""As it was read: the guard looks at it before the page does."""


class Said(Exception):
    """For the person at the console: `status`, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Guard:
    """`shown`: an error's page."""

    def __init__(self, signed_in: SignedIn, limiter: RateLimiter, shown: Shown) -> None:
        self._signed_in, self._limiter, self._shown = signed_in, limiter, shown

    def open(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """`page`, for whoever is signed in. What changes anything is a POST, and carries the session's own token."""

        async def handle(request: web.Request) -> web.StreamResponse:
            signed: Signed | None = None
            try:
                signed = await self.signed(request)
                if signed is None:
                    if request.method != "GET":
                        raise Said(401, "You are not signed in, or not any more. Nothing was done.")
                    return confined(web.Response(status=303, headers={"Location": SIGN_IN}))
                if request.method != "GET":
                    from_our_own(request)
                    if not signed.sent((await form(request)).get("csrf", "")):
                        raise Said(403, "This form is from another session. Nothing was done.")
                return confined(await page(request, signed))
            except Exception as failed:
                said = said_of(failed, to_a_stranger=signed is None)
                return confined(self._shown(said.sentence, said.status, signed))

        return handle

    async def signed(self, request: web.Request) -> Signed | None:
        return await self._signed_in.of(_token_of(request))

    async def count_try(self, request: web.Request) -> None:
        """A try at signing in that failed. Raises Said."""
        name, per_s, burst = SIGN_INS_OF_ONE
        limits = (*SIGN_INS, Limit(name, request.remote or "", per_s, burst))
        if not (await self._limiter.take(limits, 1)).admitted:
            raise Said(429, "Too many tries to sign in. Wait a minute.")


def _token_of(request: web.Request) -> str:
    """Found as it came: aiohttp makes an object of each of a stranger's eight thousand cookies, which takes 40 ms."""
    named = (_COOKIE.search(header) for header in request.headers.getall("Cookie", ()))
    return next((found[1] for found in named if found), "")


def said_of(failed: Exception, to_a_stranger: bool = False) -> Said:
    """What can be said of it: where what is, is told to operators alone. Raises it again where that is nothing."""
    match failed:
        case Said():
            return failed
        case Refused():
            return Said(409, f"Not done: {failed}.")
        case Unavailable() if to_a_stranger:
            return Said(503, "Nobody can be signed in now: try again.")
        case Unavailable():
            return Said(503, f"Not possible now: {failed}.")
        case Problem():
            return Said(failed.status, failed.detail)
    raise failed


def confined(response: web.StreamResponse) -> web.StreamResponse:
    if not response.prepared:
        response.headers.update(
            {name: value for name, value in CONFINED.items() if name not in response.headers}
        )
    return response


def from_our_own(request: web.Request) -> None:
    """Raises Said for what another site's page had a browser send. Source: Fetch Metadata; RFC 6454, section 7."""
    site, origin = request.headers.get("Sec-Fetch-Site", "same-origin"), request.headers.get("Origin")
    ours = {
        f"{scheme}://{request.host}" for scheme in ("http", "https")
    }  # whoever ends TLS for us is not known here
    if site != "same-origin" or (origin is not None and origin not in ours):
        raise Said(403, "This form is from another site. Nothing was done.")


async def form(request: web.Request) -> Form:
    """Raises Said, and Problem."""
    if not _FORM_TYPE.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise Said(415, "This is no form.")
    if (kept := request.get(FORM)) is None:
        body = await raw_body(request, FORM_MAX_BYTES, FORM_READ_MAX_S)
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX
            )
        except ValueError:
            raise Said(400, "This form cannot be read.") from None
        kept = request[FORM] = {name: value.strip() for name, value in pairs}
    return kept


def set_cookie(response: web.Response, request: web.Request, token: str) -> None:
    """For the session, and for the console alone. Secure wherever the browser came by TLS, as far as can be seen."""
    by_tls = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(COOKIE, token, path=COOKIE_PATH, httponly=True, samesite="Strict", secure=by_tls)
