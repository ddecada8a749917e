"""Whatever is asked: an answer in GraphQL's form with a code of the list, nothing repeated that was sent, no end of work."""

import asyncio
import io
import json
import logging
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema
from hypothesis import given
from hypothesis import strategies as st

from models.codes import Code
from tests.fuzzing import examples
from tests.web.fakes import PAYMENT as BODY
from tests.web.fakes import Door, open_door
from tests.web.graphql.client import CREATE, PAYMENT, ask, codes, errors, make
from tests.web.languages.spoken import camel
from tests.web.service import KEY
from tests.web.test_bad_input import BAD_FIELDS, CARD
from tests.web.test_canaries import CANARIES, lines
from web.graphql import documents, limits
from web.graphql.schema import CORE

__all__ = ["lines"]
NEWER = "application/graphql-response+json"
CODES = {code.value for code in Code}
LIST = "{ payments { edges { cursor } } }"


TYPED = [(field, value) for field, value in BAD_FIELDS if value != "null" and field != "__proto__"]


@pytest.mark.parametrize(("field", "value"), TYPED)
async def test_a_bad_field_gets_the_words_it_gets_in_rest(door: Door, field: str, value: str) -> None:
    raw = {name: json.dumps(each) for name, each in BODY.items()} | {field: value}
    body = "{" + ",".join(f'"{name}":{each}' for name, each in raw.items()) + "}"
    by_rest = await door.post("/v1/payments", body.encode())
    typed = ",".join(f'"{camel(name)}":{each}' for name, each in raw.items())
    request = f'{{"query":{json.dumps(CREATE)},"variables":{{"input":{{"idempotencyKey":"k",{typed}}}}}}}'
    told = await door.ask("POST", "/graphql", request.encode())
    if told.status == 400:  # no JSON to begin with, or too many arrays in it
        assert [error["field"] for error in by_rest.body["errors"]] == ["body"] or "4300" in str(value)
    assert set(codes(told)) == {"validation_failed"}
    assert errors(told)[0]["errors"] == by_rest.body["errors"]
    assert CARD not in told.raw.decode()
    assert door.service.appended == []


async def test_all_faults_are_told_at_once(door: Door) -> None:
    wrong = {"amount": "x", "currency": 1, "description": 2, "metadata": {"a": 1}, "x": 1}
    by_rest = await door.post("/v1/payments", wrong)
    told = await ask(door, CREATE, {"input": wrong | {"idempotencyKey": "k"}})
    assert errors(told)[0]["errors"] == by_rest.body["errors"]
    assert errors(told)[0]["param"] == "amount"
    inline = 'mutation { createPayment(input: {amount: "x", currency: 1, description: 2, metadata: {a: 1}, x: 1}) { settled } }'
    told = await ask(door, inline)
    assert errors(told)[0]["errors"] == by_rest.body["errors"]


@pytest.mark.parametrize(
    ("variables", "field", "message"),
    [
        ({}, "input", "is required"), ({"input": None}, "input", "is not valid"), ({"input": 5}, "input", "is not valid"),
        ({"input": PAYMENT | {"waitSeconds": "1"}}, "wait_seconds", "is not valid"),
        ({"input": PAYMENT | {"waitSeconds": -1}}, "wait_seconds", "must be an integer of 0 to 60"),
        ({"input": PAYMENT | {"waitSeconds": 61}}, "wait_seconds", "must be an integer of 0 to 60"),
        ({"input": PAYMENT | {"idempotencyKey": 5}}, "idempotency_key", "is not valid"),
        ({"input": PAYMENT | {"payment_method": "pm_x"}}, "payment_method", "is not a member of this request"),
    ],
)  # fmt: skip
async def test_what_rest_says_in_headers_is_named_too(
    door: Door, variables: Any, field: str, message: str
) -> None:
    told = await ask(door, CREATE, variables)
    assert codes(told) == ["validation_failed"]
    assert {"field": field, "message": message} in errors(told)[0]["errors"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "malformed_request"), ("nope", "malformed_request"), ("{ payments(first: 1x) }", "malformed_request"),
        (f'{{ payment(id: "{CARD}) }}', "malformed_request"), (f"{{ {CARD} }}", "malformed_request"),
        ("\u0000", "malformed_request"), ("{ \ud800 }", "malformed_request"),
        ('{ payment(id: "\\uD800") { id } }', "malformed_request"),
        ("#" * 20_000, "malformed_request"), ("#\n" * 10_000, "validation_failed"), ("{" * 10_000, "malformed_request"),
        ("{ a " * 800, "malformed_request"), ("{ nope }", "validation_failed"), (f"{{ c{CARD} }}", "validation_failed"),
        (f"{{ c{CARD}: payments {{ edges {{ cursor }} }} }}", "validation_failed"),
        (f"query($c{CARD}: Int) {LIST}", "validation_failed"), (f"query c{CARD} {{ nope }}", "validation_failed"),
        (f"{{ ...c{CARD} }}", "validation_failed"), (f"{{ payments @c{CARD} {{ edges {{ cursor }} }} }}", "validation_failed"),
        (f"{{ payments(c{CARD}: 1) {{ edges {{ cursor }} }} }}", "validation_failed"),
        (f"{{ payments(first: {CARD}) {{ edges {{ cursor }} }} }}", "validation_failed"),
        (f'{{ payments(first: "{CARD}") {{ edges {{ cursor }} }} }}', "validation_failed"),
        (f"{{ payments(status: c{CARD}) {{ edges {{ cursor }} }} }}", "validation_failed"),
        (f"query($n: Int = \"{CARD}\") {{ payments(first: $n) {{ edges {{ cursor }} }} }}", "validation_failed"),
        (f"{{ payments(metadata: {{a: c{CARD}, b: $x}}) {{ edges {{ cursor }} }} }}", "validation_failed"),
        ("{ payments(first: " + "9" * 5000 + ") { edges { cursor } } }", "validation_failed"),
        ("{ ...a } fragment a on Query { ...a }", "validation_failed"),
        ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "validation_failed"),
        (f"{LIST} {LIST}", "validation_failed"), (f"query a {LIST} query b {LIST}", "malformed_request"),
        ("type Query { a: Int }", "validation_failed"), ("subscription { paymentEvents { id } }", "malformed_request"),
        ("fragment a on Query { payments { edges { cursor } } }", "validation_failed"),
        ("query @skip(if: 1) { a }", "validation_failed"),
    ],
    ids=lambda given: str(given)[:40],
)  # fmt: skip
async def test_a_query_that_is_none_is_refused(door: Door, query: str, code: str) -> None:
    told = await ask(door, query)
    assert set(codes(told)) == {code}
    assert "data" not in told.body
    assert CARD not in told.raw.decode()
    for said in told.body["errors"]:
        assert set(said["extensions"]) >= {"code", "retryable", "request_id", "param", "errors"}


async def test_a_name_that_may_be_said_helps_to_find_the_fault(door: Door) -> None:
    [error] = (await ask(door, "{ paymnt(id: 1) { id } }")).body["errors"]
    assert "'paymnt'" in error["message"] and "'payment'" in error["message"]
    [error] = (await ask(door, "{ " + "p" * 30_000 + " }")).body["errors"]
    assert "'(unknown)'" in error["message"] and len(error["message"]) < 100


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
    async with asyncio.timeout(2):
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


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "malformed_request"), (b"{}", "application/json", 400, "malformed_request"),
        (b"[]", "application/json", 400, "validation_failed"),
        (b'[{"query": "{ __typename }"}]', "application/json", 400, "validation_failed"),
        (b'{"query": 5}', "application/json", 400, "validation_failed"),
        (b'{"query": null}', "application/json", 400, "malformed_request"),
        (b'{"query": "{ __typename }", "variables": []}', "application/json", 400, "validation_failed"),
        (b'{"query": "{ __typename }", "variables": "{}"}', "application/json", 400, "validation_failed"),
        (b'{"query": "{ __typename }", "extensions": 1}', "application/json", 400, "validation_failed"),
        (b'{"query": "{ __typename }", "operationName": 1}', "application/json", 400, "validation_failed"),
        (b'{"query": "{ __typename }", "query": "{ x }"}', "application/json", 400, "validation_failed"),
        (b'{"query": "{ __typename }", "variabels": {}}', "application/json", 400, "validation_failed"),
        (b'{"query": "{ __typename }"', "application/json", 400, "validation_failed"),
        (b"\xff", "application/json", 400, "validation_failed"),
        (b"{ __typename }", "application/graphql", 415, "unsupported_media_type"),
        (b"query=x", "text/plain", 415, "unsupported_media_type"),
        (b"x", "multipart/form-data; boundary=x", 415, "unsupported_media_type"),
        (b" " * (256 * 1024 + 1), "application/json", 413, "payload_too_large"),
    ],
    ids=range(18),
)  # fmt: skip
@pytest.mark.parametrize("accept", ["*/*", NEWER])
async def test_what_is_no_request_for_graphql_has_a_status(
    door: Door, body: bytes, content_type: str, status: int, code: str, accept: str
) -> None:
    told = await door.ask("POST", "/graphql", body, Content_Type=content_type, Accept=accept)
    assert (told.status, codes(told)) == (status, [code])
    assert told.headers["Content-Type"].startswith(NEWER if accept == NEWER else "application/json")


@pytest.mark.parametrize(
    ("query", "older", "newer"),
    [
        (LIST, 200, 200), ("{", 200, 400), ("{ nope }", 200, 400), (TOO_MUCH["aliases"], 200, 400),
        ("query($id: ID!) { payment(id: $id) { id } }", 200, 400), ('{ payment(id: "x") { id } }', 200, 200),
    ],
)  # fmt: skip
async def test_the_status_says_more_to_those_who_ask_in_the_newer_way(
    door: Door, query: str, older: int, newer: int
) -> None:
    assert (await ask(door, query)).status == older
    told = await ask(door, query, Accept=f"{NEWER}; charset=utf-8, application/json; q=0.9")
    assert told.status == newer
    assert ("data" in told.body) is (newer == 200)


@pytest.mark.parametrize("authorization", [None, "", "Bearer mr_test_unknown", "Basic eDp5"])
async def test_nobody_unknown_has_a_query_read(door: Door, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for query in (LIST, "{", get_introspection_query()):
        told = await ask(door, query, key=None, **headers)
        assert (told.status, codes(told)) == (401, ["unauthenticated"])
        assert told.headers["WWW-Authenticate"].startswith("Bearer")


async def test_without_the_keys_it_is_unavailable(door: Door) -> None:
    door.service.keys_are_away = True
    told = await ask(door, LIST)
    assert (told.status, codes(told), errors(told)[0]["retryable"]) == (503, ["unavailable"], True)
    assert int(told.headers["Retry-After"]) == errors(told)[0]["retry_after"]


async def test_a_get_reads_and_changes_nothing(door: Door) -> None:
    payment = await make(door, captureMethod="manual")
    query = "query($id: ID!) { payment(id: $id) { status } }"
    told = await door.http.get(
        f"http://127.0.0.1:{door.serving.port}/graphql",
        params={"query": query, "variables": json.dumps({"id": payment})},
        headers={"Authorization": f"Bearer {KEY}"},
    )
    assert (await told.json())["data"]["payment"] == {"status": "authorized"}
    sent = len(door.service.appended)
    change = f'mutation{{cancelPayment(input:{{paymentId:"{payment}",idempotencyKey:"k"}}){{settled}}}}'
    refused = await door.get(f"/graphql?query={change}")
    assert (refused.status, codes(refused), refused.headers["Allow"]) == (405, ["method_not_allowed"], "POST")
    assert len(door.service.appended) == sent
    for path in (
        "/graphql",
        "/graphql?query=",
        "/graphql?query={x}&query={y}",
        "/graphql?query={x}&variables=nope",
        "/graphql?query={x}%ff",
    ):
        assert (await door.get(path)).status == 400, path
    for method in ("PUT", "DELETE", "PATCH", "HEAD"):
        assert (await door.ask(method, "/graphql")).status == 405


async def test_a_bug_of_ours_is_told_without_its_insides(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.service.breaks = True
    with caplog.at_level(logging.ERROR):
        told = await ask(door, LIST)
    assert (told.status, codes(told), errors(told)[0]["retryable"]) == (200, ["internal_error"], True)
    assert told.body["data"] == {"payments": None}
    assert b"bug" not in told.raw
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert door.count("millrace_http_problems_total", route="/graphql", code="internal_error") == 1


@pytest.mark.parametrize("card", [CANARIES[0], CANARIES[1]])
async def test_no_opening_lets_a_secret_out(door: Door, lines: io.StringIO, card: str) -> None:
    quoted = json.dumps(card)
    digits = card.replace("-", "")
    told = [
        await ask(door, CREATE, {"input": PAYMENT | {"description": card, "idempotencyKey": "k"}}),
        await ask(door, CREATE, {"input": PAYMENT | {card: card}}),
        await ask(door, CREATE, {"input": card, card: card}),
        await ask(door, CREATE, {"input": PAYMENT | {"amount": card, "idempotencyKey": card}}),
        await ask(door, CREATE, {"input": PAYMENT | {"captureMethod": card, "waitSeconds": card}}),
        await ask(door, CREATE, {"input": PAYMENT | {"metadata": {card: card}, "idempotencyKey": "k"}}),
        await ask(
            door,
            f"mutation {{ createPayment(input: {{amount: {quoted}, x{digits}: {quoted}}}) {{ settled }} }}",
        ),
        await ask(door, f"{{ payment(id: {quoted}) {{ id }} }}"),
        await ask(door, f"{{ x{digits}: payment(id: 1) {{ id }} }}"),
        await ask(
            door,
            f"query x{digits}($x{digits}: x{digits} = {quoted}) {{ x{digits}(x{digits}: {quoted}) }} # {card}",
        ),
        await ask(
            door,
            f"{{ payments(metadata: {quoted}, createdAfter: {quoted}, after: {quoted}) {{ edges {{ cursor }} }} }}",
        ),
        await ask(door, f"{{ {card} }}"),
        await ask(door, quoted),
        await ask(door, LIST, {card: card}),
        await door.ask("POST", "/graphql", {"query": LIST, card: card, "operationName": card}),
        await door.ask("POST", "/graphql", {"query": LIST, "operationName": card}),
        await door.get(f"/graphql?query={card}&{card}={card}"),
    ]
    door.service.breaks = True
    told.append(await ask(door, f"{LIST} # {card}"))
    assert codes(told[-1]) == ["internal_error"]
    for each in told:
        for canary in (*CANARIES, digits):
            assert canary not in each.raw.decode()
    assert lines.getvalue().count("\n") >= 1
    for canary in (*CANARIES, digits, "4242 4242 4242 4242"):
        assert canary not in lines.getvalue()


SECRET = "whsec_canary_0_in_a_value"
OPENINGS = (
    "{{ payment(id: {{a: {0}}}) {{ id }} }}", "{{ payments(first: {0}) {{ edges {{ cursor }} }} }}",
    "{{ payments(status: {0}) }}",
    "mutation {{ createPayment(input: {{x: {0}}}) {{ settled }} }}", "mutation {{ createPayment(input: {0}) {{ settled }} }}",
    "mutation {{ createPayment(input: {{statuss: {0}, status: {{a: {0}}}}}) {{ settled }} }}",
    "mutation {{ createPayment(input: {{waitSeconds: {0}, metadata: [{0}]}}) {{ settled }} }}",
    "mutation {{ cancelPayment(input: [{{reason: {0}}}]) {{ settled }} }}",
    "{{ payments @skip(if: {0}) {{ edges {{ cursor }} }} }}",
    "query($a: Int = {0}, $b: PaymentFilter = {{a: {0}}}) {{ payments(first: $a) {{ edges {{ cursor }} }} }}", "{{ a(b: {0}) }}",
    "query($a: CreatePaymentInput = {{a: {0}}}) {{ payments {{ edges {{ cursor }} }} }}", "{{ payments({0}) }}", "{0} {{ a }}",
    "{{ payment(id: 1) {{ id }} payment(id: {0}) {{ id }} }}", "{{ payments(first: $a, first: {0}) {{ edges {{ cursor }} }} }}",
)  # fmt: skip


async def test_no_value_in_a_query_comes_back(door: Door) -> None:
    for opening in OPENINGS:
        for value in (f'"{SECRET}"', f'"""{SECRET}"""', f'[["{SECRET}"]]', f'{{a: "{SECRET}"}}'):
            told = await ask(door, opening.format(value))
            assert told.body["errors"]
            assert SECRET not in told.raw.decode(), opening


async def test_no_value_of_a_variable_comes_back(door: Door) -> None:
    values: list[Any] = [SECRET, [SECRET], {"a": SECRET}, {SECRET + "-": 1}]
    for kind in ("CreatePaymentInput!", "Int", "ID!", "[String]", "PaymentStatus", "Metadata", "Nonsense"):
        query = f"query($a: {kind}) {{ payments(first: $a) {{ edges {{ cursor }} }} }}"
        told = [await ask(door, query, {"a": value}) for value in values]
        for value in values:
            inputs = value, PAYMENT | {"waitSeconds": value}, {"reason": value, "currency": value}
            told += [await ask(door, CREATE, {"input": each}) for each in inputs]
        for each in told:
            assert each.body["errors"]
            assert SECRET not in each.raw.decode(), kind


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


WORDS = st.sampled_from(
    ["{", "}", "(", ")", "payments", "payment", "id", "edges", "node", "...", "on", "Query", "fragment", "a", ":", "$a",
     "query", "mutation", "createPayment", "input",
     '"x"', "1", "[", "]", "@skip", "if", "true", "first", "!", "=", "Int", '"""', "#", "\n",
     CARD, f"c{CARD}", "\ud800", "\u0000"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CARD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
INPUTS = st.dictionaries(
    st.sampled_from([*PAYMENT, "description", "metadata", "offSession", "idempotencyKey", "waitSeconds"]),
    JSON,
)


@examples(40)
@given(
    queries=st.lists(st.lists(WORDS, max_size=25).map(" ".join) | st.text(), max_size=4),
    inputs=st.lists(
        JSON | INPUTS | INPUTS.map(lambda given: PAYMENT | {"idempotencyKey": "k"} | given), max_size=4
    ),
)
def test_nothing_that_is_asked_makes_the_door_fail(queries: list[str], inputs: list[Any]) -> None:
    async def knock() -> None:
        async with open_door() as door:
            told = [await ask(door, query, {"a": 1}) for query in queries]
            told += [await ask(door, CREATE, {"input": given}) for given in inputs]
            for each in told:
                assert each.status in (200, 400)
                assert set(codes(each) if "errors" in each.body else ()) <= CODES - {"internal_error"}
                assert CARD not in each.raw.decode()
            assert door.count("millrace_http_problems_total", route="/graphql", code="internal_error") == 0

    asyncio.run(knock())


def test_a_limit_that_is_lifted_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALIASES_MAX", 1000)
    assert documents.Documents().read(TOO_MUCH["aliases"], None, {})
