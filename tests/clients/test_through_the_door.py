"""Both clients at the real door, over a real socket: every operation, pages, waits, refusals."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from millrace_client import (
    AsyncMillrace,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    KeyReused,
    Millrace,
    NotFound,
    NotUnderstood,
    Refused,
    Retries,
    StillUnsettled,
    Unauthenticated,
    Unavailable,
    payment_id_for,
)
from tests.certificates import Authority
from tests.clients.in_threads import InThreads
from tests.clients.proxy import Proxy
from tests.web.fakes import PAYMENT, Door
from tests.web.service import ALICE, KEY, OTHER_KEY, READ_ONLY_KEY


async def test_a_payment_is_made_read_refunded_and_told_of(client: Any, door: Door) -> None:
    made = await client.payments.create(**PAYMENT, metadata={"order": "6735"}, idempotency_key="order-6735")
    assert (made.status, made.amount_captured, made.settled, made.http.status) == (
        "captured",
        1999,
        True,
        201,
    )
    assert made.id == payment_id_for(ALICE, "order-6735")
    assert made.http.request_id.startswith("req_")
    assert await client.payments.get(made) == made
    refund = await client.refunds.create(made, amount=500, reason="duplicate", metadata={"by": "ada"})
    assert (refund.status, refund.amount, refund.payment, refund.settled) == ("succeeded", 500, made.id, True)
    assert await client.refunds.get(refund.id) == refund
    assert (await client.refunds.page(made)).data == (refund,)
    assert [each async for each in client.refunds.list(made.id)] == [refund]
    seen = await client.payments.get(made.id)
    assert (seen.amount_refundable, seen.refunds[0].id) == (1499, refund.id)
    assert [event.sequence async for event in client.events.list(made)] == list(range(1, seen.sequence + 1))
    assert [event.sequence for event in await client.events.page(made, limit=1, after_sequence=2)] == [3]


async def test_the_same_key_is_the_same_payment_and_says_that_it_is(client: Any, door: Door) -> None:
    first = await client.payments.create(**PAYMENT, idempotency_key="k")
    again = await client.payments.create(**PAYMENT, idempotency_key="k")
    assert (again, first.http.replayed, again.http.replayed) == (first, False, True)
    with pytest.raises(KeyReused) as refused:
        await client.payments.create(**PAYMENT | {"amount": 5}, idempotency_key="k")
    assert (refused.value.status, refused.value.idempotency_key) == (422, "k")
    assert len(door.service.transactions) == 1


async def test_without_keys_two_calls_are_two_payments(client: Any, door: Door) -> None:
    one, other = [await client.payments.create(**PAYMENT) for _ in range(2)]
    assert one.id != other.id
    assert one.id == payment_id_for(ALICE, one.http.idempotency_key)


async def test_a_payment_is_authorised_captured_in_part_and_another_one_canceled(client: Any) -> None:
    made = await client.payments.create(**PAYMENT, capture_method="manual")
    assert (made.status, made.amount_capturable) == ("authorized", 1999)
    captured = await client.payments.capture(made, amount=1000)
    assert (captured.status, captured.amount_captured, captured.http.status) == ("captured", 1000, 200)
    other = await client.payments.create(**PAYMENT, capture_method="manual")
    canceled = await client.payments.cancel(other.id, reason="requested_by_customer")
    assert (canceled.status, canceled.settled) == ("canceled", True)


async def test_a_decline_is_a_payment_and_no_exception(client: Any) -> None:
    made = await client.payments.create(**PAYMENT | {"payment_method": "pm_card_chargeDeclined"})
    assert (made.status, made.decline.decline_code, made.settled) == ("declined", "generic_decline", True)


async def test_what_is_refused_is_an_exception_with_its_code(client: Any, door: Door) -> None:
    made = await client.payments.create(**PAYMENT)
    with pytest.raises(Refused) as refused:
        await client.refunds.create(made, amount=2000, idempotency_key="too-much")
    assert (refused.value.code, refused.value.status) == ("refund_exceeds_refundable", 422)
    assert refused.value.idempotency_key == "too-much"
    assert refused.value.request_id and refused.value.request_id in str(refused.value)
    with pytest.raises(Conflict) as conflict:
        await client.payments.cancel(made)
    assert (conflict.value.code, conflict.value.retryable) == ("payment_state_conflict", False)
    with pytest.raises(Invalid) as invalid:
        await client.payments.create(amount=0, currency="USD", payment_method="pm_card_visa")
    assert {each.field for each in invalid.value.errors} == {"amount", "currency"}
    with pytest.raises(NotFound):
        await client.payments.get("pay_" + "0" * 32)
    assert len(door.service.transactions) == 1


@pytest.mark.parametrize(
    ("key", "refused"),
    [("mr_test_nobody", Unauthenticated), (READ_ONLY_KEY, Forbidden), (OTHER_KEY, NotFound)],
)
async def test_another_key_does_not_open_what_is_not_its_own(
    client: Any, proxy: Proxy, key: str, refused: type[Exception]
) -> None:
    made = await client.payments.create(**PAYMENT)
    async with AsyncMillrace(proxy.url, key) as other:
        with pytest.raises(refused):
            await other.refunds.create(made.id)


async def test_all_pages_are_one_list(client: Any, proxy: Proxy) -> None:
    made = [(await client.payments.create(**PAYMENT)).id for _ in range(5)]
    page = await client.payments.page(limit=2)
    assert ([each.id for each in page], page.has_more) == (made[:-3:-1], True)
    behind = await client.payments.page(limit=2, starting_after=page.data[-1].id)
    assert [each.id for each in behind] == made[2:0:-1]
    declined = await client.payments.create(**PAYMENT | {"payment_method": "pm_card_chargeDeclined"})
    assert [each.id async for each in client.payments.list(status="declined")] == [declined.id]
    asked = len(proxy.seen)
    assert [each.id async for each in client.payments.list()] == [declined.id, *reversed(made)]
    assert len(proxy.seen) == asked + 1


async def test_pages_are_fetched_one_after_the_other(
    client: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [(await client.payments.create(**PAYMENT)).id for _ in range(5)]
    for module in ("client", "async_client"):
        monkeypatch.setattr(f"millrace_client.{module}.PAGE_MAX", 2)
    refunds = [(await client.refunds.create(made[0], amount=1)).id for _ in range(3)]
    asked = len(proxy.seen)
    assert [each.id async for each in client.payments.list()] == made[::-1]
    assert [each.id async for each in client.refunds.list(made[0])] == refunds[::-1]
    assert len(proxy.seen) == asked + 3 + 2
    story = [event.sequence async for event in client.events.list(made[0])]
    assert story == list(range(1, len(story) + 1)) and len(story) > 6


async def test_a_filter_reaches_the_door(client: Any, door: Door) -> None:
    await client.payments.page(customer="cus_1", metadata={"order no": "6&7 ü"}, limit=1)
    assert door.service.asked_where.customer == "cus_1"
    assert door.service.asked_where.metadata == (("order no", "6&7 ü"),)


async def test_who_does_not_wait_can_wait_later(client: Any, door: Door) -> None:
    door.service.provider_is_silent = True
    accepted = await client.payments.create(**PAYMENT, wait=0)
    assert (accepted.settled, accepted.http.status, accepted.status) == (False, 202, "processing")
    with pytest.raises(StillUnsettled):
        await client.payments.wait_until_settled(accepted, timeout_s=0.5)
    waiting = asyncio.create_task(client.payments.wait_until_settled(accepted.id, timeout_s=10))
    await asyncio.sleep(0.05)
    door.service.settle(door.service.appended[0])
    assert (await waiting).status == "captured"


async def test_who_waits_is_not_sent_again_what_has_not_changed(client: Any, proxy: Proxy) -> None:
    made = await client.payments.create(**PAYMENT)
    processing = b'{"id": "%s", "object": "payment", "status": "processing"}' % made.id.encode()
    etag = b'ETag: W/"2"\r\n'
    proxy.plan.extend((_http(200, processing, etag), _http(304, b"", etag)))
    assert await client.payments.wait_until_settled(made.id) == made
    assert [b'W/"2"' in head for head in proxy.seen] == [False, False, True, True]


async def test_a_refund_can_be_waited_for(client: Any, door: Door) -> None:
    made = await client.payments.create(**PAYMENT)
    door.service.provider_is_silent = True
    accepted = await client.refunds.create(made, wait=0)
    assert (accepted.settled, accepted.status) == (False, "pending")
    door.service.settle(door.service.appended[-1])
    settled = await client.refunds.wait_until_settled(accepted, timeout_s=10)
    assert (settled.status, settled.amount) == ("succeeded", 1999)


async def test_a_refund_that_is_waited_for_is_its_own_payments_whatever_else_its_key_was_used_for(
    client: Any, door: Door
) -> None:
    payments = [await client.payments.create(**PAYMENT) for _ in range(2)]
    door.service.provider_is_silent = True
    waited_for = await client.refunds.create(payments[0], wait=0, idempotency_key="one key")
    waiting = asyncio.create_task(client.refunds.wait_until_settled(waited_for, timeout_s=10))
    command = door.service.appended[-1]
    door.service.provider_is_silent = False
    other = await client.refunds.create(payments[1], idempotency_key="one key")
    assert (other.id, other.settled) == (waited_for.id, True)
    await asyncio.sleep(0.5)
    assert not waiting.done()
    door.service.settle(command)
    assert (await waiting).payment == payments[0].id


async def test_a_wait_that_the_door_cut_short_goes_on_with_the_same_key(
    client: Any, door: Door, proxy: Proxy
) -> None:
    door.service.provider_is_silent = True
    made = await client.payments.create(**PAYMENT, capture_method="manual", wait=0)
    proxy.plan.append(
        _http(202, b'{"id": "%s", "object": "payment", "status": "authorized"}' % made.id.encode())
    )
    door.service.provider_is_silent = False
    door.service.settle(door.service.appended[0])
    captured = await client.payments.capture(made, wait=10)
    assert (captured.status, captured.settled) == ("captured", True)
    assert _keys(proxy)[-1] == _keys(proxy)[-2] == captured.http.idempotency_key


async def test_overload_and_limits_are_waited_out(client: Any, door: Door, proxy: Proxy) -> None:
    busy = b'{"code": "rate_limited", "status": 429, "detail": "Slower.", "retryable": true}'
    proxy.plan.extend((_http(503, b"<html>"), _http(429, busy, b"Retry-After: 1\r\n"), _http(502, b"")))
    began = asyncio.get_running_loop().time()
    made = await client.payments.create(**PAYMENT)
    assert made.status == "captured"
    assert asyncio.get_running_loop().time() - began >= 1
    assert len(set(_keys(proxy))) == 1 and len(proxy.seen) == 4
    assert len(door.service.appended) == 1


async def test_a_request_is_not_sent_on_to_where_somebody_points(client: Any, proxy: Proxy) -> None:
    proxy.plan.append(_http(307, b"", b"Location: /v1/payments\r\n"))
    with pytest.raises(NotUnderstood):
        await client.payments.create(**PAYMENT)
    assert len(proxy.seen) == 1


async def test_an_answer_that_has_no_end_is_not_read_to_its_end(
    client: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for carrier in ("urllib3_transport", "aiohttp_transport"):
        monkeypatch.setattr(f"millrace_client.{carrier}.BODY_MAX_BYTES", 1000)
    proxy.plan.append(_http(201, b"{" + b" " * 300_000))
    with pytest.raises(ConnectionFailed, match="larger than") as failed:
        await client.payments.create(**PAYMENT)
    assert (failed.value.retryable, len(proxy.seen)) == (False, 1)


async def test_a_service_that_stays_away_is_said_to_be_away_with_the_key_to_ask_again(
    door: Door, proxy: Proxy
) -> None:
    door.service.log_is_away = True
    async with AsyncMillrace(proxy.url, KEY, retries=Retries(tries_max=2, deadline_s=5)) as client:
        with pytest.raises(Unavailable) as failed:
            await client.payments.create(**PAYMENT)
        door.service.log_is_away = False
        made = await client.payments.create(**PAYMENT, idempotency_key=failed.value.idempotency_key)
    assert len(proxy.seen) == 3 and made.status == "captured"
    assert len(door.service.transactions) == 1


async def test_a_private_authority_is_trusted_where_it_is_given_and_no_other(
    door: Door, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with Proxy(door.serving.port, authority.issue("door").served()) as proxy:
        for context, outcome in ((authority.client(), "captured"), (None, "no secure connection")):
            with Millrace(proxy.url, KEY, ssl_context=context) as sync:
                assert outcome in await _made_or_why(InThreads(sync))
            async with AsyncMillrace(proxy.url, KEY, ssl_context=context) as asynchronous:
                assert outcome in await _made_or_why(asynchronous)
        assert len(proxy.seen) == 2


async def _made_or_why(client: Any) -> str:
    try:
        made = await client.payments.create(**PAYMENT)
    except ConnectionFailed as failed:
        assert failed.retryable is False
        return str(failed)
    return str(made.status)


def _http(status: int, body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


def _keys(proxy: Proxy) -> list[str]:
    """The idempotency keys of the requests that came by."""
    lines = [line.split(b": ", 1) for head in proxy.seen for line in head.split(b"\r\n")]
    return [line[1].decode() for line in lines if line[0].lower() == b"idempotency-key"]
