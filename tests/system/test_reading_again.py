"""Reads of the real service: tags that all doors agree on, stories that fit the document, and a page of a named origin's."""

import json

import pytest
from multidict import CIMultiDict

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.stack import SHOP
from tests.web.test_documents import check

pytestmark = pytest.mark.real


async def read(
    http: HttpClient, path: str, door: int = 0, **sent: str
) -> tuple[int, CIMultiDict[str], bytes]:
    """Headers are told by the names that this client knows them by: their case is not the door's."""
    headers = http.authorized() | {name.replace("_", "-"): value for name, value in sent.items()}
    status, told, body = await http.once("GET", path, headers, door=door)
    return status, CIMultiDict(told), body


async def tag_of(http: HttpClient, path: str, door: int) -> str:
    status, headers, _ = await read(http, path, door)
    assert status == 200
    return headers["ETag"]


async def test_a_tag_is_the_same_at_every_door_until_what_it_is_of_has_changed(
    http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("tagged", metadata={"tagged": "yes"})
    path = f"/v1/payments/{made.payment_id}"
    doors = range(len(http.doors))
    [first] = {await tag_of(http, path, door) for door in doors}
    for door in doors:
        status, headers, body = await read(http, path, door, If_None_Match=f'"other", W/{first}')
        assert (status, body, headers["ETag"]) == (304, b"", first)
    refunded = await http.refund(made.payment_id, "tagged-refund", amount=500)
    assert refunded.status == 201
    for door in doors:
        status, headers, _ = await read(http, path, door, If_None_Match=first)
        assert (status, headers["ETag"] == first) == (200, False)
    await inquest.hold()
    assert len({await tag_of(http, path, door) for door in doors}) == 1


async def test_the_cache_and_the_store_say_the_same_byte_for_byte(http: HttpClient, inquest: Inquest) -> None:
    """A list is read from the store alone, a payment that was just made from the cache: else tags would come and go."""
    made = await http.create("same-bytes", metadata={"same-bytes": "yes"}, description="Zwölf Äpfel")
    _, cached = await http.get(f"/v1/payments/{made.payment_id}")
    await inquest.hold()
    _, stored = await http.get("/v1/payments?metadata[same-bytes]=yes")
    assert [json.dumps(each) for each in stored["data"]] == [json.dumps(cached)]


async def test_what_the_real_service_says_fits_the_document(http: HttpClient, inquest: Inquest) -> None:
    made = await http.create("fitting", capture_method="manual")
    await http.capture(made.payment_id, "fitting-capture", amount=1500)
    refunded = await http.refund(made.payment_id, "fitting-refund", amount=500)
    waiting = await http.create("fitting-waits", payment_method="pm_card_authenticationRequired")
    declined = await http.create("fitting-no", payment_method="pm_card_chargeDeclinedInsufficientFunds")
    await inquest.hold()
    for each in (made, waiting, declined):
        check("Payment", (await http.get(f"/v1/payments/{each.payment_id}"))[1])
        check("EventList", (await http.get(f"/v1/payments/{each.payment_id}/events"))[1])
    check("Refund", (await http.get(f"/v1/refunds/{refunded.answer['id']}"))[1])
    check("RefundList", (await http.get(f"/v1/payments/{made.payment_id}/refunds"))[1])
    check("PaymentList", (await http.get("/v1/payments?limit=100"))[1])
    check("ProblemDocument", (await http.get("/v1/payments?limit=0"))[1])


async def test_a_page_of_the_origin_that_a_setting_names_may_use_the_api(http: HttpClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    status, headers, _ = await http.once("OPTIONS", "/v1/payments", {"Origin": SHOP, **asked})
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    _, headers, _ = await http.once("OPTIONS", "/v1/payments", {"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Origin" not in headers


async def test_the_pages_are_served(http: HttpClient) -> None:
    for path in ("/docs", "/docs/asyncapi", "/docs/docs.js", "/openapi.json", "/asyncapi.json"):
        status, headers, body = await read(http, path)
        assert (status, bool(body), "ETag" in headers) == (200, True, True), path
