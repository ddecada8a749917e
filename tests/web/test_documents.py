"""The OpenAPI document: valid, committed as the code makes it, and true of what the door does."""

import json
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


def test_the_document_is_valid_openapi() -> None:
    validate(openapi.document())


def test_the_committed_document_is_what_the_code_makes() -> None:
    assert openapi.TARGET.read_text(encoding="utf-8") == openapi.written(), "run: python -m web.openapi"


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


def check(schema_name: str, instance: object) -> None:
    registry = Registry[Any]().with_resource("urn:openapi", DRAFT202012.create_resource(openapi.document()))
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"urn:openapi#/components/schemas/{schema_name}"}, registry=registry
    )
    validator.validate(instance)


async def test_what_the_door_says_fits_its_schemas(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"metadata": {"a": "b"}})
    check("Payment", made.body)
    declined = await door.post("/v1/payments", PAYMENT | {"payment_method": "pm_card_chargeDeclined"}, "d")
    check("Payment", declined.body)
    refund = await door.post(f"{made.headers['Location']}/refunds", {"amount": 5}, "r")
    check("Refund", refund.body)
    check("PaymentList", (await door.get("/v1/payments")).body)
    check("RefundList", (await door.get(f"{made.headers['Location']}/refunds")).body)
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
