"""A merchant's own webhooks out of the whole system: every event arrives, under one id, though who sends them is killed."""

import asyncio
import os
import signal
from collections import defaultdict

import pytest

from tests.streams.adapters.receiver import HOST, receiving
from tests.system.http_client import HttpClient
from tests.system.operator import millrace, told
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = pytest.mark.real

PAYMENTS = 30
ALL_WITHIN_S = 150.0
"""A lease of a minute must end for what was under way when its worker was killed."""


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
        os.kill(system.service.parts()["notifications-0"]["pid"], signal.SIGKILL)
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
        await told(system, "webhooks", "redeliver", merchant, taken["id"])
        before = receiver.ids("/hook").count(taken["id"])
        await until(
            lambda: receiver.ids("/hook").count(taken["id"]) > before, ALL_WITHIN_S, "it arrives again"
        )
        assert (await millrace(system, "webhooks", "redeliver", "mer_other", taken["id"])).code == 1
        await told(system, "webhooks", "delete", merchant, made["id"])


async def test_an_endpoint_that_leads_inside_is_refused(system: System) -> None:
    merchant = system.merchants[0]["id"]
    for url in ("http://shop.example/", "https://10.0.0.1/", "https://localhost/", f"http://user@{HOST}/"):
        assert (await millrace(system, "webhooks", "create", merchant, url)).code == 1
