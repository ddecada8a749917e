"""A merchant's own webhooks out of the whole system: every event arrives, under one id, though who sends them is killed."""

import asyncio
import functools
import signal
import time
from collections import defaultdict

import pytest

from millrace_client import AsyncMillrace, NotFound, WebhookDelivery
from tests.streams.adapters.receiver import HOST, Receiver, receiving
from tests.system.http_client import HttpClient
from tests.system.leases import end_leases
from tests.system.operator import millrace, told
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = pytest.mark.real

PAYMENTS = 30
ALL_WITHIN_S = 150.0


async def test_whoever_sends_is_killed_and_every_event_arrives_under_one_id(
    system: System, http: HttpClient
) -> None:
    merchant = system.merchants[0]["id"]
    async with receiving() as receiver:
        (made,) = await told(
            system, "webhooks", "create", merchant, f"{receiver.url}/hook", "--event", "payment.*"
        )
        receiver.secrets["/hook"] = made["secret"]
        receiver.pauses_s["/hook"] = 0.2
        payments = await asyncio.gather(*(http.create(f"webhook-{number}") for number in range(PAYMENTS)))
        await until(lambda: len(receiver.got) > PAYMENTS // 3, ALL_WITHIN_S, "the first webhooks arrive")
        pid = system.service.signal("notifications-0", signal.SIGKILL)
        await until(
            functools.partial(system.service.has_replaced, "notifications-0", pid),
            ALL_WITHIN_S,
            "another is there",
        )
        end_leases(system)
        wanted = {
            event["id"]
            for payment in payments
            for event in (await http.get(f"/v1/payments/{payment.payment_id}/events"))[1]["data"]
            if event["type"].startswith("payment.")
        }
        assert len(wanted) >= PAYMENTS * 2

        def arrived() -> set[str]:
            return {payload["data"]["id"] for _, _, payload in receiver.got}

        await until(lambda: wanted <= arrived(), ALL_WITHIN_S, "every event arrives")
        ids = defaultdict[str, set[str]](set)
        for _, id, payload in receiver.got:
            ids[payload["data"]["id"]].add(id)
            assert payload["data"]["state"]["id"] == payload["data"]["payment"]
        assert all(len(each) == 1 for each in ids.values())
        deliveries = await told(system, "webhooks", "deliveries", merchant, made["id"], "--limit", "1000")
        assert {each["event"] for each in deliveries} >= wanted
        taken = next(each for each in deliveries if each["state"] == "delivered")
        before = receiver.ids("/hook").count(taken["id"])
        await told(system, "webhooks", "redeliver", merchant, taken["id"])
        await until(
            lambda: receiver.ids("/hook").count(taken["id"]) > before, ALL_WITHIN_S, "it arrives again"
        )
        assert (await millrace(system, "webhooks", "redeliver", "mer_other", taken["id"])).code == 1
        await told(system, "webhooks", "delete", merchant, made["id"])


async def test_an_endpoint_that_leads_inside_is_refused(system: System) -> None:
    merchant = system.merchants[0]["id"]
    for url in ("http://shop.example/", "https://10.0.0.1/", "https://localhost/", f"http://user@{HOST}/"):
        assert (await millrace(system, "webhooks", "create", merchant, url)).code == 1


async def test_a_merchant_manages_its_endpoints_by_the_api_and_another_one_sees_none_of_it(
    http: HttpClient, stranger: HttpClient
) -> None:
    async with receiving() as receiver, _client(http) as mine, _client(stranger) as other:
        chosen = await mine.webhook_endpoints.create(
            url=f"{receiver.url}/chosen", event_types=["payment.captured.v1"], idempotency_key="chosen"
        )
        again = await mine.webhook_endpoints.create(
            url=f"{receiver.url}/chosen", event_types=["payment.captured.v1"], idempotency_key="chosen"
        )
        assert again == chosen and again.http and again.http.replayed
        everything = await mine.webhook_endpoints.create(url=f"{receiver.url}/all", ordered=True)
        receiver.secrets |= {"/chosen": str(chosen.secret), "/all": str(everything.secret)}
        payment = await http.create("managed-webhooks")
        await until(
            lambda: len(receiver.ids("/all")) >= 2 and receiver.ids("/chosen"), ALL_WITHIN_S, "they arrive"
        )
        assert [payload["type"] for path, _, payload in receiver.got if path == "/chosen"] == [
            "payment.captured.v1"
        ]
        sequences = [payload["data"]["sequence"] for path, _, payload in receiver.got if path == "/all"]
        assert sequences == list(range(1, len(sequences) + 1)), "in their order"

        rolled = await mine.webhook_endpoints.rotate_secret(chosen, overlap_s=600)
        sent: list[WebhookDelivery] = []

        async def is_settled() -> bool:
            sent[:] = [each async for each in mine.webhook_endpoints.deliveries(chosen)]
            return [(each.payment, each.status) for each in sent] == [(payment.payment_id, "delivered")]

        await until(is_settled, ALL_WITHIN_S, "it is said to be delivered")
        for arrived, secret in ((2, chosen.secret), (3, rolled.secret)):  # each verifies while both sign
            receiver.secrets["/chosen"] = str(secret)
            await mine.deliveries.redeliver(sent[0])
            await until(
                functools.partial(_has_arrived, receiver, arrived), ALL_WITHIN_S, "it arrives once more"
            )
        assert len(set(receiver.ids("/chosen"))) == 1

        assert [each async for each in other.webhook_endpoints.list()] == []
        for attempt in (
            other.webhook_endpoints.get(chosen),
            other.webhook_endpoints.update(chosen, url="https://stranger.example/"),
            other.webhook_endpoints.rotate_secret(chosen),
            other.webhook_endpoints.delete(chosen),
            other.deliveries.redeliver(sent[0]),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert (await mine.webhook_endpoints.get(chosen)).url == chosen.url
        for endpoint in (chosen, everything):
            await mine.webhook_endpoints.delete(endpoint)
        left = {each.id async for each in mine.webhook_endpoints.list()}
        assert not left & {chosen.id, everything.id}


async def test_what_is_gone_is_disabled_what_is_slow_delays_nobody_and_what_is_enabled_goes_on(
    http: HttpClient,
) -> None:
    async with receiving() as receiver, _client(http) as mine:
        receiver.statuses["/gone"], receiver.pauses_s["/slow"] = 410, 60.0
        gone, slow, fast = [
            await mine.webhook_endpoints.create(
                url=f"{receiver.url}/{name}", event_types=["payment.captured.v1"]
            )
            for name in ("gone", "slow", "fast")
        ]
        began = time.monotonic()
        await asyncio.gather(*(http.create(f"slow-beside-fast-{number}") for number in range(10)))
        await until(lambda: len(receiver.ids("/fast")) == 10, ALL_WITHIN_S, "the fast one has all")
        assert time.monotonic() - began < 60.0 and receiver.ids("/slow") == []

        async def is_disabled() -> bool:
            return (await mine.webhook_endpoints.get(gone)).status == "disabled"

        await until(is_disabled, ALL_WITHIN_S, "410 disables")
        told = await mine.webhook_endpoints.get(gone)
        assert told.disabled_reason == "the endpoint answered 410 Gone"
        failed = [each async for each in mine.webhook_endpoints.deliveries(gone, status="failed")]
        assert failed and [each.status for each in failed[0].attempts] == [410]
        receiver.statuses["/gone"] = 200
        assert (await mine.webhook_endpoints.enable(gone)).status == "enabled"
        before = receiver.ids("/gone").count(failed[0].id)
        await mine.deliveries.redeliver(failed[0])
        await until(
            lambda: receiver.ids("/gone").count(failed[0].id) > before, ALL_WITHIN_S, "it is sent again"
        )
        for endpoint in (gone, slow, fast):
            await mine.webhook_endpoints.delete(endpoint)


def _client(http: HttpClient) -> AsyncMillrace:
    return AsyncMillrace(http.doors[0], http.merchant["api_key"])


def _has_arrived(receiver: Receiver, times: int) -> bool:
    return len(receiver.ids("/chosen")) >= times
