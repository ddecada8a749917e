"""How a process logs: one JSON object a line on standard error, secrets and card-like digits blotted out."""

import logging
import re
from datetime import UTC, datetime

import orjson

from models.card_numbers import without_card_numbers

_SECRETS = re.compile(
    r"\b((?:sk|rk|whsec|mr_(?:test|live|oper)|pi_\w+_secret)_[A-Za-z0-9_-]{4})[A-Za-z0-9_-]+|(://[^:/@\s]*:)[^@\s]+@"
    r"|\b(eyJ)[\w-]{8,}\.[\w-]+\.[\w-]*"  # a signed token
)
_QUIET = ("aiohttp", "stripe", "alembic", "urllib3", "asyncio")
"""Left alone these log every call; that costs more than the call. Kafka's own loggers are the delivery's to quieten."""


def blotted(text: str) -> str:
    """`text` without what nobody may read in a log: keys of Stripe's and ours, signed tokens, passwords in URLs, card numbers."""
    return without_card_numbers(_SECRETS.sub(_begun, text))


def _begun(secret: "re.Match[str]") -> str:
    """How it begins: enough to tell which, or of what kind it is."""
    return f"{secret[2]}…@" if secret[2] else f"{secret[1] or secret[3]}…"


class JsonLines(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": blotted(record.getMessage()),
        }
        if (request_id := getattr(record, "request_id", None)) is not None:
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = blotted(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


def start_logging(process: str, level: str) -> None:
    """`process`: its name in every line, e.g. `writer-0`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(process))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("millrace").setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
