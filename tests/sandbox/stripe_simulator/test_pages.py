"""The pages that a customer sees: 3-D Secure and the receipt; and the list of controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw

BACK = "https://shop.test/back?order=7"


async def challenge(raw: Raw, **changes: str) -> Any:
    method = {"payment_method": "pm_card_authenticationRequired", "return_url": BACK}
    return (await raw.pay(None, **{**method, **changes}))[1]


async def page(raw: Raw, path: str) -> str:
    async with raw.session.get(f"{raw.url}/_sim/{path}") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return await answer.text()


async def press(raw: Raw, intent: Any, outcome: str) -> tuple[int, str, str]:
    form = {"by_form": "1", "outcome": outcome}
    url = f"{raw.url}/_sim/authenticate/{intent['id']}"
    async with raw.session.post(url, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def test_the_page_shows_what_is_to_be_confirmed_and_loads_nothing(raw: Raw) -> None:
    intent = await challenge(raw, description="<b>Two & three</b>")
    shown = await page(raw, f"authenticate/{intent['id']}")
    assert intent["next_action"]["redirect_to_url"]["url"].endswith(f"/_sim/authenticate/{intent['id']}")
    for wanted in ("19.99", "USD", "•••• 3184", "&lt;b&gt;Two &amp; three&lt;/b&gt;", intent["id"]):
        assert wanted in shown
    for unwanted in ("http://", "https://", "src=", "<script", "@import", "url("):
        assert unwanted not in shown


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [("succeed", "succeeded", "succeeded"), ("fail", "requires_payment_method", "failed")],
)
async def test_the_buttons_lead_back_to_the_shop(raw: Raw, outcome: str, status: str, told: str) -> None:
    intent = await challenge(raw)
    answered, location, _ = await press(raw, intent, outcome)
    assert answered == 303 and location.startswith(BACK + "&payment_intent=" + intent["id"])
    assert f"redirect_status={told}" in location
    assert (await raw.get(f"/v1/payment_intents/{intent['id']}"))[1]["status"] == status


@pytest.mark.parametrize(
    ("back", "there"),
    [
        ("https://shop.test/back#paid", "https://shop.test/back?payment_intent="),
        ("https://shop.test/?a=1#/orders?b=2", "https://shop.test/?a=1&payment_intent="),
    ],
)
async def test_what_stripe_tells_stands_before_the_fragment(raw: Raw, back: str, there: str) -> None:
    intent = await challenge(raw, return_url=back)
    _, location, _ = await press(raw, intent, "succeed")
    assert location.startswith(there) and location.endswith("#" + back.partition("#")[2])


async def test_a_card_that_declines_after_the_step_leads_back_as_failed(raw: Raw) -> None:
    intent = await challenge(raw, payment_method="pm_card_threeDSecureRequiredChargeDeclined")
    _, location, _ = await press(raw, intent, "succeed")
    assert "redirect_status=failed" in location


async def test_without_a_return_url_the_page_says_how_it_ended(raw: Raw) -> None:
    intent = await challenge(raw, return_url="")
    status, _, text = await press(raw, intent, "succeed")
    assert status == 200 and "Paid" in text and "<form" not in text


async def test_pressing_twice_charges_once_and_leads_back_all_the_same(raw: Raw) -> None:
    """A browser follows the answer to the second click."""
    intent = await challenge(raw)
    await press(raw, intent, "succeed")
    status, location, _ = await press(raw, intent, "fail")
    assert status == 303 and "redirect_status=succeeded" in location
    shown = await page(raw, f"authenticate/{intent['id']}")
    assert "Paid" in shown and "Back to the shop" in shown and BACK.split("?")[0] in shown
    charged = (await raw.sim("ledger?kind=charge"))["entries"]
    assert [entry["outcome"] for entry in charged] == ["succeeded"]


async def test_a_receipt_shows_its_charge(raw: Raw) -> None:
    _, intent, _ = await raw.pay()
    await raw.post("/v1/refunds", {"payment_intent": intent["id"], "amount": "500"})
    shown = await page(raw, f"receipts/{intent['latest_charge']}")
    assert "19.99" in shown and "5.00 usd" in shown and intent["latest_charge"] in shown


async def test_the_controls_say_what_they_are_for(raw: Raw) -> None:
    controls = (await raw.sim(""))["controls"]
    paths = {(each["method"], each["path"]) for each in controls}
    assert {("POST", "/_sim/disputes"), ("POST", "/_sim/limits"), ("GET", "/_sim/ledger")} <= paths
    assert all(each["what"] for each in controls)
