"""Bad input through the real door: a problem with a published code, never a 5xx, and nothing of it in the log."""

import json
from itertools import count

import pytest

from models.codes import Code
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest

pytestmark = pytest.mark.real

GOOD = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
JSON = {"Content-Type": "application/json"}
_numbers = count()


def _with(**members: object) -> bytes:
    return json.dumps({**GOOD, **members}).encode()


BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "not JSON": (b"{", 422),
    "not UTF-8": (b'{"amount": "\xff"}', 422),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "nothing in it": (b"{}", 422),
    "too deep": (b'{"metadata": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 422),
    "too large": (_with(description="x" * 2_000_000), 413),
    "an amount as text": (_with(amount="1999"), 422),
    "an amount with a fraction": (_with(amount=19.99), 422),
    "an amount that is true": (_with(amount=True), 422),
    "no amount": (_with(amount=None), 422),
    "a negative amount": (_with(amount=-1), 422),
    "an amount of nothing": (_with(amount=0), 422),
    "an amount beyond 64 bits": (_with(amount=2**64), 422),
    "an amount of a thousand digits": (b'{"amount": ' + b"9" * 1000 + b', "currency": "usd"}', 422),
    "too much": (_with(amount=10**12), 422),
    "too little": (_with(amount=1), 422),
    "a currency in capitals": (_with(currency="USD"), 422),
    "a currency nobody has": (_with(currency="xxx"), 422),
    "a currency that is a list": (_with(currency=["usd"]), 422),
    "a card number": (_with(payment_method="4242424242424242"), 422),
    "a member nobody knows": (_with(card="x"), 422),
    "a member twice": (
        b'{"amount": 1, "amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}',
        422,
    ),
    "half a character": (_with(description="x\ud800"), 422),
    "metadata that nests": (_with(metadata={"a": {"b": "c"}}), 422),
    "too much metadata": (_with(metadata={str(n): "x" for n in range(100)}), 422),
    "an address that is none": (_with(receipt_email="nobody"), 422),
    "a page that is none": (_with(return_url="javascript:alert(1)"), 422),
}


@pytest.mark.parametrize("what", BODIES)
async def test_a_bad_body_is_a_problem_with_a_code(http: HttpClient, what: str) -> None:
    body, status = BODIES[what]
    headers = http.authorized() | JSON | {"Idempotency-Key": f"bad-{next(_numbers)}"}
    found, answered, raw = await http.once("POST", "/v1/payments", headers, body)
    _is_problem(found, answered, raw)
    assert found == status, raw


REQUESTS: dict[str, tuple[str, str, dict[str, str], bytes, int]] = {
    "no key": ("POST", "/v1/payments", {}, _with(), 400),
    "an empty key": ("POST", "/v1/payments", {"Idempotency-Key": ""}, _with(), 400),
    "a key of 300 characters": ("POST", "/v1/payments", {"Idempotency-Key": "k" * 300}, _with(), 422),
    "a form": (
        "POST",
        "/v1/payments",
        {"Idempotency-Key": "f", "Content-Type": "application/x-www-form-urlencoded"},
        b"amount=1",
        415,
    ),
    "an unknown API key": ("GET", "/v1/payments", {"Authorization": "Bearer mr_test_" + "0" * 64}, b"", 401),
    "no API key": ("GET", "/v1/payments", {"Authorization": ""}, b"", 401),
    "basic credentials": ("GET", "/v1/payments", {"Authorization": "Basic eDp5"}, b"", 401),
    "an id that is none": ("GET", "/v1/payments/pay_1", {}, b"", 404),
    "an id with NUL": ("GET", "/v1/payments/pay_%00", {}, b"", 404),
    "an id that leaves": ("GET", "/v1/payments/..%2f..%2fetc", {}, b"", 404),
    "nothing there": ("GET", "/v1/nothing", {}, b"", 404),
    "another method": ("DELETE", "/v1/payments", {}, b"", 405),
    "a status nobody has": ("GET", "/v1/payments?status=lost", {}, b"", 422),
    "a limit of text": ("GET", "/v1/payments?limit=many", {}, b"", 422),
    "a limit of nothing": ("GET", "/v1/payments?limit=0", {}, b"", 422),
    "a limit beyond all": ("GET", "/v1/payments?limit=" + "9" * 400, {}, b"", 422),
    "a cursor that is none": ("GET", "/v1/payments?starting_after=x", {}, b"", 422),
    "a time that is none": ("GET", "/v1/payments?created_after=yesterday", {}, b"", 422),
    "a query with NUL": ("GET", "/v1/payments?customer=%00", {}, b"", 422),
    "a wait that is none": (
        "POST",
        f"/v1/payments/pay_{'0' * 32}/capture",
        {"Idempotency-Key": "w", "Prefer": "wait=soon"},
        b"{}",
        404,
    ),
    "a capture of another's": (
        "POST",
        f"/v1/payments/pay_{'1' * 32}/refunds",
        {"Idempotency-Key": "r"},
        b'{"amount": 1}',
        404,
    ),
}


@pytest.mark.parametrize("what", REQUESTS)
async def test_a_bad_request_is_a_problem_with_a_code(http: HttpClient, what: str) -> None:
    method, path, headers, body, status = REQUESTS[what]
    asked = {**http.authorized(), **(JSON if body else {}), **headers}
    found, answered, raw = await http.once(method, path, asked, body or None)
    assert found == status, raw
    if status >= 400:
        _is_problem(found, answered, raw)


async def test_nothing_of_it_moved_money_or_stopped_anything(http: HttpClient, inquest: Inquest) -> None:
    made = await http.create("after-all-that")
    assert (made.status, made.answer["status"]) == (201, "captured")
    await inquest.hold()


def _is_problem(status: int, headers: dict[str, str], raw: bytes) -> None:
    assert 400 <= status < 500, raw
    assert headers["Content-Type"].startswith("application/problem+json")
    problem = json.loads(raw)
    assert problem["code"] in set(Code)
    assert problem["status"] == status
    assert b"4242" not in raw.replace(problem["request_id"].encode(), b"")
