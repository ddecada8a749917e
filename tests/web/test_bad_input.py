"""Whatever comes in: a problem with a code from the published list, every fault named, nothing repeated, never a 500."""

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.codes import Code
from tests.fuzzing import examples
from tests.web.fakes import PAYMENT, Door, open_door
from web.problems import STATUS

CARD = "4242424242424242"

CODES = {code.value for code in Code}


def raw(**change: str) -> bytes:
    """A payment whose members are given as raw JSON."""
    members = {name: json.dumps(value) for name, value in PAYMENT.items()} | change
    return ("{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}").encode()


BAD_FIELDS: list[tuple[str, str]] = [
    *[
        ("amount", value)
        for value in (
            '"1999"', "1.0", "1e3", "19.99", "true", "null", "0", "-5", "[]", "{}", "[1999]", '""', "-0",
            str(2**63), str(10**40), "9" * 4300, "1e400", "-1e400", '"0x7cf"', "1999.0", "false", "1E3", CARD, f'"{CARD}"',
        )
    ],
    *[("currency", value) for value in ('"USD"', '"us"', '"usdd"', '"u$d"', '"usd\\n"', '"ｕｓｄ"', "840", "null", "[]", '""')],
    *[
        ("payment_method", value)
        for value in (
            f'"{CARD}"', f'"pm_{CARD}"', '"visa"', '"pm_"', '"pm_a-b"', '"PM_x"', '"pm_x\\u0000"', f'"pm_{"x" * 251}"',
            "1", "null", '"pm_ä"', '"../pm_x"',
        )
    ],
    *[("capture_method", value) for value in ('"auto"', '"Manual"', "true", "[]", '""', '["manual"]')],
    *[
        ("description", value)
        for value in (f'"{"x" * 1001}"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', f'"card {CARD}"',
                      '"4242 4242 4242 4242"', '"4242-4242-4242-4242"', '"\\u001b[31m"', f'"paid with {CARD} 12/26 123"',
                      '"４２４２４２４２４２４２４２４２"', f"{CARD}", "1", "[]")
    ],
    *[("customer", value) for value in ('""', f'"{"x" * 256}"', "7", f'"{CARD}"', '"\\u0000"')],
    *[
        ("receipt_email", value)
        for value in ('"a"', '"a@b"', '"a@@b.c"', '"a b@c.de"', '"@b.de"', '"a@b.de\\n"', f'"{"x" * 250}@b.de"',
                      '"a@b..de"', '"<a@b.de>"', f'"{CARD}@b.de"')
    ],
    *[
        ("statement_descriptor_suffix", value)
        for value in (f'"{"X" * 23}"', '""', '"<X>"', '"A\\"B"', '"A*B"', "\"it's\"", '"Ä"', f'"{CARD}"')
    ],
    *[
        ("return_url", value)
        for value in ('"ftp://x.de"', '"javascript:alert(1)"', '"//x.de"', '"https://"', '"https:// x.de"',
                      '"https://u:p@x.de/"', f'"https://x.de/{"x" * 2048}"', '"https://x.de/\\n"', f'"https://x.de/{CARD}"')
    ],
    *[("off_session", value) for value in ('"true"', "1", "0", "[]")],
    *[
        ("metadata", value)
        for value in (
            "[]", '"a"', '{"a":1}', '{"a":null}', '{"a":{"b":"c"}}', '{"":"a"}', f'{{"{"x" * 41}":"a"}}',
            f'{{"a":"{"x" * 501}"}}', '{"a[b]":"c"}', '{"a\\u0000":"b"}', '{"a":"\\u0000"}', '{"\\ud800":"a"}',
            f'{{"{CARD}":"a"}}', f'{{"a":"{CARD}"}}', json.dumps({str(n): "x" for n in range(41)}),
        )
    ],
    ("unknown", "1"),
    ("Amount", "1999"),
    ("merchant", '"mer_bob"'),
    ("__proto__", "{}"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
async def test_a_bad_field_is_named(door: Door, field: str, value: str) -> None:
    told = await door.post("/v1/payments", raw(**{field: value}))
    assert (told.status, told.body["code"]) == (422, "validation_failed")
    assert [error["field"].partition(".")[0] for error in told.body["errors"]] == [field]
    assert CARD not in told.raw.decode()
    assert door.service.appended == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"   ", b"{", b"nope", b"[]", b"1", b'"x"', b"null", b"true", b"NaN", b'{"amount": NaN}', b'{"amount": Infinity}',
        b'{"amount": -Infinity}', b"{'amount': 1}", b'{"amount": 1,}', b'{"amount": 01}', b"{}{}", b"\xff\xfe{}",
        b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', "{}".encode("utf-16"), b"\x00", b'{"a": "\n"}',
        b'{"amount": 1, "amount": 2}', b'{"metadata": {"a": "1", "a": "2"}}', b'{"\\u0061mount": 1, "amount": 2}',
        b"[" * 100_000, b'{"a":' * 50_000, b"[]" * 50_000, b'{"a": [' + b"[]," * 1000 + b"1]}", b'"' * 200_000,
        b'"' + b'\\"' * 100_000, b'{"amount": ' + b"9" * 5000 + b"}", b'{"amount": 1e' + b"9" * 5000 + b"}",
        b"{" + b",".join(b'"k%d": 1' % n for n in range(10_000)) + b"}", f'{{"{CARD}": 1}}'.encode(), b'{"\\ud800": 1}',
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
async def test_a_body_that_is_no_payment_is_refused(door: Door, body: bytes) -> None:
    told = await door.post("/v1/payments", body)
    assert (told.status, told.body["code"]) == (422, "validation_failed")
    assert told.body["errors"]
    assert CARD not in told.raw.decode()
    assert door.service.appended == []


async def test_all_faults_are_told_at_once(door: Door) -> None:
    told = await door.post(
        "/v1/payments", {"amount": "x", "currency": 1, "description": 2, "metadata": {"a": 1}, "x": 1}
    )
    fields = [error["field"] for error in told.body["errors"]]
    assert fields == ["amount", "currency", "payment_method", "description", "metadata.a", "x"]
    assert told.body["param"] == "amount"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("capture", {"amount": 0}, "amount"),
        ("capture", {"amount": "5"}, "amount"),
        ("capture", {"final": "yes"}, "final"),
        ("capture", {"reason": "abandoned"}, "reason"),
        ("cancel", {"reason": "because"}, "reason"),
        ("cancel", {"amount": 1}, "amount"),
        ("refunds", {"amount": -1}, "amount"),
        ("refunds", {"reason": "abandoned"}, "reason"),
        ("refunds", {"expected_refundable": -1}, "expected_refundable"),
        ("refunds", {"expected_refundable": True}, "expected_refundable"),
        ("refunds", {"refund": "re_" + "0" * 32}, "refund"),
        ("refunds", {"metadata": {"a": CARD}}, "metadata.a"),
    ],
)
async def test_a_bad_field_of_a_change_is_named(
    door: Door, path: str, body: dict[str, Any], field: str
) -> None:
    told = await door.post(f"/v1/payments/pay_{'0' * 32}/{path}", body)
    assert (told.status, told.body["code"]) == (422, "validation_failed")
    assert [error["field"] for error in told.body["errors"]] == [field]
    assert CARD not in told.raw.decode()


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201), ("application/json; charset=utf-8", 201), ("Application/JSON;charset=UTF-8", 201),
        ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/json; charset=latin-1", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json; charset=utf-16", 415), ("*/*", 415), ("json", 415),
        ("application/jsonp", 415), ("", 415), ("application/json, text/html", 415),
    ],
)  # fmt: skip
async def test_only_json_is_taken(door: Door, content_type: str, status: int) -> None:
    told = await door.post("/v1/payments", raw(), Content_Type=content_type)
    assert told.status == status
    assert status == 201 or told.body["code"] == "unsupported_media_type"


async def test_a_compressed_body_is_not_unpacked(door: Door) -> None:
    told = await door.post("/v1/payments", raw(), Content_Encoding="gzip")
    assert (told.status, told.body["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("size", [256 * 1024 + 1, 600 * 1024, 5_000_000])
async def test_a_body_too_large_is_refused(door: Door, size: int) -> None:
    for body in (b" " * size, chunks(size)):
        told = await door.post("/v1/payments", body)
        assert (told.status, told.body["code"]) == (413, "payload_too_large")


async def test_the_largest_body_is_read(door: Door) -> None:
    body = raw()
    told = await door.post("/v1/payments", body + b" " * (256 * 1024 - len(body)))
    assert told.status == 201


async def chunks(size: int) -> Any:
    for _ in range(size // 1024 + 1):
        yield b" " * 1024


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

FIELDS = st.sampled_from(
    ["amount", "currency", "payment_method", "description", "metadata", "off_session", "return_url"]
)


@examples(100)
@given(
    bodies=st.lists(
        JSON | st.dictionaries(FIELDS, JSON) | st.dictionaries(FIELDS, st.integers() | st.text()), max_size=5
    )
)
def test_no_json_makes_the_door_fail(bodies: list[Any]) -> None:
    async def knock() -> None:
        async with open_door() as door:
            for n, body in enumerate(bodies):
                for path in ("", f"/pay_{'0' * 32}/refunds"):
                    told = await door.post(f"/v1/payments{path}", json.dumps(body), f"k{n}")
                    assert told.status < 500
                    assert told.status < 300 or told.body["code"] in CODES
            assert (
                door.count("millrace_http_problems_total", route="/v1/payments", code="internal_error") == 0
            )

    asyncio.run(knock())


@examples(40)
@given(bodies=st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_make_the_door_fail(bodies: list[bytes]) -> None:
    async def knock() -> None:
        async with open_door() as door:
            for body in bodies:
                told = await door.post("/v1/payments", body)
                assert 400 <= told.status < 500

    asyncio.run(knock())


async def test_a_bug_of_ours_is_told_without_its_insides(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.service.breaks = True
    with caplog.at_level(logging.ERROR):
        told = await door.get(f"/v1/payments/pay_{'0' * 32}")
    assert (told.status, told.body["code"], told.body["retryable"]) == (500, "internal_error", True)
    assert b"bug" not in told.raw
    assert [record.exc_info is not None for record in caplog.records] == [True]
    route = "/v1/payments/{payment_id}"
    assert door.count("millrace_http_problems_total", route=route, code="internal_error") == 1


def test_every_status_is_an_error() -> None:
    assert all(400 <= status < 600 for status in STATUS.values())
    assert [code for code, status in STATUS.items() if status == 500] == [Code.INTERNAL_ERROR]


@pytest.mark.parametrize(
    "body",
    [
        raw()[:-1] + b',"amount": 1999}',
        raw()[:-1] + b',"\\u0061mount": 5}',
        raw(metadata='{"a": "1", "a": "2"}'),
        raw(description="NaN"),
        raw(description="-Infinity"),
        raw(metadata="[" * 70 + "]" * 70),
        raw(amount="9" * 5000),
        b"\xef\xbb\xbf" + raw(),
        raw() + raw(),
        raw().decode().encode("utf-16"),
        raw(description='"\xff"').decode().encode("latin-1"),
    ],
    ids=range(11),
)
async def test_a_payment_in_json_that_is_not_quite_json_is_refused_as_a_whole(
    door: Door, body: bytes
) -> None:
    told = await door.post("/v1/payments", body)
    assert (told.status, [error["field"] for error in told.body["errors"]]) == (422, ["body"])
    assert door.service.appended == []
