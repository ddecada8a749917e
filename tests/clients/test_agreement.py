"""The client and the service say the same: every member, route, code and id. And both clients offer the same."""

import dataclasses
import inspect
import json
import pickle
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import millrace_client
from millrace_client import Payment, Refund, StillUnsettled, asking, errors, objects, reading
from millrace_client.async_client import AsyncMillrace
from millrace_client.client import Millrace
from models import ids
from web.upkeep import DOCUMENTS

ROOT = Path(__file__).parent.parent.parent
OPENAPI: dict[str, Any] = json.loads((DOCUMENTS / "openapi.json").read_text())
SCHEMAS: dict[str, Any] = OPENAPI["components"]["schemas"]
SHOWN = (
    "Payment",
    "Refund",
    "Dispute",
    "Decline",
    "Provider",
    "PaymentEvent",
    "Cause",
    "AnalyticsFigures",
    "AnalyticsDecline",
    "WebhookEndpoint",
    "WebhookEndpointWithSecret",
    "WebhookEndpointDeleted",
    "WebhookDelivery",
    "WebhookAttempt",
    "ProblemDocument",
    "FieldProblem",
)
BODIES = (
    "PaymentBody",
    "CaptureBody",
    "CancelBody",
    "RefundBody",
    "WebhookEndpointBody",
    "WebhookEndpointChange",
    "SecretRotation",
)
OWN = {"http", "raw"}
"""Members that are this client's, not the service's."""

HEADERS = {"Idempotency-Key", "Prefer"}
"""Those of the service's that callers have a say in."""

ROUTES = {
    operation["operationId"]: (
        method.upper(),
        path,
        {
            each["name"]
            for each in operation["parameters"]
            if each["in"] != "header" or each["name"] in HEADERS
        },
    )
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
    if "security" in operation
}
PAY = "pay_" + "1" * 32
COMMAND: tuple[Any, ...] = ({"amount": 1}, "key-1", 5)
PAGE: dict[str, Any] = {"limit": 5, "starting_after": "x"}
WHERE = {
    "status": "captured",
    "currency": "usd",
    "customer": "cus_1",
    "created_after": datetime.now(UTC),
    "created_before": datetime.now(UTC),
    "metadata": {"a": "b"},
}
SUMS = {
    "begins_at": datetime.now(UTC),
    "ends_at": datetime.now(UTC),
    "currency": "usd",
    "payment_method": "card",
}
CALLS = {
    "analytics_summary": asking.analytics_summary(SUMS),
    "analytics_timeseries": asking.analytics_timeseries(SUMS, "hour"),
    "analytics_declines": asking.analytics_declines(SUMS),
    "create_payment": asking.create_payment(*COMMAND),
    "capture_payment": asking.capture_payment(PAY, *COMMAND),
    "cancel_payment": asking.cancel_payment(PAY, *COMMAND),
    "create_refund": asking.create_refund(PAY, *COMMAND),
    "get_payment": asking.get_payment(PAY),
    "get_refund": asking.get_refund(Refund(PAY, payment=PAY)),
    "list_payments": asking.list_payments(WHERE, **PAGE, ending_before="y"),
    "list_refunds": asking.list_refunds(PAY, **PAGE, ending_before="y"),
    "list_events": asking.list_events(PAY, limit=5, after_sequence=3),
    "create_webhook_endpoint": asking.create_webhook_endpoint({"url": "https://a.example"}, "key-1"),
    "list_webhook_endpoints": asking.list_webhook_endpoints(**PAGE, ending_before="y"),
    "get_webhook_endpoint": asking.get_webhook_endpoint(PAY),
    "update_webhook_endpoint": asking.update_webhook_endpoint(PAY, {"enabled": False}),
    "delete_webhook_endpoint": asking.delete_webhook_endpoint(PAY),
    "enable_webhook_endpoint": asking.enable_webhook_endpoint(PAY),
    "rotate_webhook_secret": asking.rotate_webhook_secret(PAY, {}, "key-1"),
    "list_webhook_deliveries": asking.list_webhook_deliveries(PAY, **PAGE, status="failed"),
    "redeliver_webhook": asking.redeliver_webhook(PAY),
}


@pytest.mark.parametrize("name", SHOWN)
def test_every_member_that_the_service_shows_has_its_place(name: str) -> None:
    kind = getattr(objects, name)
    assert {each.name for each in dataclasses.fields(kind)} - OWN == set(SCHEMAS[name]["properties"])


@pytest.mark.parametrize("name", BODIES)
def test_every_member_that_the_service_takes_can_be_given(name: str) -> None:
    kind = getattr(asking, name)
    assert set(kind.__annotations__) == set(SCHEMAS[name]["properties"])
    assert kind.__required_keys__ == set(SCHEMAS[name].get("required", ()))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(objects.PaymentStatus, SCHEMAS["PaymentStatus"]), (objects.RefundStatus, SCHEMAS["RefundStatus"])],
)
def test_the_statuses_are_those_of_the_service(ours: Any, theirs: Mapping[str, Any]) -> None:
    assert set(get_args(ours)) == set(theirs["enum"])


def test_every_code_has_its_exception() -> None:
    assert set(errors.CLASSES) == set(SCHEMAS["ProblemDocument"]["properties"]["code"]["enum"])


def test_every_route_for_merchants_is_called_as_it_is_written() -> None:
    assert set(CALLS) == set(ROUTES)
    for name, call in CALLS.items():
        method, path, parameters = ROUTES[name]
        assert (call.method, call.path) == (
            method,
            re.sub(r"\{\w+\}", PAY, path),
        )
        asked = {parameter.partition("[")[0] for parameter in call.query}
        asked |= HEADERS & parameters if call.key else set()
        asked |= set(re.findall(r"\{(\w+)\}", path))
        assert asked == parameters, name


def test_ids_are_derived_as_the_service_derives_them() -> None:
    merchant, key = "mer_alice", "order-6735"
    uuid = ids.command_uuid(merchant, key)
    assert millrace_client.NAMESPACE == ids.NAMESPACE
    assert str(millrace_client.NAMESPACE) in (DOCUMENTS / "asyncapi.json").read_text()
    assert millrace_client.command_id_for(merchant, key) == str(uuid)
    assert millrace_client.payment_id_for(merchant, key) == ids.payment_id(uuid)
    assert millrace_client.refund_id_for(merchant, key) == ids.refund_id(uuid)


def test_the_version_is_the_distributions() -> None:
    told = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())
    assert millrace_client.__version__ == told["project"]["version"]


@pytest.mark.parametrize(
    "part", ["payments", "refunds", "events", "analytics", "webhook_endpoints", "deliveries"]
)
def test_both_clients_offer_the_same(part: str) -> None:
    sync, asynchronous = (
        _surface(type(getattr(kind("http://127.0.0.1:1", "mr_test_x"), part)))
        for kind in (Millrace, AsyncMillrace)
    )
    assert sync == asynchronous
    assert sync


def _surface(kind: type) -> dict[str, Any]:
    """Each method with its parameters, its result as both would have it, and its words."""
    found = {}
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            signature = inspect.signature(method)
            returns = str(signature.return_annotation).replace("AsyncIterator", "Iterator")
            found[name] = (str(signature.replace(return_annotation=signature.empty)), returns, method.__doc__)
    return found


def test_a_payment_is_read_whole_and_what_a_later_version_adds_is_kept() -> None:
    told = {
        "id": PAY,
        "object": "payment",
        "status": "a_later_status",
        "amount": 1999,
        "refunds": [{"id": "re_1", "object": "refund", "status": "pending", "later": 1}],
        "decline": {"code": "card_declined", "advice": "do_not_retry"},
        "created_at": "2026-01-31T12:00:00.000Z",
        "client_secret": "pi_1_secret_canary",
        "later": {"nested": True},
    }
    payment = reading.read(Payment, told)
    assert (payment.status, payment.refunds[0].id) == ("a_later_status", "re_1")
    assert payment.created_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert payment.decline is not None and payment.decline.advice == "do_not_retry"
    assert payment.raw["later"] == {"nested": True}
    assert payment.client_secret == "pi_1_secret_canary"
    assert "canary" not in repr(payment)


@pytest.mark.parametrize(
    "odd", [None, [], {}, {"id": 1}, {"id": PAY, "refunds": 5}, {"id": PAY, "created_at": "x"}]
)
def test_what_is_no_payment_is_not_taken_for_one(odd: object) -> None:
    with pytest.raises(reading.Unreadable):
        reading.read(Payment, odd)


def test_every_hint_is_one_that_can_be_read() -> None:
    for name in SHOWN:
        kind = getattr(objects, name)
        hints = get_type_hints(kind)
        made = {
            field.name: _example(hints[field.name])
            for field in dataclasses.fields(kind)
            if field.name not in OWN
        }
        read = reading.read(kind, made)
        for field in made:
            assert getattr(read, field) not in ((), None), field


def _example(hint: Any) -> Any:
    inner = [each for each in get_args(hint) if each is not type(None)]
    if dataclasses.is_dataclass(hint):
        return {field.name: "x" for field in dataclasses.fields(hint) if field.name == "id"}
    if hint in (str, int, bool, float):
        return hint()
    if hint is datetime:
        return "2026-01-31T12:00:00Z"
    if str(hint).startswith("tuple"):
        return [_example(inner[0])]
    if "Mapping" in str(hint):
        return {}
    return _example(inner[0]) if not isinstance(inner[0], str) else inner[0]


def test_errors_can_be_sent_to_another_process() -> None:
    problem = objects.ProblemDocument(code="not_found", detail="No.", status=404, request_id="req_1")
    for error in (errors.of(problem, "k"), StillUnsettled(problem, "k", Refund("re_1"))):
        back = pickle.loads(pickle.dumps(error))
        assert (type(back), back.code, back.idempotency_key, str(back)) == (
            type(error),
            "not_found",
            "k",
            "not_found: No. (req_1)",
        )


def test_an_api_key_is_told_by_nothing() -> None:
    client = Millrace("http://127.0.0.1:1", "mr_test_canary")
    request = CALLS["create_payment"].request(client._flows.headers)
    assert "canary" not in repr((client, client._flows, request, CALLS))
    with pytest.raises(ValueError, match="not an API key") as refused:
        Millrace("http://127.0.0.1:1", "mr_test_canary\n")
    assert "canary" not in str(refused.value)
