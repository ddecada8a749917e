"""A line that cuts, loses and swallows: whatever it does, each payment is made once, and its caller knows how it ended."""

import asyncio
import random
from itertools import product
from typing import Any

import pytest

from millrace_client import AsyncMillrace, ConnectionFailed, Millrace, Retries
from tests.clients.in_threads import InThreads
from tests.clients.proxy import Fault, Proxy
from tests.web.fakes import PAYMENT, Door
from tests.web.service import KEY

LOSSES = (Fault.REFUSED, Fault.ANSWER_LOST, Fault.ANSWER_CUT)
IN_A_HURRY = Retries(deadline_s=10, pause_first_s=0.01, pause_max_s=0.02)


@pytest.mark.parametrize(("first", "second"), list(product(LOSSES, LOSSES)))
async def test_a_payment_whose_answer_was_lost_is_made_once(
    client: Any, door: Door, proxy: Proxy, first: Fault, second: Fault
) -> None:
    proxy.plan.extend((first, second))
    made = await client.payments.create(**PAYMENT)
    assert (made.status, len(proxy.seen)) == ("captured", 3)
    assert list(door.service.transactions) == [made.id]
    assert made.http.replayed is (len(door.service.appended) > 1)
    reached = 1 + sum(fault is not Fault.REFUSED for fault in (first, second))
    assert len(door.service.appended) == reached


async def test_a_capture_and_a_refund_whose_answers_were_lost_are_made_once(
    client: Any, door: Door, proxy: Proxy
) -> None:
    made = await client.payments.create(**PAYMENT, capture_method="manual")
    proxy.plan.extend((Fault.ANSWER_LOST, Fault.ANSWER_CUT))
    captured = await client.payments.capture(made)
    proxy.plan.append(Fault.ANSWER_LOST)
    refund = await client.refunds.create(made, amount=500)
    assert (captured.amount_captured, captured.http.replayed) == (1999, True)
    assert (refund.status, refund.http.replayed) == ("succeeded", True)
    seen = await client.payments.get(made)
    assert (seen.amount_refunded, len(seen.refunds)) == (500, 1)


async def test_reads_are_tried_again_as_well(client: Any, proxy: Proxy) -> None:
    made = await client.payments.create(**PAYMENT)
    proxy.plan.extend(LOSSES)
    assert await client.payments.get(made) == made
    proxy.plan.extend(LOSSES)
    assert [each.id async for each in client.payments.list()] == [made.id]


async def test_silence_is_not_waited_out_for_ever(door: Door, proxy: Proxy) -> None:
    with Millrace(proxy.url, KEY, retries=IN_A_HURRY, try_s=0.3) as sync:
        async with AsyncMillrace(proxy.url, KEY, retries=IN_A_HURRY, try_s=0.3) as asynchronous:
            for client in (InThreads(sync), asynchronous):
                proxy.plan.append(Fault.SILENCE)
                made: Any = await client.payments.create(**PAYMENT)
                assert (made.status, made.http.replayed) == ("captured", True)
    assert len(door.service.transactions) == 2


async def test_who_gives_up_has_the_key_to_ask_again_with(client: Any, door: Door, proxy: Proxy) -> None:
    proxy.plan.extend([Fault.ANSWER_LOST] * 12)
    with pytest.raises(ConnectionFailed) as failed:
        await client.payments.create(**PAYMENT)
    assert (failed.value.status, failed.value.retryable) == (None, True)
    made = await client.payments.create(**PAYMENT, idempotency_key=failed.value.idempotency_key)
    assert (made.status, made.http.replayed) == ("captured", True)
    assert len(door.service.transactions) == 1


async def test_nobody_listens_there_is_said_so(client: Any) -> None:
    for kind in (Millrace, AsyncMillrace):
        nowhere = kind("http://127.0.0.1:9", KEY, retries=Retries(tries_max=2, pause_first_s=0.01))
        asked = InThreads(nowhere) if isinstance(nowhere, Millrace) else nowhere
        with pytest.raises(ConnectionFailed) as failed:
            await asked.payments.create(**PAYMENT)
        assert failed.value.retryable is True


async def test_many_at_once_over_a_bad_line_are_each_made_once(client: Any, door: Door, proxy: Proxy) -> None:
    dice = random.Random(5)
    proxy.plan.extend(dice.choice((Fault.NONE, *LOSSES)) for _ in range(60))
    made = await asyncio.gather(
        *(client.payments.create(**PAYMENT, metadata={"n": str(n)}) for n in range(30))
    )
    assert {each.status for each in made} == {"captured"}
    assert sorted(door.service.transactions) == sorted(each.id for each in made)
    assert len(set(door.service.transactions)) == 30
    assert len(proxy.seen) > 60
