"""The console in a real browser, over the whole system: a payment seen to come, opened and refunded; a letter put back."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browsing import browser, faults, needs_a_browser
from tests.streams.adapters.receiver import receiving
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.operator import told
from tests.system.simulator import SimulatorControl
from tests.system.stack import System
from tests.system.test_dead_letters import letter_from, misplaced
from tests.system.test_whole_payments import paid_after_a_decline
from tests.system.waiting import until

pytestmark = [pytest.mark.real, needs_a_browser]

SOON_MS = 20_000
PICTURES = os.environ.get("MILLRACE_TEST_PICTURES")
"""A folder for pictures of every page, for whoever wants to look at them."""
SIZES = {"360": (360, 780), "1440": (1440, 900)}


@pytest.fixture
async def page(system: System) -> AsyncIterator[Page]:
    """Signed in. Whatever a page's policy forbids, or a script fails of, fails the test."""
    operator, wrong = system.service.endpoints["operator"], []
    async with browser() as opened:
        page = await opened.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(SOON_MS)
        page.on("pageerror", lambda failed: wrong.append(str(failed)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security" in line.text else None)
        await page.goto(operator["url"])
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("Operator key").fill(operator["api_key"])
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        yield page
        assert wrong == []


async def settle(page: Page, button: str, why: str) -> None:
    await page.get_by_label("Why").fill(why)
    await page.get_by_label("I am sure").check()
    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()


async def opened(page: Page, system: System, payment_id: str) -> None:
    await page.goto(f"{system.service.endpoints['http']}/console/payments/{payment_id}")


async def comes_to(page: Page, there: Locator, text: str) -> None:
    """On a page that does not change by itself."""

    async def has_come() -> bool:
        await page.reload()
        return any(text in each for each in await there.all_inner_texts())

    await until(has_come, SOON_MS / 1000, f"{text} is shown")


async def test_a_payment_is_seen_to_come_opened_and_refunded_with_a_reason(
    system: System, page: Page, http: HttpClient, inquest: Inquest
) -> None:
    await expect(page.get_by_text("Live.")).to_be_visible(timeout=SOON_MS)
    numbers = page.locator("#numbers")
    before = await numbers.inner_text()
    made = await http.create("seen-at-the-console", metadata={"note": "<script>alert(1)</script>"})
    link = page.get_by_role("link", name=made.payment_id)
    await expect(link).to_be_visible(timeout=SOON_MS)
    await expect(numbers).not_to_have_text(before, timeout=SOON_MS)
    await link.click()
    await expect(page.get_by_text("<script>alert(1)</script>", exact=True)).to_be_visible()
    await expect(page.locator("#story")).to_contain_text("req_")
    await expect(page.locator("#facts")).to_contain_text("19.99 USD")
    await page.get_by_role("link", name="Refund…").click()
    await page.get_by_label("Amount").fill("5.00")
    await settle(page, "Refund", "the customer rang")
    await expect(page.locator("#facts")).to_contain_text("5.00 USD", timeout=SOON_MS)
    await expect(page.locator("#story")).to_contain_text("the customer rang", timeout=SOON_MS)
    await expect(page.locator("#story")).to_contain_text("refund.succeeded.v1", timeout=SOON_MS)
    acts = await told(system, "audit", made.payment_id)
    assert [(act["action"], act["detail"]["reason"]) for act in acts] == [
        ("refund.create.v1", "the customer rang")
    ]
    assert acts[0]["actor"].startswith("Ada (mr_oper_")
    await page.goto(
        f"{system.service.endpoints['http']}/console/payments?metadata_name=note&metadata_value=%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    )
    await expect(page.get_by_role("link", name=made.payment_id)).to_be_visible()
    await inquest.hold()


async def test_what_is_held_is_captured_in_part_or_let_go(
    system: System, page: Page, http: HttpClient, inquest: Inquest
) -> None:
    kept, left = [
        await http.create(f"held-for-the-console-{n}", capture_method="manual") for n in ("kept", "left")
    ]
    facts = page.locator("#facts")
    await opened(page, system, kept.payment_id)
    await page.get_by_role("link", name="Capture…").click()
    await page.get_by_label("Amount").fill("20.00")
    await settle(page, "Capture", "one of two books")
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Amount").fill("12.50")
    await settle(page, "Capture", "one of two books")
    await expect(facts).to_contain_text("captured", timeout=SOON_MS)
    await opened(page, system, left.payment_id)
    await page.get_by_role("link", name="Cancel…").click()
    await page.get_by_label("What Stripe is told").select_option("abandoned")
    await settle(page, "Cancel", "the basket was left")
    await expect(facts).to_contain_text("canceled", timeout=SOON_MS)
    payments = [(await http.get(f"/v1/payments/{each.payment_id}"))[1] for each in (kept, left)]
    assert [(each["status"], each["amount_captured"]) for each in payments] == [
        ("captured", 1250),
        ("canceled", 0),
    ]
    await inquest.hold()


async def test_a_payment_in_doubt_is_found_among_the_doubts_and_resolved(
    system: System, page: Page, http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await paid_after_a_decline(http, stripe, "doubted-at-the-console")
    await page.get_by_role("link", name="In doubt", exact=True).click()
    await comes_to(page, page.get_by_role("row"), made.payment_id)
    await page.get_by_role("link", name=made.payment_id).click()
    await page.get_by_role("link", name="Resolve…").click()
    await page.get_by_label("What you found").select_option("captured")
    await page.get_by_label("Amount").fill("19.99")
    await settle(page, "Resolve", "the dashboard shows it")
    await expect(page.locator("#story")).to_contain_text("payment.resolved.v1", timeout=SOON_MS)
    status, payment = await http.get(f"/v1/payments/{made.payment_id}")
    assert (status, payment["status"], payment["amount_captured"]) == (200, "captured", 1999)
    await inquest.hold()


async def test_a_dead_letter_is_put_back_and_its_command_is_carried_out(
    system: System, page: Page, http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    payment_id, source = await misplaced(system, kafka_client, inquest)
    letter = (await letter_from(system, source))["letter"]
    await page.get_by_role("link", name="Dead letters").click()
    await page.get_by_role("link", name=letter, exact=True).click()
    await settle(page, "Redrive", "the partition was wrong")
    await expect(page.locator("dl")).to_contain_text("redriven by Ada")

    async def is_captured() -> bool:
        status, payment = await http.get(f"/v1/payments/{payment_id}")
        return status == 200 and payment["status"] == "captured"

    await until(is_captured, 20.0, "the payment of the letter")
    await inquest.hold()


async def test_a_webhook_that_was_refused_is_found_and_sent_again_with_a_reason(
    system: System, page: Page, http: HttpClient
) -> None:
    merchant = system.merchants[0]["id"]
    async with receiving() as receiver:
        receiver.statuses["/hook"] = 500
        (made,) = await told(
            system, "webhooks", "create", merchant, f"{receiver.url}/hook", "--event", "payment.captured.v1"
        )
        receiver.secrets["/hook"] = made["secret"]
        payment = await http.create("webhook-at-the-console")
        await until(lambda: bool(receiver.got), 30.0, "the first attempt")
        await page.get_by_role("link", name="Webhooks").click()
        await page.get_by_role("link", name=made["id"]).click()
        refused = page.get_by_role("row").filter(has_text=payment.payment_id)
        await comes_to(page, refused, "500")
        receiver.statuses["/hook"] = 200
        await refused.get_by_role("link", name="msg_").click()
        await settle(page, "Send again, under the same id", "their server is mended")
        await comes_to(page, page.locator("dl"), "delivered")
        assert len(set(receiver.ids("/hook"))) == 1
        await page.get_by_role("link", name=payment.payment_id).click()
        await expect(page.locator("#story")).to_contain_text("HTTP 500 after")
        acts = await told(system, "audit", receiver.ids("/hook")[0])
        assert ("webhook_delivery.sent_again", "their server is mended") in [
            (act["action"], act["detail"].get("why")) for act in acts
        ]
        await told(system, "webhooks", "delete", merchant, made["id"])


async def test_without_javascript_a_payment_is_found_and_refunded(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    operator = system.service.endpoints["operator"]
    made = await http.create("refunded-without-javascript", capture_method="manual")
    await http.capture(made.payment_id, "captured-without-javascript")
    async with browser() as opened:
        page = await opened.new_page(java_script_enabled=False)
        await page.goto(operator["url"])
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("Operator key").fill(operator["api_key"])
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Search").click()
        await page.get_by_label("Payment", exact=True).fill(made.payment_id)
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Refund…").click()
        await settle(page, "Refund", "all of it")
        await expect(page.locator("#story")).to_contain_text("all of it")
        await expect(page.locator("#facts")).to_contain_text("Refunded")
    await inquest.hold()


async def test_every_page_is_for_everybody_at_both_widths_and_in_both_themes(
    system: System, page: Page, http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    made = await http.create("looked-at", customer="cus_looked_at", metadata={"order": "A-1007"})
    for n in range(12):
        await http.create(
            f"looked-at-{n}",
            amount=1200 + 613 * n,
            payment_method="pm_card_chargeDeclined" if n % 5 == 4 else "pm_card_visa",
        )
    _, source = await misplaced(system, kafka_client, inquest)
    letter = (await letter_from(system, source))["letter"]
    async with receiving() as receiver:
        (endpoint,) = await told(
            system, "webhooks", "create", system.merchants[0]["id"], f"{receiver.url}/hook"
        )
        await http.create("looked-at-webhook")
        await until(lambda: bool(receiver.got), 30.0, "a webhook")
    root = system.service.endpoints["http"] + "/console"
    paths = {
        "overview": "",
        "search": "/payments",
        "payment": f"/payments/{made.payment_id}",
        "refund": f"/payments/{made.payment_id}/refund",
        "doubts": "/doubts",
        "dead-letters": "/dead-letters?all=1",
        "dead-letter": f"/dead-letters/{letter}",
        "webhooks": "/webhooks",
        "webhook": f"/webhooks/{endpoint['id']}",
        "delivery": f"/webhooks/{endpoint['id']}/{receiver.got[0][1]}",
        "health": "/health",
        "audit": "/audit",
    }
    found = []
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        for name, path in paths.items():
            await page.goto(root + path)
            for size, (width, height) in SIZES.items():
                await page.set_viewport_size({"width": width, "height": height})
                fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
                found += [] if await page.evaluate(fits) else [f"{name} at {size}: wider than the window"]
                found += [f"{name} at {size}, {theme}: {fault}" for fault in await faults(page)]
                if PICTURES:
                    await page.screenshot(path=Path(PICTURES) / f"{name}-{size}-{theme}.png", full_page=True)
    await page.goto(root + "/health")
    await expect(page.get_by_text("Stable")).to_have_count(5)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    found += [f"sign-in: {fault}" for fault in await faults(page)]
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / "sign-in.png")
    assert found == []
