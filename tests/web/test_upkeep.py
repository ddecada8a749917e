"""Stripe's door, health, metrics, documents, and what every answer carries."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.commands import RecordNotice
from tests.web.fakes import PAYMENT, Door, open_door
from tests.web.hearing import GOOD_SIGNATURE
from web.upkeep import DOCUMENTS

NOTICE = b'{"id": "evt_1", "data": {"object": {"id": "pi_1"}}}'


async def notify(door: Door, body: Any = NOTICE, signature: str = GOOD_SIGNATURE) -> tuple[int, str | None]:
    told = await door.ask("POST", "/webhooks/stripe", body, key=None, Stripe_Signature=signature)
    return told.status, told.body.get("code")


async def test_a_notice_of_stripes_is_kept_before_it_is_acknowledged(door: Door) -> None:
    assert await notify(door) == (200, None)
    assert [type(command) for command in door.service.appended] == [RecordNotice]
    assert door.count("millrace_notices_total", fate="kept") == 1


@pytest.mark.parametrize("signature", ["", "t=1,v1=bad", "x" * 5000])
async def test_a_forged_notice_is_turned_away(door: Door, signature: str) -> None:
    assert await notify(door, signature=signature) == (400, "signature_invalid")
    assert door.service.appended == []
    assert door.count("millrace_notices_total", fate="forged") == 1


async def test_a_notice_that_cannot_be_kept_is_asked_for_again(door: Door) -> None:
    door.service.log_is_away = True
    assert await notify(door) == (503, "unavailable")
    door.service.log_is_away = False
    assert await notify(door) == (200, None)


async def test_notices_that_never_come_do_not_take_the_merchants_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Anybody may say that one is on its way."""
    monkeypatch.setattr("web.upkeep.NOTICES_MAX", 2)
    async with open_door(requests_max=3) as door:
        silent = [asyncio.ensure_future(notify(door, never())) for _ in range(5)]
        done, pending = await asyncio.wait(silent, timeout=1)
        assert [each.result() for each in done] == [(503, "unavailable")] * 3
        assert (await door.post("/v1/payments", PAYMENT)).status == 201
        for each in pending:
            each.cancel()


async def never() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.sleep(60)


async def test_a_notice_that_is_none_of_ours_is_acknowledged(door: Door) -> None:
    assert await notify(door, b"{}") == (200, None)
    assert door.service.appended == []


async def test_a_notice_that_was_taken_in_is_not_taken_in_again(door: Door) -> None:
    assert [await notify(door) for _ in range(3)] == [(200, None)] * 3
    assert len(door.service.appended) == 1
    assert door.count("millrace_notices_total", fate="repeated") == 2


async def test_a_notice_is_remembered_only_once_it_is_kept(door: Door) -> None:
    door.service.log_is_away = True
    assert await notify(door) == (503, "unavailable")
    assert door.service.known_notices == set()


async def test_a_notice_of_a_type_that_nobody_knows_is_kept_and_leads_to_nothing(door: Door) -> None:
    body = b"new_"
    assert [await notify(door, body) for _ in range(2)] == [(200, None)] * 2
    assert [kept.body for kept in door.service.unfamiliar] == [body]
    assert door.service.appended == []
    assert door.count("millrace_notices_total", fate="unfamiliar") == 1
    door.service.log_is_away, door.service.known_notices = True, set()
    assert await notify(door, body) == (503, "unavailable")


def disputed(intent: str, age_s: int = 1) -> bytes:
    return b"du_" + json.dumps({"intent": intent, "age_s": age_s}).encode()


async def test_a_dispute_goes_to_the_payment_that_its_intent_is(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    intent = made.body["provider"]["payment_intent"]
    assert await notify(door, disputed(intent)) == (200, None)
    command = door.service.appended[-1]
    assert isinstance(command, RecordNotice)
    assert (command.origin.payment_id, command.origin.merchant) == (made.body["id"], made.body["merchant"])


async def test_a_dispute_of_a_payment_nobody_knows_yet_is_asked_for_again_for_a_day(door: Door) -> None:
    assert await notify(door, disputed("pi_unknown")) == (503, "unavailable")
    assert await notify(door, disputed("pi_unknown", age_s=90_000)) == (200, None)
    door.service.reader_is_away = True
    assert await notify(door, disputed("pi_unknown", age_s=90_000)) == (503, "unavailable")
    assert door.service.appended == []


async def test_a_notice_may_be_larger_than_a_request_but_not_without_end(door: Door) -> None:
    assert await notify(door, NOTICE + b" " * 400_000) == (200, None)
    assert await notify(door, NOTICE + b" " * 600_000) == (413, "payload_too_large")


async def test_readiness_names_what_is_missing(door: Door) -> None:
    assert (await door.get("/readyz", key=None)).body == {"ready": True, "missing": []}
    door.service.missing = {"postgres": "no answer", "kafka": "no broker"}
    told = await door.get("/readyz", key=None)
    assert (told.status, told.body["code"], told.body["ready"]) == (503, "unavailable", False)
    assert told.body["missing"] == ["kafka: no broker", "postgres: no answer"]
    assert (await door.get("/livez", key=None)).body == {"status": "alive"}


async def test_a_probe_that_hangs_is_not_readiness(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.readiness.PROBE_MAX_S", 0.05)

    door.service.probe_hangs = True
    told = await door.get("/readyz")
    assert (told.status, told.body["missing"]) == (503, ["probe: no answer within 0 s"])


async def test_metrics_count_by_route_and_never_by_path(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    await door.get(made.headers["Location"])
    await door.get("/number-of-a-card")
    text = (await door.get("/metrics", key=None)).raw.decode()
    assert 'millrace_http_requests_total{method="POST",route="/v1/payments",status="201"} 1.0' in text
    assert 'route="/v1/payments/{payment_id}",status="200"} 1.0' in text
    assert 'millrace_commands_sent_total{type="payment.create.v1"} 1.0' in text
    assert "millrace_http_requests_in_flight 1.0" in text
    assert 'millrace_http_problems_total{code="not_found",route="(none)"} 1.0' in text
    assert "number-of-a-card" not in text
    assert made.body["id"] not in text


async def test_the_documents_are_served_as_they_are_committed(door: Door) -> None:
    schemas = [f"schemas/{path.name}" for path in (DOCUMENTS / "schemas").iterdir()]
    assert schemas
    for name in ("openapi.json", "asyncapi.json", *schemas):
        told = await door.get(f"/{name}", key=None)
        assert (told.status, told.raw) == (200, (DOCUMENTS / name).read_bytes())
        assert told.headers["Content-Type"].startswith("application/json")


async def test_no_other_schema_is_looked_for(door: Door) -> None:
    for name in ("payment.captured.v2.json", "payment.captured.v1", "..%2Fasyncapi.json"):
        told = await door.get(f"/schemas/{name}", key=None)
        assert (told.status, told.body["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/payments", "/nowhere", "/livez", "/metrics", "/v1/payments/x"])
async def test_every_answer_has_a_request_id_of_its_own(door: Door, path: str) -> None:
    ids = {(await door.get(path)).headers["Request-Id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(id.startswith("req_") for id in ids)


async def test_a_page_of_payments_is_filtered_and_paged(door: Door) -> None:
    for n in range(3):
        await door.post("/v1/payments", PAYMENT | {"amount": 100 + n}, f"k{n}")
    first = await door.get("/v1/payments?limit=2")
    assert ([p["amount"] for p in first.body["data"]], first.body["has_more"]) == ([102, 101], True)
    rest = await door.get(f"/v1/payments?limit=2&starting_after={first.body['data'][-1]['id']}")
    assert ([p["amount"] for p in rest.body["data"]], rest.body["has_more"]) == ([100], False)
    query = "currency=usd&customer=c&status=captured&metadata[a%20b]=x%26y&created_after=2026-01-31T13:00:00%2B01:00"
    await door.get(f"/v1/payments?{query}&created_before=2027-01-01T00:00:00Z")
    where = door.service.asked_where
    assert (where.status, where.currency, where.customer) == ("captured", "usd", "c")
    assert where.metadata == (("a b", "x&y"),)
    assert where.created_after is not None
    assert where.created_after.isoformat() == "2026-01-31T12:00:00+00:00"


async def test_a_story_is_read_in_order_and_by_pages(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    path = f"{made.headers['Location']}/events"
    assert [e["sequence"] for e in (await door.get(path)).body["data"]] == [1, 2]
    page = await door.get(f"{path}?limit=1&after_sequence=1")
    assert ([e["sequence"] for e in page.body["data"]], page.body["has_more"]) == ([2], False)
    beyond = await door.get(f"{path}?after_sequence=99")
    assert (beyond.status, beyond.body["data"]) == (200, [])


async def test_all_who_ask_whether_it_is_ready_meanwhile_share_one_look(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    async def look(readiness: object) -> dict[str, str]:
        looks.append(1)
        await asyncio.sleep(0.5)
        return {}

    monkeypatch.setattr("web.upkeep.what_is_missing", look)
    told = await asyncio.gather(*[door.get("/readyz", key=None) for _ in range(20)])
    assert [each.status for each in told] == [200] * 20
    assert len(looks) == 1
    await door.get("/readyz", key=None)
    assert len(looks) == 2
