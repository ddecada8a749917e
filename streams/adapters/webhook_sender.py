"""One attempt at one webhook by HTTP, through a connector that reaches public addresses only."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from models.webhooks import ANSWER_KEPT_BYTES, Answer, Delivery, headers
from streams.adapters.webhook_addresses import AddressRefused, PublicResolver, url_refused

CONNECT_S, TOTAL_S = 5.0, 15.0
"""Source: Standard Webhooks: "a timeout of 15 to 30 s"."""
CLOSING_S = 1.0
"""Beyond TOTAL_S, which aiohttp keeps: who has said that it was taken by then is believed, however the rest of it comes."""
SOCKETS_MAX = 1024
"""Of one host as many as there are: many merchants' endpoints may live there, and each of them has its lane."""
AGENT = "Millrace-Webhooks/1.0"


class HttpWebhookSender:
    """Fulfils WebhookSender. `allowed`: hosts that may be local and plain http."""

    def __init__(self, allowed: Sequence[str] = (), total_s: float = TOTAL_S) -> None:
        self._allowed, self._total_s = tuple(allowed), total_s
        self._session: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery) -> Answer:
        began = time.monotonic()
        if refused := url_refused(delivery.url, self._allowed):
            return Answer(None, 0.0, error=f"not sent: the URL {refused}")
        try:
            async with asyncio.timeout(self._total_s + CLOSING_S):
                return await self._post(delivery, began)
        except AddressRefused as refusal:
            return Answer(None, time.monotonic() - began, error=f"not sent: {refusal}")
        except TimeoutError:
            return Answer(None, time.monotonic() - began, error="no answer in time")
        except Exception as failed:  # what were raised would be tried again for ever, and told to nobody
            cause = failed.__cause__ or failed
            told = f"not sent: {cause}" if isinstance(cause, AddressRefused) else type(failed).__name__
            return Answer(None, time.monotonic() - began, error=told)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, delivery: Delivery, began: float) -> Answer:
        sent = headers(delivery, datetime.now(UTC))
        async with self._open().post(
            delivery.url, data=delivery.payload.encode(), headers=sent, allow_redirects=False
        ) as answer:
            body = await _first(answer.content, ANSWER_KEPT_BYTES)
            if not answer.content.at_eof():
                answer.close()  # the rest is not read, and the connection is of no more use
            return Answer(
                answer.status,
                time.monotonic() - began,
                body.decode("utf-8", "replace").replace("\0", "\ufffd"),
                retry_after_s=_seconds(answer.headers.get("Retry-After")),
            )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=PublicResolver(self._allowed),
                limit=SOCKETS_MAX,
                use_dns_cache=False,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"User-Agent": AGENT},
                timeout=aiohttp.ClientTimeout(total=self._total_s, sock_connect=CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,  # a small answer may hold a large one
            )
        return self._session


async def _first(content: aiohttp.StreamReader, most: int) -> bytes:
    """What comes of it in time: the answer was given before."""
    read = b""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        while len(read) < most and (more := await content.read(most - len(read))):
            read += more
    return read


def _seconds(retry_after: str | None) -> float | None:
    """Source: RFC 9110, section 10.2.3: seconds or a date."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # a year of twenty digits is the latter
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
