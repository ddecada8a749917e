"""The OpenAPI document: valid, committed as the code makes it, and true of what the door does."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from openapi_spec_validator import validate
from prometheus_client import CollectorRegistry
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.web.fakes import PAYMENT, Door, app_of
from web import openapi
from web.problems import STATUS
from web.routes import ROUTES
from web.upkeep import DOCUMENTS


def test_the_document_is_valid_openapi() -> None:
    validate(openapi.document())


def test_the_committed_document_is_what_the_code_makes() -> None:
    assert (DOCUMENTS / "openapi.json").read_text(encoding="utf-8") == openapi.written(), "run: make docs"


def test_every_code_of_the_door_is_told_with_an_example() -> None:
    told = json.dumps(openapi.document()["paths"])
    for code in STATUS:
        if code.value not in ("method_not_allowed",):
            assert f'"{code.value}"' in told or f"responses/{code.value}" in told, code


async def test_the_application_has_the_routes_of_the_document(door: Door) -> None:
    routed = {
        (route.method, route.resource.canonical)
        for route in app_of(door.service, CollectorRegistry()).router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    routed -= {("GET", "/graphql"), ("POST", "/graphql")}  # it has a document of its own, docs/schema.graphql
    assert routed == {(route.method, route.path) for route in ROUTES}
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routed - told == {("GET", "/"), ("GET", "/docs"), ("GET", "/docs/{name}")}, "pages for people"


DOCUMENT = openapi.document()
REGISTRY = Registry[Any]().with_resource("urn:openapi", DRAFT202012.create_resource(DOCUMENT))


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: dict[str, Any] = DOCUMENT["components"][kind][name]
    return found


def examples(media: dict[str, Any]) -> list[Any]:
    return (
        [media["example"]] if "example" in media else [each["value"] for each in media["examples"].values()]
    )


def test_every_answer_has_an_example_that_fits_its_schema() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            response = resolved(response)
            assert "Request-Id" in response["headers"], (name, status)
            assert ("content" in response) is (status != "304"), (name, status)
            for media in response.get("content", {}).values():
                for example in examples(media):
                    validator_of(media["schema"]).validate(example)


def test_every_parameter_and_every_body_has_an_example_that_fits_its_schema() -> None:
    for name, operation in operations():
        for parameter in operation["parameters"]:
            assert parameter["description"], name
            validator_of(parameter["schema"]).validate(parameter["example"])
        for media in operation.get("requestBody", {}).get("content", {}).values():
            for example in examples(media):
                validator_of(media["schema"]).validate(example)


def test_reads_tell_of_their_tag_and_of_nothing_new() -> None:
    for name, operation in operations():
        is_read = name.startswith(("GET /v1/", "GET /schemas/")) or name.endswith(".json")
        assert ("304" in operation["responses"]) is is_read, name
        assert ("If-None-Match" in [each["name"] for each in operation["parameters"]]) is is_read, name


async def test_the_door_does_what_the_examples_ask(door: Door) -> None:
    asked = dict(operations())
    for number, example in enumerate(bodies_of(asked["POST /v1/payments"])):
        assert (await door.post("/v1/payments", example, f"create-{number}")).status == 201
    for change, status in (("capture", 200), ("cancel", 200), ("refunds", 201)):
        for number, example in enumerate(bodies_of(asked[f"POST /v1/payments/{{payment_id}}/{change}"])):
            manual = {} if change == "refunds" else {"capture_method": "manual"}
            made = await door.post("/v1/payments", PAYMENT | manual, f"{change}-{number}")
            told = await door.post(f"{made.headers['Location']}/{change}", example, f"{change}-{number}-it")
            assert told.status == status, (change, example, told.body)


def bodies_of(operation: dict[str, Any]) -> list[Any]:
    return examples(operation["requestBody"]["content"]["application/json"])


def check(schema_name: str, instance: object) -> None:
    validator_of({"$ref": f"#/components/schemas/{schema_name}"}).validate(instance)


def validator_of(schema: dict[str, Any]) -> Any:
    """Formats are checked as well."""
    inside = json.loads(json.dumps(schema).replace('"#/components', '"urn:openapi#/components'))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(inside, registry=REGISTRY, format_checker=checker)


async def test_what_the_door_says_fits_its_schemas(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"metadata": {"a": "b"}})
    check("Payment", made.body)
    declined = await door.post("/v1/payments", PAYMENT | {"payment_method": "pm_card_chargeDeclined"}, "d")
    check("Payment", declined.body)
    refund = await door.post(f"{made.headers['Location']}/refunds", {"amount": 5}, "r")
    check("Refund", refund.body)
    check("PaymentList", (await door.get("/v1/payments")).body)
    check("RefundList", (await door.get(f"{made.headers['Location']}/refunds")).body)
    check("EventList", (await door.get(f"{made.headers['Location']}/events")).body)
    door.service.provider_is_silent = True
    check("PaymentAccepted", (await door.post("/v1/payments", PAYMENT, "later", Prefer="wait=0")).body)
    later = await door.post(f"{made.headers['Location']}/refunds", {}, "s", Prefer="wait=0")
    check("RefundAccepted", later.body)
    check("ProblemDocument", (await door.post("/v1/payments", {})).body)
    check("ProblemDocument", (await door.get("/nowhere")).body)
    check("Ready", (await door.get("/readyz")).body)
    with pytest.raises(jsonschema.ValidationError):
        check("Payment", {"id": "nonsense"})


async def test_bodies_that_fit_the_schema_are_taken_and_others_are_not(door: Door) -> None:
    check("PaymentBody", PAYMENT)
    for wrong in ({"amount": "1999"}, {"amount": 1.5}, {"currency": "USD"}, {"x": 1}, {"metadata": {"a": 1}}):
        with pytest.raises(jsonschema.ValidationError):
            check("PaymentBody", PAYMENT | wrong)
        assert (await door.post("/v1/payments", PAYMENT | wrong)).status == 422
