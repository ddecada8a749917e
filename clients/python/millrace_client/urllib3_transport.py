"""Requests over urllib3, each tried once: no redirects, the whole answer or `Lost`. Nothing of payments."""

import ssl
import time

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, SSLError, TimeoutError

from millrace_client.http import BODY_MAX_BYTES, CHUNK_BYTES, CONNECT_MAX_S, TOO_LARGE, Answer, Lost, Request

KEPT_MAX = 32
"""Connections that are kept open between requests; more are opened when more threads ask."""


class Urllib3Transport:
    """For many threads at once, of one process. `pool`: one of your own, as for a proxy.

    Time is counted between bytes, and once the headers are there in all: who lets headers drip is waited for longer.
    """

    def __init__(
        self,
        base_url: str,
        ssl_context: ssl.SSLContext | None = None,
        pool: urllib3.PoolManager | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._pool = pool or urllib3.PoolManager(num_pools=1, maxsize=KEPT_MAX, ssl_context=ssl_context)

    def send(self, request: Request, timeout_s: float) -> Answer | Lost:
        ends_at = time.monotonic() + timeout_s
        timeout = urllib3.Timeout(connect=min(CONNECT_MAX_S, timeout_s), read=timeout_s)
        try:
            response = self._pool.request(
                request.method,
                self._base_url + request.target,
                body=request.body,
                headers=dict(request.headers),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            return _whole(response, ends_at)
        except LocationValueError as wrong:
            return Lost(f"the address is not one that can be asked: {wrong}", retryable=False)
        except SSLError as refused:
            return Lost(f"no secure connection: {refused}", retryable=not _is_untrusted(refused))
        except (HTTPError, OSError) as lost:
            return Lost(_why(lost))

    def close(self) -> None:
        self._pool.clear()


def _whole(response: urllib3.BaseHTTPResponse, ends_at: float) -> Answer | Lost:
    """A connection whose answer was not read to its end is not used again."""
    body = bytearray()
    for chunk in response.stream(CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > BODY_MAX_BYTES or time.monotonic() > ends_at:
            response.close()
            too_large = len(body) > BODY_MAX_BYTES
            return Lost(TOO_LARGE if too_large else "the answer came too slowly", retryable=not too_large)
    response.release_conn()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, bytes(body))


def _is_untrusted(refused: SSLError) -> bool:
    cause = refused.args[0] if refused.args else refused
    return isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(refused)


def _why(lost: Exception) -> str:
    return "no answer in time" if isinstance(lost, TimeoutError) else f"no answer: {lost}"
