"""One request to Stripe through its SDK, over aiohttp, and what came back. No retries, no meaning: see `stripe_answers`.

What the SDK does that we do not want, and what is done about it here:

- it retries by itself and invents random idempotency keys: no retries, and no POST without a key of ours;
- its aiohttp client caps at 100 connections, lets exceptions of the body's reading escape and leaves such a connection
  to the garbage collector: our subclass has one session without a cap, and closes what was not read to the end;
- typed objects cost more than all the rest: `raw_request_async` gives the JSON (258 µs instead of 564);
- telemetry writes into the home directory: off;
- its log prints bodies, client secrets among them, and formats them even when nobody listens, a tenth of a call's CPU: off.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp
import stripe
from aiohttp.connector import Connection
from stripe import _api_requestor

from models.errors import InvariantBroken
from streams.adapters.stripe_requests import Parameters
from streams.adapters.stripe_sends import noted
from streams.adapters.stripe_watching import Watch
from streams.settings import STRIPE_KEY
from streams.tracing import current

API_VERSION = "2026-10-28.endive"
"""The dated version whose fields `stripe_snapshots` reads; the account's own default does not matter then."""

CONNECT_TIMEOUT_S = 3.0
"""What never got a connection was certainly not sent, so this wait costs no doubt."""

TOO_LATE = "it may not be sent any more"
_is_too_late: ContextVar[Callable[[], bool]] = ContextVar("is_too_late", default=lambda: False)

_NEVER_SENT = (
    aiohttp.ClientConnectorError,  # refused, unreachable, no such name, TLS not agreed on
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Stripe, or something before it, answered. `body` is None where it was no JSON object."""

    status: int
    body: Mapping[str, Any] | None
    replayed: bool = False
    should_retry: bool | None = None
    request_id: str | None = None
    limited_by: str | None = None

    @property
    def ending(self) -> str:
        return f"HTTP {self.status}{', replayed' if self.replayed else ''}"


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing that can be read came back. Not `sent`: no connection was ever made; `turned_away`: nor tried, by us;
    `forbidden`: because Stripe has just said that the key may not do this.
    """

    sent: bool
    reason: str
    turned_away: bool = False
    forbidden: bool = False
    request_id: ClassVar[str | None] = None
    status: ClassVar[int | None] = None

    @property
    def ending(self) -> str:
        return self.reason


class StripeTransport:
    """Keeps the key; nothing it returns, raises or logs holds it."""

    def __init__(
        self, api_key: str, api_base: str, connected: str | None = None, watch: Watch | None = None
    ) -> None:
        """`connected`: the account that is meant, where it is not the key's own. Raises ValueError for no API key."""
        matched = STRIPE_KEY.fullmatch(api_key)
        if matched is None:
            raise ValueError("a Stripe API key begins with sk_test_, sk_live_, rk_test_ or rk_live_")
        self.livemode = matched["mode"] == "live"
        self._watch, self._host = watch or Watch(), urlsplit(api_base).hostname or ""
        _quieten_the_sdk()
        self._http = _Http(tls=api_base.startswith("https:"))
        self._client = stripe.StripeClient(
            api_key,
            stripe_account=connected,
            base_addresses={"api": api_base.rstrip("/")},
            stripe_version=API_VERSION,
            http_client=self._http,
            max_network_retries=0,
        )

    async def post(
        self,
        path: str,
        parameters: Parameters,
        key: str,
        is_too_late: Callable[[], bool],
        timeout_s: float,
    ) -> Answer | Silence:
        """`is_too_late` is asked when there is a connection and nothing of the request has gone: until then it may have waited,
        and the process, or the whole machine, have slept, for however long.
        """
        if not key:
            raise InvariantBroken("a POST to Stripe without a key")
        given = {**parameters, "idempotency_key": key}
        token = _is_too_late.set(is_too_late)
        try:
            return await self._seen("POST", path, self._send("post", path, given, timeout_s))
        finally:
            _is_too_late.reset(token)

    async def get(self, path: str, parameters: Parameters, timeout_s: float) -> Answer | Silence:
        return await self._seen("GET", path, self._send("get", path, parameters, timeout_s))

    async def close(self) -> None:
        await self._http.close_async()

    async def _seen(self, method: str, path: str, send: Awaitable[Answer | Silence]) -> Answer | Silence:
        return await noted(f"{method} {path}", self._watch.over(method, path, self._host, send))

    async def _send(self, method: str, path: str, given: Parameters, timeout_s: float) -> Answer | Silence:
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.raw_request_async(method, path, **given)
            return _answer(response.code, response.data, response.headers)
        except stripe.StripeError as error:  # every status but 2xx, and 2xx that is no JSON
            if error.http_status is None:
                return Silence(True, type(error).__name__)
            return _answer(error.http_status, error.json_body, error.headers or {})
        except _TooLate:
            return Silence(False, TOO_LATE, turned_away=True)
        except _NEVER_SENT as error:
            return Silence(False, f"no connection: {type(error).__name__}")
        except TimeoutError:
            return Silence(True, f"no answer within {timeout_s:.1f} s")
        except (aiohttp.ClientError, OSError) as error:
            return Silence(True, f"connection lost: {type(error).__name__}")
        except Exception as error:  # the SDK's own failure to read an odd answer: it had been sent
            return Silence(True, f"unreadable answer: {type(error).__name__}")


def _quieten_the_sdk() -> None:
    stripe.enable_telemetry = False
    logging.getLogger("stripe").setLevel(logging.WARNING)
    for name in ("log_info", "log_debug"):
        assert hasattr(_api_requestor, name), "another version of the SDK: see where it logs now"
        setattr(_api_requestor, name, _say_nothing)


def _say_nothing(message: str, **details: object) -> None:
    pass


def _answer(status: int, body: object, headers: Mapping[str, str]) -> Answer:
    advised = {"true": True, "false": False}.get(headers.get("Stripe-Should-Retry", ""))
    return Answer(
        status,
        # where the body was no JSON the SDK puts the headers in its place
        body if isinstance(body, dict) else None,
        headers.get("Idempotent-Replayed") == "true",
        advised,
        headers.get("Request-Id"),
        headers.get("Stripe-Rate-Limited-Reason"),
    )


class _TooLate(Exception):
    """There is a connection, and what was to be sent may not be sent any more."""


class _Connector(aiohttp.TCPConnector):
    async def connect(self, *given: Any, **more: Any) -> Connection:
        connection = await super().connect(*given, **more)
        if _is_too_late.get()():
            connection.release()
            raise _TooLate
        return connection


class _Http(stripe.AIOHTTPClient):
    """The SDK's aiohttp client with a session of ours; opened on first use, because a connector needs a running loop."""

    def __init__(self, tls: bool) -> None:
        super().__init__()
        self._tls = tls
        self._open: aiohttp.ClientSession | None = None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        session = self._open or self._connect()
        if trace := current():  # Stripe does not look at it; a proxy on the way to it may
            headers = {**headers, "traceparent": trace}
        request = session.request(method, url, headers=headers, data=post_data, allow_redirects=False)
        async with request as response:
            return await response.read(), response.status, response.headers

    async def close_async(self) -> None:
        if self._open is not None:
            await self._open.close()

    def _connect(self) -> aiohttp.ClientSession:
        tls = ssl.create_default_context(cafile=stripe.ca_bundle_path) if self._tls else True
        self._open = aiohttp.ClientSession(
            connector=_Connector(limit=0, ssl=tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(connect=CONNECT_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S),
        )
        return self._open
