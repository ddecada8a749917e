"""Every request's id: in its answer, in its problem, in each log line it leads to."""

import logging
from contextvars import ContextVar
from secrets import token_hex

HEADER = "Request-Id"
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def new_request_id() -> str:
    return f"req_{token_hex(16)}"


class RequestIds(logging.Filter):
    """Gives each record the id of the request it was logged for. For handlers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get()
        return True
