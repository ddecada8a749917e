"""Several Stripe accounts over their lines: limits kept, pauses of one that no other feels, and each call in its own account."""

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from models.provider import Answered, Deferred, Outcome, PspCall
from sandbox.stripe_simulator.identity import account_of
from streams.accounts import accounts
from streams.adapters.redis_tokens import RedisTokens
from streams.adapters.stripe_accounts import StripeAccounts
from streams.adapters.stripe_watching import endpoint_of
from streams.budget import pause
from streams.budget.bucket import BURST_S
from streams.settings import Settings
from tests.streams.adapters.stripe.stripe_world import (
    StripeProcess,
    create,
    new_payment,
    refund,
    shown,
    simulator_process,
)

pytestmark = pytest.mark.real

LIMIT_PER_S = 25.0
OFFERED_PER_S = 3 * LIMIT_PER_S
FOR_S = 6.0


@pytest.fixture(scope="module")
def limited() -> Iterator[StripeProcess]:
    """A simulator of its own: its limits, once set, are every account's."""
    with simulator_process() as found:
        yield found


def settings_for(url: str, redis_url: str, tmp_path: Path, api_key: str, **given: object) -> Settings:
    """The default account, a connected one and one with a key of its own, all on one simulator."""
    file = tmp_path / "accounts.toml"
    (tmp_path / "own.key").write_text(f"sk_test_own{uuid.uuid4().hex}\n")
    file.write_text(
        f"""
        [connected]
        merchants = ["mer_connected"]
        stripe_account = "acct_connected{uuid.uuid4().hex[:8]}"

        [own]
        merchants = ["mer_own"]
        api_key = "file:{tmp_path}/own.key"
        """
    )
    return Settings(
        stripe_api_base=url,
        stripe_api_key=SecretStr(api_key),
        stripe_accounts_file=str(file),
        redis_url=redis_url,
        **given,  # type: ignore[arg-type]
    )


@pytest.fixture
async def gateways(
    limited: StripeProcess, redis_url: str, tmp_path: Path, api_key: str
) -> AsyncIterator[list[StripeAccounts]]:
    """Two of them, that know the limit."""
    settings = settings_for(
        limited.url, redis_url, tmp_path, api_key, gateways=2, stripe_endpoint_requests_per_s=LIMIT_PER_S
    )
    tokens = [RedisTokens(redis_url) for _ in range(2)]
    found = [StripeAccounts(settings, accounts(settings), each) for each in tokens]
    yield found
    for gateway, each in zip(found, tokens, strict=True):
        await gateway.close()
        await each.close()
    limited.control("limits", method="DELETE")


def refused(simulator: StripeProcess) -> tuple[int, int]:
    """How many creates there were, and how many of them were refused with 429."""
    counts = simulator.control("requests")["endpoints"].get("payment_intents.create", {})
    return counts.get("total", 0), counts.get("429", 0)


async def offered(gateways: list[StripeAccounts], account: str | None) -> tuple[Counter[str], float]:
    """Three times what is allowed, for a while; what it came to, and the good ones per second that the machine let us run:
    what a bucket would have gained while we stood still for longer than it is deep, nobody could have used.
    """
    outcomes, started, calls = Counter[str](), time.monotonic(), list[asyncio.Task[None]]()
    good, before, stood_still_s = 0, started, 0.0

    async def one(gateway: StripeAccounts) -> None:
        nonlocal good
        outcome = await gateway.perform(replace(create(new_payment()), account=account))
        outcomes[type(outcome).__name__] += 1
        good += isinstance(outcome, Answered) and time.monotonic() < started + FOR_S

    while (passed_s := time.monotonic() - started) < FOR_S:
        while len(calls) < passed_s * OFFERED_PER_S:
            calls.append(asyncio.create_task(one(gateways[len(calls) % len(gateways)])))
        await asyncio.sleep(0.005)
        pause_s, before = (now := time.monotonic()) - before, now
        stood_still_s += max(0.0, pause_s - BURST_S)
    await asyncio.gather(*calls)
    assert outcomes.total() == len(calls)
    return outcomes, good / (FOR_S - stood_still_s)


async def latencies(gateway: StripeAccounts, account: str | None, for_s: float) -> list[float]:
    """Of another account, that asks for little: seconds, sorted."""
    ends_at, found = time.monotonic() + for_s, []
    while time.monotonic() < ends_at:
        begun = time.monotonic()
        outcome = await gateway.perform(replace(create(new_payment()), account=account))
        assert isinstance(outcome, Answered), outcome
        found.append(time.monotonic() - begun)
        await asyncio.sleep(0.1)
    return sorted(found)


async def test_three_times_the_limit_is_served_at_the_limit_with_hardly_a_refusal_and_no_other_account_waits(
    gateways: list[StripeAccounts], limited: StripeProcess
) -> None:
    quiet = await latencies(gateways[0], "own", 2.0)
    limited.control("limits", {"account_per_s": None, "endpoint_per_s": LIMIT_PER_S})
    limited.control("requests", method="DELETE")
    (outcomes, good_per_s), busy = await asyncio.gather(
        offered(gateways, None), latencies(gateways[0], "own", FOR_S)
    )
    total, too_many = refused(limited)
    assert good_per_s >= 0.9 * LIMIT_PER_S
    assert too_many <= 0.02 * total
    assert set(outcomes) <= {"Answered", "Deferred"}, "nothing is in doubt, and nothing failed"
    assert busy[len(busy) // 2] < quiet[len(quiet) // 2] + 0.5, (
        "who shares a limit waits for seconds or is put off"
    )


async def test_without_redis_the_gateways_keep_the_limit_by_their_shares(
    limited: StripeProcess, tmp_path: Path, api_key: str
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    given = {"gateways": 2, "stripe_endpoint_requests_per_s": LIMIT_PER_S}
    settings = settings_for(limited.url, nowhere, tmp_path, api_key, **given)
    tokens = [RedisTokens(nowhere) for _ in range(2)]
    gateways = [StripeAccounts(settings, accounts(settings), each) for each in tokens]
    limited.control("limits", {"account_per_s": None, "endpoint_per_s": LIMIT_PER_S})
    limited.control("requests", method="DELETE")
    _, good_per_s = await offered(gateways, None)
    total, too_many = refused(limited)
    for gateway, each in zip(gateways, tokens, strict=True):
        await gateway.close()
        await each.close()
    limited.control("limits", method="DELETE")
    assert good_per_s >= 0.85 * LIMIT_PER_S
    assert too_many <= 0.02 * total


@pytest.fixture
async def stripe(
    simulator: StripeProcess, redis_url: str, tmp_path: Path, api_key: str
) -> AsyncIterator[StripeAccounts]:
    settings = settings_for(simulator.url, redis_url, tmp_path, api_key, psp_slot_s=3.0)
    tokens = RedisTokens(redis_url)
    found = StripeAccounts(settings, accounts(settings), tokens)
    yield found
    await found.close()
    await tokens.close()


async def test_each_call_is_made_in_its_payments_own_account(
    stripe: StripeAccounts, simulator: StripeProcess, api_key: str
) -> None:
    """The same payment id in three accounts is three intents; a capture goes where its payment is."""
    seen = {}
    for account in (None, "connected", "own"):
        payment_id = new_payment()
        outcome = await stripe.perform(replace(create(payment_id), account=account))
        intent = shown(outcome).intent
        again = await stripe.perform(
            replace(refund(payment_id, intent, f"re_{uuid.uuid4().hex}"), account=account)
        )
        assert isinstance(again, Answered)
        seen[account] = {row["account"] for row in simulator.ledger(payment_id, "charge")}
    assert seen[None] == {account_of(api_key)}
    assert next(iter(seen["connected"])).startswith("acct_connected")
    assert len(set.union(*seen.values())) == 3


async def test_an_account_that_no_setting_names_is_put_off_and_never_charged_elsewhere(
    stripe: StripeAccounts, simulator: StripeProcess, caplog: pytest.LogCaptureFixture
) -> None:
    payment_id = new_payment()
    assert isinstance(await stripe.perform(replace(create(payment_id), account="gone")), Deferred)
    assert simulator.charged(payment_id) == 0
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)


async def until_paused(stripe: StripeAccounts, call: PspCall) -> Outcome:
    """Makes it again and again, as the timers would; the first outcome that says paused."""
    async with asyncio.timeout(20):
        while True:
            outcome = await stripe.perform(call)
            if isinstance(outcome, Deferred) and outcome.reason.startswith("paused"):
                return outcome


@pytest.mark.parametrize("kind", ["unauthorized", "reset", "error_503"])
async def test_an_account_that_stripe_refuses_or_has_down_is_paused_alone_and_resumes_by_itself(
    stripe: StripeAccounts,
    simulator: StripeProcess,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("REFUSED_PROBE_S", "PROBE_FIRST_S", "PROBE_MAX_S"):
        monkeypatch.setattr(pause, name, 0.3)
    monkeypatch.setattr(pause, "DOWN_AFTER_S", 0.2)
    broken = replace(create(new_payment()), account="own")
    simulator.plan(kind, account=account_of((tmp_path / "own.key").read_text().strip()))
    calls = [replace(create(new_payment()), account="own") for _ in range(8)]
    await asyncio.gather(*(until_paused(stripe, call) for call in [broken, *calls]))
    assert paused(stripe) == {"default": 0.0, "connected": 0.0, "own": 1.0}
    begun = time.monotonic()
    assert isinstance(await stripe.perform(create(new_payment())), Answered), "another account goes on"
    assert time.monotonic() - begun < 5
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    simulator.heal()
    async with asyncio.timeout(10):
        for call in [broken, *calls]:
            while not isinstance(await stripe.perform(call), Answered):  # noqa: ASYNC110 - it is asked
                await asyncio.sleep(0.05)
    assert paused(stripe)["own"] == 0.0
    assert all(simulator.charged(call.payment_id) == 1 for call in [broken, *calls])


def paused(stripe: StripeAccounts) -> dict[str, float]:
    gauge = next(metric for metric in stripe.collect() if metric.name == "millrace_stripe_paused")
    return {sample.labels["account"]: sample.value for sample in gauge.samples}


async def test_a_key_that_may_not_do_one_thing_is_paused_for_that_alone(
    stripe: StripeAccounts, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    intent = shown(await stripe.perform(create(payment_id))).intent
    simulator.plan("forbidden", payment=payment_id, endpoint="refunds.create")
    asked = refund(payment_id, intent, f"re_{uuid.uuid4().hex}")
    assert isinstance(await stripe.perform(asked), Deferred)
    outcome = await stripe.perform(asked)
    assert isinstance(outcome, Deferred) and outcome.reason.startswith("paused")
    assert isinstance(await stripe.perform(create(new_payment())), Answered)
    assert paused(stripe) == {"default": 1.0, "connected": 0.0, "own": 0.0}


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v1/payment_intents", "POST /payment_intents"),
        ("POST", "/v1/payment_intents/pi_3abc_X/capture", "POST /payment_intents/:id/capture"),
        ("GET", "/v1/payment_intents/pi_3abc", "GET /payment_intents/:id"),
        ("GET", "/v1/payment_intents/search", "GET /payment_intents/search"),
        ("POST", "/v1/refunds", "POST /refunds"),
        ("GET", "/v1/events", "GET /events"),
    ],
)
def test_all_objects_of_a_kind_share_their_endpoint(method: str, path: str, endpoint: str) -> None:
    assert endpoint_of(method, path) == endpoint
