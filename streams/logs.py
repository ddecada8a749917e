"""How a process logs: one JSON object a line on standard error, secrets and addresses of people blotted out; nothing else gets
there.
"""

import logging
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

import orjson

from models.card_numbers import without_card_numbers
from streams.tracing import current

_SECRETS = (
    # Keys of Stripe's and ours, secrets of webhooks, a customer's secret of an intent: how they begin tells which one it was.
    (
        re.compile(
            r"\b((?:sk|rk|whsec|mr_(?:test|live|oper)|(?:pi|seti)_\w+_secret)_[A-Za-z0-9_-]{4})[A-Za-z0-9_+/=-]+"
        ),
        r"\1…",
    ),
    # Passwords in URLs, with a user before them or, as Redis has it, with none; up to the last @, for some hold one themselves.
    (re.compile(r"(:/{1,3}[^:/@\s]{0,200}:)\S{1,1000}@"), r"\1…@"),
    # Signed tokens. Source: RFC 7519, section 3: they begin with `{"` in base64.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*){1,4}"), "eyJ…"),
    # What a header, a setting or a member of such a name holds, and a bearer's token anywhere.
    (
        re.compile(
            r"(?i)\b(authorization|client_secret|password|passwd|api_key)(['\"]?\s*[:=]\s*)(?:b?['\"])?"
            r"(?:(?:bearer|basic)\s+)?[^\s'\",;&}]+"
        ),
        r"\1\2…",
    ),
    (re.compile(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]{16,}"), r"\1 …"),
)
_ADDRESSES = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
"""Of people: receipts go there, and no log needs to know. What an operator asked to see shows them."""

_QUIET = ("aiohttp", "stripe", "alembic", "urllib3", "asyncio")
"""Left alone these log every call; that costs more than the call. Kafka's own loggers are the delivery's to quieten."""

TEXT_MAX_CHARS = 16_000
"""Of a message, and of an exception: a library may quote all that it was sent."""

_OF_THE_REQUEST = ("request_id", "client_request_id")


def blotted(text: str) -> str:
    """`text` without what nobody may read: keys of Stripe's and ours, tokens, passwords, card numbers."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return without_card_numbers(text)


def _logged(text: str) -> str:
    """For a line of the log: of bounded length, with nobody's address, and of whole characters: half of one is none in UTF-8."""
    text = _ADDRESSES.sub("…@…", blotted(text[: 2 * TEXT_MAX_CHARS]))
    cut = text if len(text) <= TEXT_MAX_CHARS else f"{text[:TEXT_MAX_CHARS]}…"
    return cut.encode(errors="replace").decode()


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
            "message": _logged(_message(record)),
        }
        for name in _OF_THE_REQUEST:
            if (value := getattr(record, name, None)) is not None:
                line[name] = _logged(value)
        if trace := current():
            _, line["trace_id"], line["span_id"], _ = trace.split("-")
        if record.exc_info:
            line["exception"] = _logged(self.formatException(record.exc_info))
        return orjson.dumps(line).decode()


def _message(record: logging.LogRecord) -> str:
    """Without its arguments where they do not fit: `logging` itself would print them, past us."""
    try:
        return record.getMessage()
    except Exception as failed:
        return f"{record.msg} (its arguments do not fit: {type(failed).__name__})"


def start_logging(process: str, level: str) -> None:
    """`process`: its name in every line, e.g. `writer-0`. What nobody catches, and warnings, become lines as well."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(process))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("millrace").setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Python's own way is a bare traceback, with whatever the exception quotes."""
    if error is not None and not issubclass(kind, SystemExit | KeyboardInterrupt):
        logging.getLogger("millrace").critical("not caught: %s", kind.__name__, exc_info=error)
