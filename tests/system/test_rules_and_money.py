"""What may be paid at all: each currency's own arithmetic, and a merchant's rules wherever a payment lies."""

import asyncio
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2

from tests.system.history import Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.operator import millrace
from tests.system.stack import System
from tests.system.waiting import until
from tests.system.watching import WITHIN_S, Say

pytestmark = pytest.mark.real

AMOUNTS: dict[tuple[str, int], tuple[int, str]] = {
    ("isk", 12_300): (201, "captured"),  # two decimals at Stripe, always whole
    ("isk", 12_345): (422, "validation_failed"),
    ("ugx", 500_000): (201, "captured"),
    ("ugx", 500_050): (422, "validation_failed"),
    ("kwd", 1_230): (201, "captured"),  # three decimals, the last one 0
    ("kwd", 1_234): (422, "validation_failed"),
    ("jpy", 50): (201, "captured"),  # no decimals
    ("jpy", 49): (422, "amount_too_small"),
    ("usd", 50): (201, "captured"),
    ("usd", 49): (422, "amount_too_small"),
    ("huf", 17_499): (422, "amount_too_small"),
    ("usd", 10**12): (422, "amount_too_large"),
    ("xxx", 1_000): (422, "currency_unsupported"),
}
"""By currency and amount, in minor units. Source: Stripe, currencies."""


async def test_each_currency_is_counted_as_stripe_counts_it(http: HttpClient, inquest: Inquest) -> None:
    made = await asyncio.gather(
        *(http.create(f"money-{c}-{amount}", currency=c, amount=amount) for c, amount in AMOUNTS)
    )
    found = [(each.status, each.answer.get("code", each.answer.get("status"))) for each in made]
    assert dict(zip(AMOUNTS, found, strict=True)) == AMOUNTS
    taken = [each.answer["amount_captured"] for each in made if each.status == 201]
    assert taken == [amount for (_, amount), (status, _) in AMOUNTS.items() if status == 201]
    rules = {each.answer.get("rule") for each in made} - {None}
    assert rules <= {"amount_is_chargeable", "currency_is_supported"} and rules
    await inquest.hold()


async def test_a_method_that_the_merchant_does_not_take_is_declined(
    stranger: HttpClient, say_policy: Say, inquest: Inquest
) -> None:
    await say_policy(payment_method_types=["sepa_debit"])
    made: list[Operation] = []

    async def holds() -> bool:
        made.append(await stranger.create(f"method-{len(made)}", currency="eur"))
        return bool(made[-1].answer["status"] == "declined")

    await until(holds, WITHIN_S, "the policy holds")
    decline = made[-1].answer["decline"]
    assert (decline["rule"], decline["advice"]) == ("method_is_the_merchants", "use_another_method")
    debit = await stranger.create("method-debit", currency="eur", payment_method="pm_success_de")
    assert debit.answer["status"] == "processing"
    await inquest.hold()


async def test_what_a_customer_may_pay_within_the_hour_counts_on_all_partitions_together(
    system: System, stranger: HttpClient, say_policy: Say, inquest: Inquest
) -> None:
    """At once and everywhere: payments of one customer lie on all partitions, and as many as are permitted get through."""
    await say_policy(velocity={"amount_per_hour": {"usd": 3000}})
    tried = 0

    async def holds() -> bool:
        nonlocal tried
        tried += 1
        large = await stranger.create(f"often-large-{tried}", amount=3001, customer=f"cus_large_{tried}")
        return bool(large.answer["status"] == "declined")

    await until(holds, WITHIN_S, "the policy holds")
    made = await asyncio.gather(
        *(stranger.create(f"often-{n}", amount=1000, customer="cus_often") for n in range(8))
    )
    partitions = {_partition(each.payment_id, system.settings.partitions) for each in made}
    assert len(partitions) > 1
    statuses = sorted(each.answer["status"] for each in made)
    assert statuses == ["captured"] * 3 + ["declined"] * 5
    turned_away = [each.answer for each in made if each.answer["status"] == "declined"]
    assert {each["decline"]["code"] for each in turned_away} == {"velocity_exceeded"}
    assert {each["decline"]["rule"] for each in turned_away} == {"customer_is_within_velocity"}
    assert all(each["provider"]["payment_intent"] is None for each in turned_away)
    other = await stranger.create("often-other", amount=1000, customer="cus_another")
    euros = await stranger.create("often-euros", amount=1000, currency="eur", customer="cus_often")
    assert [each.answer["status"] for each in (other, euros)] == ["captured"] * 2
    await inquest.hold()


def _partition(payment_id: str, partitions: int) -> int:
    """As every producer must find it."""
    return int((murmur2(payment_id.encode()) & 0x7FFFFFFF) % partitions)


async def test_a_policy_for_nobody_is_kept_and_noted(system: System, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"currencies": ["eur"]}')
    ran = await millrace(system, "policies", "set", "mer_mistyped", str(file))
    assert (ran.code, "note: no merchant mer_mistyped" in ran.err) == (0, True)
    dropped = await millrace(system, "policies", "drop", "mer_mistyped")
    assert dropped.out == "mer_mistyped has no policy of its own now\n"
