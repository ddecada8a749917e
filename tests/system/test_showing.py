"""A payment's whole story, as an operator reads it: who, when, with which requests; and nothing that is anybody's secret."""

import pytest

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.operator import millrace, told
from tests.system.simulator import SimulatorControl
from tests.system.stack import System

pytestmark = pytest.mark.real


async def test_each_request_to_stripe_and_each_webhook_is_told_beside_what_they_changed(
    system: System, http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    payment_id = http.payment_id("shown")
    fault = {"kind": "error_503", "endpoint": "payment_intents.create", "payment": payment_id, "count": 1}
    await stripe.plan(fault)
    made = await http.create("shown", description="order 17")
    await http.refund(made.payment_id, "shown-refund", amount=500)
    await inquest.hold()
    shown = await told(system, "payments", "show", payment_id)
    assert (shown["payment"]["amount_refunded"], shown["whole"]) == (500, True)
    story = shown["story"]
    assert [each["at"] for each in story] == sorted(each["at"] for each in story)
    numbers = [each["sequence"] for each in story if each["kind"] == "event"]
    assert numbers == list(range(1, shown["payment"]["sequence"] + 1))
    calls = [each for each in story if each["id"] == f"{payment_id}:create:1"]
    posts = [send for call in calls for send in call["sends"] if send["asked"] == "POST /v1/payment_intents"]
    assert [send["ended"] for send in posts] == ["HTTP 503", "HTTP 200"]
    assert all(send["request"].startswith("req_") for send in posts)
    webhooks = [each for each in story if each["kind"] == "webhook"]
    assert {each["what"] for each in webhooks} >= {"payment_intent.succeeded", "refund.created"}
    by_webhook = {each["sequence"] for each in story if each["kind"] == "event" and "evt_" in each["by"]}
    assert {number for each in webhooks for number in each["changed"]} == by_webhook
    people = await millrace(system, "payments", "show", payment_id)
    lines = people.out.splitlines()
    assert people.code == 0 and not people.err
    assert any(line.split() == ["refunded", "5.00", "usd"] for line in lines)
    assert any("POST /v1/payment_intents" in line and "HTTP 503 req_" in line for line in lines)


async def test_what_lets_somebody_pay_or_act_as_the_customer_is_not_shown(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("shown-secret", payment_method="pm_card_authenticationRequired")
    secret = made.answer["client_secret"]
    await inquest.hold()
    for options in ((), ("--json",)):
        shown = await millrace(system, "payments", "show", made.payment_id, *options)
        assert (shown.code, "requires_action" in shown.out) == (0, True)
        assert secret not in shown.out and "_secret" not in shown.out


@pytest.mark.parametrize("payment_id", ["pay_" + "0" * 32, "pay_x", "x' OR 1=1"])
async def test_a_payment_that_nobody_knows_is_a_line(system: System, payment_id: str) -> None:
    said = await millrace(system, "payments", "show", payment_id)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"millrace payments: there is no payment {payment_id}\n"
