"""Every request's id: in its answer, in its problem, in each log line it leads to; and what its client calls it."""

import logging
import re
from contextvars import ContextVar
from secrets import token_hex

HEADER, CLIENT_HEADER = "Request-Id", "X-Request-Id"
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
CLIENT_REQUEST_ID: ContextVar[str | None] = ContextVar("client_request_id", default=None)

_CLIENTS = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
"""As gateways and clients make them; what else stands there is not taken down."""


def new_request_id() -> str:
    return f"req_{token_hex(16)}"


def client_request_id(given: str | None) -> str | None:
    """What a client says is its own id of the request: for log lines only, never an answer's nor anything's name."""
    return given if given and _CLIENTS.fullmatch(given) else None


class RequestIds(logging.Filter):
    """Gives each record the ids of the request it was logged for. For handlers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id, record.client_request_id = REQUEST_ID.get(), CLIENT_REQUEST_ID.get()
        return True
