"""Payments that do not end with the first answer: declines, customers who act or leave, banks that take days, disputes."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.gateway.missed_notices import MissedNotices
from models.commands import RecordNotice
from streams.adapters.postgres import Postgres, PostgresPaymentReader
from streams.adapters.postgres.checkpoint import PostgresCheckpoint
from streams.adapters.stripe_events import StripeEvents
from streams.adapters.stripe_line import line_to
from streams.wire.commands import CommandCodec
from tests.system.history import Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.operator import millrace, told
from tests.system.simulator import SimulatorControl
from tests.system.stack import STRIPE_KEY, System
from tests.system.waiting import until
from tests.system.watching import WITHIN_S, Say, becomes, gauges, types

pytestmark = pytest.mark.real


async def test_a_declined_payment_can_no_longer_be_paid_by_a_customer_who_tries_again(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await http.create("whole-declined", payment_method="pm_card_chargeDeclinedInsufficientFunds")
    decline = made.answer["decline"]
    assert (made.status, made.answer["status"]) == (201, "declined")
    assert (decline["decline_code"], decline["advice_code"], decline["network_code"]) == (
        "insufficient_funds",
        "try_again_later",
        "51",
    )
    await inquest.hold()
    intent = made.answer["provider"]["payment_intent"]
    status, refused = await stripe.ask_stripe(
        "POST", f"/v1/payment_intents/{intent}/confirm", STRIPE_KEY, payment_method="pm_card_visa"
    )
    assert (status, refused["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert (await types(http, made))[-2:] == ["payment.declined.v1", "payment.call_ended.v1"]
    await inquest.hold()


async def test_a_customer_who_authenticates_has_paid_and_one_who_fails_is_declined(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    for outcome, status in (("succeed", "captured"), ("fail", "declined")):
        made = await http.create(f"whole-3ds-{outcome}", payment_method="pm_card_authenticationRequired")
        assert made.answer["status"] == "requires_action"
        intent = made.answer["provider"]["payment_intent"]
        assert made.answer["next_action"]
        assert made.answer["client_secret"].startswith(f"{intent}_secret_")
        await stripe.authenticate(intent, outcome)
        seen = await becomes(http, made, status=status)
        assert (seen["next_action"], seen["client_secret"]) == (None, None)
    await inquest.hold()


async def test_what_no_webhook_told_is_fetched_from_stripe(
    system: System, http: HttpClient, kafka_client: KafkaClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan({"kind": "webhook_drop"})
    acting = await http.create("whole-missed", payment_method="pm_card_authenticationRequired")
    disputed = await http.create("whole-missed-dispute", payment_method="pm_card_createDispute")
    await stripe.authenticate(acting.answer["provider"]["payment_intent"], "succeed")
    await asyncio.sleep(2)  # the dispute comes a second after its charge
    await becomes(http, acting, status="requires_action")
    await look_for_missed(system, kafka_client)
    await becomes(http, acting, status="captured")
    await becomes(http, disputed, amount_disputed=1999)
    await stripe.forget_faults()
    await inquest.hold()


async def look_for_missed(system: System, kafka_client: KafkaClient) -> None:
    """As a gateway does it, with what a gateway has; its own next look is a day away."""
    settings = system.settings
    codec = CommandCodec(settings.partitions, system.secrets()["internal_key"].encode())
    line, postgres = line_to(STRIPE_KEY, system.stripe.url), Postgres(system.postgres.dsn)

    async def send(commands: Sequence[RecordNotice]) -> None:
        for out in map(codec.write, commands):
            headers = [(name, value or b"") for name, value in out.headers]
            await kafka_client.send(out.key, out.value, headers, out.partition)

    checkpoint, owners = PostgresCheckpoint(postgres, "test"), PostgresPaymentReader(postgres)
    await MissedNotices(StripeEvents(line), checkpoint, owners, send, timedelta(minutes=3)).look_if_due(
        datetime.now(UTC)
    )
    await line.close()
    await postgres.close()


async def test_a_customer_who_left_has_their_payment_canceled(
    stranger: HttpClient, stripe: SimulatorControl, inquest: Inquest, say_policy: Say
) -> None:
    await say_policy(abandon_after_s=1)
    made = await _once_the_policy_holds(stranger, "whole-left")
    seen = await becomes(stranger, made, status="canceled")
    assert seen["cancellation_reason"] == "abandoned"
    await inquest.hold()


async def _once_the_policy_holds(client: HttpClient, key: str) -> Operation:
    """A payment that waits for its customer a second at most: the writer hears of a policy within seconds."""
    made: list[Operation] = []

    async def short() -> bool:
        made.append(
            await client.create(f"{key}-{len(made)}", payment_method="pm_card_authenticationRequired")
        )
        steps: list[dict[str, Any]] = []

        async def told() -> bool:
            _, page = await client.get(f"/v1/payments/{made[-1].payment_id}/events?limit=100")
            steps.extend(event for event in page["data"] if event["type"] == "payment.action_required.v1")
            return bool(steps)

        await until(told, WITHIN_S, "the projection is there")
        until_at = datetime.fromisoformat(steps[0]["data"]["abandon_at"])
        return until_at - datetime.fromisoformat(steps[0]["created_at"]) < timedelta(minutes=1)

    await until(short, WITHIN_S, "the policy holds")
    return made[-1]


async def test_a_bank_debit_is_processing_until_the_bank_has_spoken(
    http: HttpClient, inquest: Inquest
) -> None:
    for method, status in (("pm_success_de", "captured"), ("pm_failed_de", "declined")):
        made = await http.create(f"whole-{method}", currency="eur", payment_method=method)
        assert made.answer["status"] == "processing"
        await becomes(http, made, status=status)
    await inquest.hold()


async def test_a_dispute_is_heard_of_takes_the_money_and_gives_it_back_when_it_is_won(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await http.create("whole-disputed", payment_method="pm_card_createDispute")
    seen = await becomes(http, made, amount_disputed=1999)
    assert seen["status"] == "captured"
    (dispute,) = seen["disputes"]
    assert (dispute["status"], dispute["reason"]) == ("needs_response", "fraudulent")
    refused = await http.refund(made.payment_id, "whole-disputed-refund", amount=100)
    assert (refused.status, refused.answer["code"]) == (409, "payment_disputed")
    assert refused.answer["rule"] == "payment_is_not_charged_back"
    evidence = {"evidence[uncategorized_text]": "winning_evidence"}
    await stripe.ask_stripe("POST", f"/v1/disputes/{dispute['id']}", STRIPE_KEY, **evidence)
    seen = await becomes(http, made, amount_disputed=0)
    assert [each["status"] for each in seen["disputes"]] == ["won"]
    assert {"dispute.opened.v1", "dispute.closed.v1"} <= set(await types(http, made))
    await inquest.hold()


async def test_a_refund_that_fails_after_it_had_succeeded_can_be_made_anew(
    http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("whole-refund-fails", payment_method="pm_card_refundFail")
    refunded = await http.refund(made.payment_id, "whole-refund-fails-1", amount=500)
    assert refunded.answer["status"] in ("succeeded", "pending")
    seen = await becomes(http, made, amount_refundable=1999)
    assert [(each["status"], each["amount"]) for each in seen["refunds"]] == [("failed", 500)]
    await inquest.hold()


async def test_what_a_merchants_policy_forbids_is_refused_through_both_doors_and_names_the_rule(
    stranger: HttpClient, say_policy: Say, inquest: Inquest
) -> None:
    await say_policy(currencies=["eur"], amounts={"eur": {"maximum": 5000}}, refund_window_days=0)
    refused: list[Operation] = []

    async def holds() -> bool:
        refused.append(await stranger.create(f"whole-policy-{len(refused)}"))
        return refused[-1].status == 422

    await until(holds, WITHIN_S, "the policy holds")
    assert refused[-1].answer["code"] == "currency_unsupported"
    assert refused[-1].answer["rule"] == "currency_is_the_merchants"
    large = await stranger.create("whole-policy-large", currency="eur", amount=5001)
    assert (large.answer["code"], large.answer["rule"]) == (
        "amount_too_large",
        "amount_is_within_the_merchants_limits",
    )
    fits = await stranger.create("whole-policy-fits", currency="eur", amount=5000)
    assert fits.answer["status"] == "captured"
    late = await stranger.refund(fits.payment_id, "whole-policy-late", amount=1)
    assert (late.status, late.answer["code"]) == (422, "refund_window_closed")
    await inquest.hold()


async def test_a_customer_who_pays_too_often_is_turned_away_before_stripe_is_asked(
    stranger: HttpClient, say_policy: Say, inquest: Inquest
) -> None:
    await say_policy(velocity={"payments_per_hour": 2})
    made: list[Operation] = []

    async def turned_away() -> bool:
        made.append(await stranger.create(f"whole-often-{len(made)}", customer="cus_whole_often"))
        return bool(made[-1].answer["status"] == "declined")

    await until(turned_away, WITHIN_S, "the policy holds")
    last = made[-1]
    assert last.answer["decline"]["code"] == "velocity_exceeded"
    assert last.answer["provider"]["payment_intent"] is None
    again = await stranger.create("whole-often-again", customer="cus_whole_often")
    other = await stranger.create("whole-often-other", customer="cus_whole_other")
    assert (again.answer["status"], other.answer["status"]) == ("declined", "captured")
    await inquest.hold()
    assert "payment.screened.v1" in await types(stranger, other)


async def test_a_person_who_names_anothers_payment_moves_nothing_of_it(
    system: System, http: HttpClient, stranger: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    theirs = await stranger.create("whole-theirs", capture_method="manual")
    intent = theirs.answer["provider"]["payment_intent"]
    await stripe.plan({"kind": "reset", "endpoint": "payment_intents.create"})
    mine = await http.create("whole-named", wait_s=0)
    await becomes(http, mine, status="unknown")
    for word in ("declined", "captured", "authorized", "canceled"):
        named = (f"--as={word}", "--evidence=x", "--operator=bob", f"--payment-intent={intent}")
        await told(system, "payments", "resolve", mine.payment_id, *named)
    await stripe.forget_faults()
    await becomes(http, mine, status="captured")  # the same key, again
    await inquest.hold()
    await becomes(stranger, theirs, status="authorized", amount_capturable=1999)
    assert "payment.call_ended.v1" in await types(http, mine)


async def test_that_nothing_was_made_is_not_taken_from_a_person_while_it_may_still_be_made(
    system: System, http: HttpClient, kafka_client: KafkaClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan({"kind": "reset", "endpoint": "payment_intents.create"})
    made = await http.create("whole-early", wait_s=0)
    await becomes(http, made, status="unknown")
    assert sum(await gauges(system, "writer", "millrace_in_doubt")) >= 1
    assert max(await gauges(system, "writer", "millrace_in_doubt_oldest_seconds")) > 0
    (doubt,) = [each for each in await told(system, "unknown") if each["payment"] == made.payment_id]
    assert doubt["tries"] >= 1 and doubt["last"] and doubt["status"] == "unknown"
    found = {"resolution": "declined", "evidence": "nothing in the dashboard", "operator": "ada"}
    words = [f"--{'as' if name == 'resolution' else name}={word}" for name, word in found.items()]
    ran = await millrace(system, "payments", "resolve", made.payment_id, *words)
    assert ran.code == 1 and "may still be made" in ran.err
    said = await kafka_client.command("resolve", "whole-early-again", made.payment_id, found)
    assert said.outcome == "ok"
    await stripe.forget_faults()
    await becomes(http, made, status="captured")  # the same key, again: both had been wrong
    assert "payment.resolved.v1" not in await types(http, made)
    await inquest.hold()


async def paid_after_a_decline(http: HttpClient, stripe: SimulatorControl, key: str) -> Operation:
    """A payment for a person to judge: its declined intent could not be canceled, and its customer tried again."""
    payment_id = http.payment_id(key)
    await stripe.plan({"kind": "error_503", "endpoint": "payment_intents.cancel", "payment": payment_id})
    made = await http.create(key, payment_method="pm_card_chargeDeclined")
    intent = made.answer["provider"]["payment_intent"]
    path = f"/v1/payment_intents/{intent}/confirm"
    status, _ = await stripe.ask_stripe("POST", path, STRIPE_KEY, payment_method="pm_card_visa")
    assert status == 200
    await becomes(http, made, status="manual_review")
    await stripe.forget_faults()
    return made


async def test_money_that_comes_after_a_decline_is_a_persons_who_says_how_much(
    system: System, http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await paid_after_a_decline(http, stripe, "whole-late")
    (doubt,) = [each for each in await told(system, "unknown") if each["payment"] == made.payment_id]
    assert doubt["status"] == "manual_review"
    words = ("--as=captured", "--evidence=the dashboard shows it", "--operator=ada", "--amount=1999")
    (settled,) = await told(system, "payments", "resolve", made.payment_id, *words)
    assert settled["status"] == "captured"
    assert "payment.resolved.v1" in await types(http, made)
    refunded = await http.refund(made.payment_id, "whole-late-refund")
    assert refunded.answer["amount"] == 1999
    await inquest.hold()
