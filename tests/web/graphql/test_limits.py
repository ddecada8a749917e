"""How much one query may ask for, and that what clients may well ask for is less; each is read once, none is kept for good."""

import asyncio

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from tests.web.fakes import PAYMENT, Door
from tests.web.graphql.client import LIST, ask, codes, errors, make, talk
from web.graphql import documents, limits
from web.graphql.schema import CORE

NESTED = (
    "{ payments(first: 1) { edges { node { events(first: 1) { edges { node { payment { %s } } } } } } } }"
)
AMOUNTS = "amount amountAuthorized amountCapturable amountCaptured amountRefunded amountRefundPending amountRefundable"
BOMB = "{ ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(17))
TOO_MUCH = {
    "depth": NESTED % ("events(first: 1) { edges { node { payment { " * 4 + "id" + " } } } }" * 4),
    "depth by fragments": "{ ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(21))
    + "fragment f21 on Query { __typename }",
    "aliases": "{ " + " ".join(f'a{n}: refund(id: "x") {{ id }}' for n in range(31)) + " }",
    "aliases by fragments": BOMB + " fragment f17 on Query { a: __typename }",
    "fields": "{ payments { edges { " + "cursor " * 299 + "} } }",
    "fields by fragments": BOMB + " fragment f17 on Query { __typename }",
    "cost of pages": "{ payments(first: 100) { edges { node { events { edges { cursor } } } } } }",
    "cost of reads": "{ " + " ".join(f'a{n}: payments(first: 100) {{ edges {{ node {{ id }} }} }}' for n in range(25)) + " }",
    "cost of commands": "mutation { " + " ".join(
        f'a{n}: cancelPayment(input: {{paymentId: "x"}}) {{ settled }}' for n in range(10)) + " }",
    "values of pages": "{ " + " ".join(
        f"a{n}: payments(first: 100) {{ edges {{ cursor node {{ id status {AMOUNTS} }} }} }}" for n in range(11)) + " }",
    "values of the schema": "{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(6)) + " }",
    "again and again": "{ payments { edges { " + "cursor " * 110 + "} } }",
    "again side by side": "{ " + "payments { edges { node { id } } } " * 30 + "}",
    "again by fragments": "{ payments { " + " ".join(f"...f{n}" for n in range(60)) + " } } " + " ".join(
        f"fragment f{n} on PaymentConnection {{ edges {{ cursor }} }}" for n in range(60)),
    "again where nobody looks": LIST + " fragment f on Payment { " + "id " * 110 + "}",
    "tokens": "{ payments { edges { cursor " + "@a " * 1000 + "} } }",
    "characters": LIST + " " * 40_000,
}  # fmt: skip


@pytest.mark.parametrize("what", TOO_MUCH)
async def test_a_query_that_asks_for_too_much_is_refused(door: Door, what: str) -> None:
    async with asyncio.timeout(10):
        told = await ask(door, TOO_MUCH[what])
    assert codes(told) == ["validation_failed"]
    [fault] = errors(told)[0]["errors"]
    assert fault["field"] == "query" and fault["message"].startswith("must ")
    assert what.partition(" ")[0] in fault["message"].replace("nested deeper", "depth")


async def test_the_size_of_a_page_counts_also_where_a_variable_says_it(door: Door) -> None:
    query = "query($n: Int = 100) { payments(first: $n) { edges { node { events(first: 10) { edges { cursor } } } } } }"
    assert codes(await ask(door, query)) == ["validation_failed"]
    assert codes(await ask(door, query, {"n": 100})) == ["validation_failed"]
    assert codes(await ask(door, query, {"n": 100.0})) == ["validation_failed"]  # which GraphQL takes for 100
    assert "errors" not in (await ask(door, query, {"n": 20})).body


async def test_what_a_client_may_well_ask_for_is_within_the_limits(door: Door) -> None:
    payment = await make(door)
    described = (
        await ask(door, get_introspection_query(specified_by_url=True, input_value_deprecation=True))
    ).body
    assert "errors" not in described
    assert print_schema(build_client_schema(described["data"])) == print_schema(CORE)
    names = "id status amount currency metadata decline { code } provider { name } disputes { id status }"
    everything = f"""query($id: ID!) {{
        payment(id: $id) {{ {names} refunds(first: 100) {{ edges {{ node {{ id status amount }} }} }}
          events(first: 100) {{ edges {{ node {{ id type sequence data cause {{ command by }} payment {{ status }} }} }} }} }}
        payments(first: 100) {{ edges {{ node {{ {names} refunds(first: 10) {{ edges {{ node {{ id }} }} }} }} }} }} }}"""
    told = await ask(door, everything, {"id": payment})
    assert "errors" not in told.body


async def test_introspection_does_not_go_round_in_circles(door: Door) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    assert codes(await ask(door, query)) == ["validation_failed"]


def test_what_is_remembered_is_bounded() -> None:
    read = documents.Documents()
    for n in range(100):
        read.read(f"query q{n} {LIST} " + " " * 1000, None, {})
    assert read._chars == sum(map(len, read._remembered)) <= documents.REMEMBERED_MAX_CHARS
    assert f"query q99 {LIST} " + " " * 1000 in read._remembered


def test_a_query_is_read_and_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = documents.Documents()
    first = read.read(LIST, None, {})
    monkeypatch.setattr(documents, "parse", None)
    monkeypatch.setattr(documents, "validate", None)
    assert read.read(LIST, None, {}) == first


def test_a_limit_that_is_lifted_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALIASES_MAX", 1000)
    assert documents.Documents().read(TOO_MUCH["aliases"], None, {})


async def test_each_piece_of_news_is_small_since_nobody_asks_for_it_when_it_comes(door: Door) -> None:
    refunds = "r{0}: refunds(first: 100) {{ edges {{ node {{ id status amount }} }} }}"
    news = "subscription {{ paymentEvents {{ type payment {{ id status {0} }} }} }}"
    for many, code in ((3, None), (5, "validation_failed")):
        asked = news.format(" ".join(refunds.format(number) for number in range(many)))
        async with talk(door) as client:
            await client.begin()
            await client.subscribe("1", asked)
            await door.post("/v1/payments", PAYMENT, str(many))
            told = await client.hear()
            assert (told["payload"][0]["extensions"]["code"] if code else told["type"]) == (code or "next")
