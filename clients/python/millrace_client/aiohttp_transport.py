"""Requests over aiohttp, each tried once: no redirects, the whole answer or `Lost`. Nothing of payments.

Needs the extra `millrace-client[async]`.
"""

import ssl

import aiohttp

from millrace_client.http import BODY_MAX_BYTES, CHUNK_BYTES, CONNECT_MAX_S, TOO_LARGE, Answer, Lost, Request


class AiohttpTransport:
    """In one event loop. `session`: one of your own, as for a proxy; it is not closed here."""

    def __init__(
        self,
        base_url: str,
        ssl_context: ssl.SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._ssl: ssl.SSLContext | bool = ssl_context if ssl_context is not None else True
        self._own: aiohttp.ClientSession | None = None
        self._given = session

    async def send(self, request: Request, timeout_s: float) -> Answer | Lost:
        try:
            async with self._session().request(
                request.method,
                self._base_url + request.target,
                data=request.body,
                headers=request.headers,
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_MAX_S, timeout_s)),
                allow_redirects=False,
                ssl=self._ssl,
            ) as response:
                return await _whole(response)
        except aiohttp.InvalidURL as wrong:
            return Lost(f"the address is not one that can be asked: {wrong}", retryable=False)
        except aiohttp.ClientConnectorCertificateError as refused:
            return Lost(f"no secure connection: {refused}", retryable=False)
        except TimeoutError:
            return Lost("no answer in time")
        except (aiohttp.ClientError, OSError) as lost:
            return Lost(f"no answer: {lost}")

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()

    def _session(self) -> aiohttp.ClientSession:
        """Made at the first request: it belongs to the loop that runs then."""
        if self._given is not None:
            return self._given
        if self._own is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._own = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._own


async def _whole(response: aiohttp.ClientResponse) -> Answer | Lost:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            response.close()
            return Lost(TOO_LARGE, retryable=False)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, bytes(body))
