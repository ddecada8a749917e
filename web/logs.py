"""Logs as one JSON object per line, with the request they belong to, and without secrets: keys and card numbers are masked.

What is logged is written elsewhere; nothing that a client sent is logged on purpose. The masks are for accidents.
"""

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from models.card_numbers import without_card_numbers

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
LINE_MAX_CHARS = 16_384
"""Longer ones are cut: a log line is no place for a body."""

QUIET = ("aiokafka", "faust", "mode", "stripe", "httpx", "aiohttp", "asyncio")
"""Loggers of libraries that tell of every call or record at INFO."""

_SECRETS = re.compile(
    r"(?i)(\bbearer\s+|\bauthorization\W{1,6}(?:basic\s+)?)[^\s\"',}\\]+"
    r"|\b(?:mr|sk|rk|pk)_[A-Za-z0-9_]{6,}|\bwhsec_[A-Za-z0-9+/=]+"
)


def masked(text: str) -> str:
    return without_card_numbers(_SECRETS.sub("[secret]", text))


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage())[:LINE_MAX_CHARS],
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))[-LINE_MAX_CHARS:]
        return json.dumps(line)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Once, at start."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
