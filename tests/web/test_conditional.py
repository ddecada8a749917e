"""Reads that a client has already: their tags, 304, and what caches may do with them."""

import pytest

from tests.web.fakes import PAYMENT, Door
from tests.web.service import OTHER_KEY
from web.conditional import etag, is_known


async def made(door: Door) -> list[str]:
    """Every address that can be read, of a payment with a refund."""
    payment = (await door.post("/v1/payments", PAYMENT, "p")).headers["Location"]
    refund = (await door.post(f"{payment}/refunds", {"amount": 5}, "r")).headers["Location"]
    return [
        payment,
        refund,
        f"{payment}/refunds",
        f"{payment}/events",
        "/v1/payments",
        "/openapi.json",
        "/asyncapi.json",
        "/schemas/payment.captured.v1.json",
    ]


async def test_who_has_the_answer_is_not_sent_it_again(door: Door) -> None:
    for path in await made(door):
        first = await door.get(path)
        again = await door.get(path, If_None_Match=first.headers["ETag"])
        assert (again.status, again.raw) == (304, b""), path
        for name in ("ETag", "Cache-Control"):
            assert again.headers[name] == first.headers[name]
        assert "Date" in again.headers
        assert not {"Content-Type", "Content-Length", "Content-Encoding"} & set(again.headers)


async def test_a_tag_changes_with_what_is_told_and_with_nothing_else(door: Door) -> None:
    paths = (await made(door))[:-3]
    tags = [(await door.get(path)).headers["ETag"] for path in paths]
    assert [(await door.get(path)).headers["ETag"] for path in paths] == tags
    await door.post(f"{paths[0]}/refunds", {"amount": 7}, "r2")
    after = [(await door.get(path)).headers["ETag"] for path in paths]
    assert [new != old for new, old in zip(after, tags, strict=True)] == [True, False, True, True, True]
    for path, old in zip(paths, tags, strict=True):
        assert (await door.get(path, If_None_Match=old)).status == (304 if path == paths[1] else 200)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        (['"a"'], True),
        (['W/"a"'], True),
        (['"b", "a"'], True),
        (['"b" ,,W/"a"'], True),
        (['"b"', '"a"'], True),
        (["*"], True),
        ([" * "], True),
        ([], False),
        ([""], False),
        (["a"], False),
        (['"A"'], False),
        (['"b, a"'], False),
        (['"a'], False),
        (['"*"'], False),
        (['"\udcff"'], False),
    ],
)
def test_tags_are_compared_as_rfc_9110_writes_them(given: list[str], known: bool) -> None:
    assert is_known(given, '"a"') is known


async def test_any_tag_will_do_for_a_star(door: Door) -> None:
    [payment, *_] = await made(door)
    assert (await door.get(payment, If_None_Match="*")).status == 304
    assert (await door.get(f"/v1/payments/pay_{'0' * 32}", If_None_Match="*")).status == 404


async def test_a_tag_opens_nothing(door: Door) -> None:
    [payment, *_] = await made(door)
    tag = (await door.get(payment)).headers["ETag"]
    assert (await door.get(payment, key=None, If_None_Match=tag)).status == 401
    assert (await door.get(payment, key=OTHER_KEY, If_None_Match=tag)).status == 404


async def test_only_reads_may_be_kept_and_only_by_their_caller(door: Door) -> None:
    paths = await made(door)
    for path in paths[:-3]:
        assert (await door.get(path)).headers["Cache-Control"] == "private, no-cache"
    for told in (
        await door.post("/v1/payments", PAYMENT, "p"),
        await door.get(paths[0], key=None),
        await door.get("/livez"),
    ):
        assert told.headers["Cache-Control"] == "no-store"
        assert "ETag" not in told.headers


async def test_head_says_what_get_says_without_the_body(door: Door) -> None:
    for path in [
        *await made(door),
        "/livez",
        "/readyz",
        f"/v1/payments/pay_{'0' * 32}",
        "/v1/payments?limit=0",
    ]:
        get, head = await door.get(path), await door.ask("HEAD", path)
        assert (head.status, head.raw) == (get.status, b""), path
        own = {"Date", "Request-Id", "RateLimit"}
        assert {k: v for k, v in head.headers.items() if k not in own} == {
            k: v for k, v in get.headers.items() if k not in own
        }
        assert int(head.headers["Content-Length"]) == len(get.raw)
        if tag := get.headers.get("ETag"):
            assert (await door.ask("HEAD", path, If_None_Match=tag)).status == 304


def test_two_bodies_have_two_tags() -> None:
    assert len({etag(body) for body in (b"", b"a", b"b", b"aa")}) == 4
