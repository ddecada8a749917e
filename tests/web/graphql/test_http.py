"""GraphQL over HTTP: what is no request for it, which status an answer has, who is answered at all, and what a GET may do."""

import json

import pytest
from graphql import get_introspection_query

from tests.web.fakes import Door
from tests.web.graphql.client import LIST, ask, codes, errors, make
from tests.web.graphql.test_limits import TOO_MUCH
from tests.web.service import KEY

NEWER = "application/graphql-response+json"


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
