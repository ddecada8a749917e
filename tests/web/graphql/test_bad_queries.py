"""Whatever is asked: an answer in GraphQL's form with a code of the list, the words of REST, nothing repeated that was sent."""

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.codes import Code
from tests.fuzzing import examples
from tests.web.fakes import PAYMENT as BODY
from tests.web.fakes import Door, open_door
from tests.web.graphql.client import CREATE, LIST, PAYMENT, ask, codes, errors
from tests.web.languages.spoken import camel
from tests.web.test_bad_input import BAD_FIELDS, CARD

CODES = {code.value for code in Code}


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
