"""Canaries of every form go into a log line by every way there is, and come out by none."""

import base64
import io
import json
import logging
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.logs import TEXT_MAX_CHARS, JsonLines, blotted
from streams.tracing import UNTRACED

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"ES256","typ":"JWT"}', b'{"sub":"mer_1","canary":"canary0"}', b"canary-signature")
)
FORMS = {
    "our key": ("key mr_live_0123canary4567 is", "canary"),
    "an operator's key": ("mr_oper_0123canary4567", "canary"),
    "stripe's key": ("Invalid API Key provided: sk_test_51Habcanary", "canary"),
    "stripe's restricted key": ("rk_live_51Habcanary", "canary"),
    "a webhook secret": ("whsec_MfKQ9canary+/=", "canary"),
    "a client secret": ("pi_3MtwBw_secret_YrKJcanary", "canary"),
    "a setup's client secret": ("seti_1Mm8_secret_YrKJcanary", "canary"),
    "a member of that name": ('{"client_secret": "xyz-canary"}', "canary"),
    "postgresql's password": ("postgresql://millrace:canary@db:5432/m", "canary"),
    "one with an @ in it": ("postgresql://millrace:can@ry-tail@db:5432/m", "ry-tail"),
    "an address with a slash too few": ('missing "=" after "postgresql:/m:canary@db"', "canary"),
    "a password of libpq's": ("host=db user=m password=canary sslmode=require", "canary"),
    "redis' password": ("redis://:canary@cache:6379/0", "canary"),
    "redis' password over tls": ("rediss://app:canary@cache:6380/0?ssl_ca_certs=/ca.pem", "canary"),
    "a signed token": (f"token {JWT} expired", JWT.split(".")[1]),
    "its signature": (f"token {JWT}", JWT.split(".")[2]),
    "a header": ("Authorization: Bearer opaque-canary-0123", "canary"),
    "a header with a user": ("Authorization: Basic bTpjYW5hcnk=", "bTpjYW5hcnk"),
    "a header in a dict": ("{'Authorization': 'Bearer opaque-canary-0123'}", "canary"),
    "a bearer elsewhere": ("sent Bearer opaque-canary-0123456789 there", "canary"),
    "a card number": ("4000056655665556", "4000056655665556"),
    "a card number with gaps": ("4000 0566 5566 5556", "5566 5556"),
    "an address of a person": ("receipt to jenny.canary+shop@mail.example.com failed", "canary"),
}
ADDRESSES = {"an address of a person"}
"""Operators see these where they ask for a payment; logs do not hold them."""


@dataclass(frozen=True)
class Log:
    """A logger of no family, whose lines are written as a process writes them."""

    logger: logging.Logger
    written: io.StringIO

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.written.getvalue().splitlines()[-1])
        return found


@pytest.fixture
def log() -> Log:
    made = Log(logging.Logger("canaries"), io.StringIO())
    handler = logging.StreamHandler(made.written)
    handler.setFormatter(JsonLines("web-0"))
    made.logger.addHandler(handler)
    return made


class Quoting(Exception):
    """Quotes what it was given, as drivers do."""


@pytest.mark.parametrize("form", FORMS)
def test_no_way_into_a_line_lets_a_secret_out(form: str, log: Log) -> None:
    text, canary = FORMS[form]
    logger = log.logger
    logger.error(text)
    logger.error("it was %s", text)
    logger.error("it was %r", {"deep": [text]})
    logger.error("its arguments do not fit %d", text)
    logger.error("bytes %s", text.encode())
    logger.error("extra", extra={"request_id": text, "client_request_id": text, "anything": text})
    try:
        try:
            raise Quoting(text)
        except Quoting as cause:
            raise RuntimeError(f"while {text}") from cause
    except RuntimeError:
        logger.exception("failed")
    written = log.written.getvalue()
    assert written.count("\n") == 7
    assert canary not in written
    for line in written.splitlines():
        json.loads(line)


@pytest.mark.parametrize("form", sorted(FORMS.keys() - ADDRESSES))
def test_what_operators_are_shown_holds_none_either(form: str) -> None:
    text, canary = FORMS[form]
    assert canary not in blotted(text)


@pytest.mark.parametrize(
    "text",
    [
        "pay_00112233445566778899aabbccddeeff: the provider's answer cannot be written down: TypeError",
        "listening on https://127.0.0.1:8443",
        "Kafka at kafka-1:9093,kafka-2:9093 cannot be reached",
        'FATAL: password authentication failed for user "millrace"',
        "Stripe refuses the API key (HTTP 401)",
        "req_0123 took 5 s at 12:30:00 (evt_1MtwBw, pi_3MtwBw)",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert blotted(text) == text


@given(st.text(st.characters(codec=None), max_size=200))
def test_whatever_is_logged_is_one_line_of_json(text: str) -> None:
    record = logging.LogRecord("any", logging.ERROR, __file__, 1, text, (), None)
    line = JsonLines("web-0").format(record)
    assert "\n" not in line
    assert isinstance(json.loads(line)["message"], str)


def test_a_line_is_of_bounded_length(log: Log) -> None:
    log.logger.error("x" * 1_000_000)
    assert len(log.written.getvalue()) < TEXT_MAX_CHARS + 1_000


def test_blotting_takes_no_time_to_speak_of_whatever_it_is_given() -> None:
    for hostile in ("://:", "eyJa.", "a@", "pi_", "authorization:", "a." * 8, "4 "):
        record = logging.LogRecord("any", logging.ERROR, __file__, 1, hostile * 50_000, (), None)
        began = time.perf_counter()
        JsonLines("web-0").format(record)
        assert time.perf_counter() - began < 2.0, hostile


def test_a_line_says_which_trace_it_belongs_to(log: Log) -> None:
    with UNTRACED.span("any", "server", TRACE, {}):
        log.logger.error("inside")
    assert (log.told()["trace_id"], log.told()["span_id"]) == ("a" * 32, "b" * 16)
    log.logger.error("outside")
    assert "trace_id" not in log.told()


UNCAUGHT = """
import sys, threading, warnings
from streams.logs import start_logging
start_logging("writer-0", "INFO")
warnings.warn("sk_test_0123canary")
thread = threading.Thread(target=lambda: (_ for _ in ()).throw(ValueError("sk_test_0123canary")))
thread.start(); thread.join()
raise ValueError("postgresql://m:canary@db/m")
"""


def test_what_nobody_catches_is_a_line_like_any_other() -> None:
    ended = subprocess.run([sys.executable, "-c", UNCAUGHT], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["WARNING", "CRITICAL", "CRITICAL"]
    assert "canary" not in ended.stderr
    assert "ValueError" in lines[-1]["exception"]
