"""What a PaymentStore and a PaymentReader promise: the fake and PostgreSQL alike."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from models.ports import Page, PaymentFilter, PaymentReader, PaymentStore, View
from streams.adapters.postgres import Postgres, PostgresPaymentReader, PostgresPaymentStore
from streams.payment_reads import Store
from tests.fakes import FakePayments
from tests.streams.adapters.payments import (
    FIRST,
    SECOND,
    START,
    change,
    payment_id,
    refund,
    refusal,
    view,
)

pytestmark = pytest.mark.real


@dataclass
class Kept:
    """A store and the reader of what it keeps."""

    store: PaymentStore
    reader: PaymentReader

    async def keep(self, *payments: View) -> None:
        await self.store.apply([change(payment) for payment in payments])

    async def page(
        self, limit: int = 10, after: str | None = None, before: str | None = None, **where: Any
    ) -> Page:
        return await self.reader.payments(FIRST, PaymentFilter(**where), limit, after, before)

    async def found(self, **where: Any) -> set[int]:
        return {int(each["id"][4:], 16) for each in (await self.page(**where)).data}


@pytest.fixture(params=["fake", "postgres"])
async def kept(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Kept]:
    if request.param == "fake":
        fake = FakePayments()
        yield Kept(fake, fake)
        return
    connections, store = Postgres(database), PostgresPaymentStore(database)
    yield Kept(store, PostgresPaymentReader(connections))
    await connections.close()
    await store.close()


async def test_a_payment_is_read_back_as_it_was_shown(kept: Kept) -> None:
    shown = view(
        1, metadata={"order": "17"}, description="Zwölf Äpfel 🍏 \\ 'quoted' %s", refunds=[refund(1)]
    )
    await kept.keep(shown)
    assert await kept.reader.payment(FIRST, shown["id"]) == shown


async def test_a_payment_of_another_merchant_does_not_exist(kept: Kept) -> None:
    await kept.keep(view(1, refunds=[refund(1)]))
    assert await kept.reader.payment(SECOND, payment_id(1)) is None
    assert await kept.reader.refund(SECOND, refund(1)["id"]) is None
    assert (await kept.reader.events(SECOND, payment_id(1), 10, 0)).data == []
    assert (await kept.reader.payments(SECOND, PaymentFilter(), 10, None, None)).data == []


async def test_an_older_state_never_replaces_a_newer_one(kept: Kept) -> None:
    newer = view(1, 3, status="captured", refunds=[refund(1, "succeeded")])
    older = view(1, 2, status="authorized", refunds=[refund(1, "pending")])
    await kept.keep(newer)
    await kept.keep(older)
    assert await kept.reader.payment(FIRST, payment_id(1)) == newer
    assert (await kept.reader.refund(FIRST, refund(1)["id"]) or {})["status"] == "succeeded"


async def test_of_one_batch_the_highest_sequence_stays_in_whatever_order(kept: Kept) -> None:
    await kept.keep(view(1, 2), view(2, 1), view(1, 3, status="declined"), view(1, 1))
    assert (await kept.reader.payment(FIRST, payment_id(1)) or {})["status"] == "declined"


async def test_the_same_batch_again_changes_nothing(kept: Kept) -> None:
    shown = view(1, 1, refunds=[refund(1)])
    for _ in range(2):
        await kept.keep(shown)
    assert await kept.reader.payment(FIRST, shown["id"]) == shown
    assert len((await kept.reader.events(FIRST, shown["id"], 10, 0)).data) == 1


async def test_an_empty_batch_is_kept_without_ado(kept: Kept) -> None:
    await kept.store.apply([])


async def test_characters_that_postgresql_does_not_like_stop_nothing(kept: Kept) -> None:
    odd = "a\0b\\u0000 \x7f 𐍈"
    shown = view(1, customer=odd, description=odd, metadata={odd: odd})
    await kept.keep(shown)
    assert await kept.reader.payment(FIRST, shown["id"]) == shown
    assert await kept.found(customer=odd) == {1}
    assert await kept.found(metadata=((odd, odd),)) == {1}


async def test_very_long_values_stop_nothing_and_are_found(kept: Kept) -> None:
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(5000))
    await kept.keep(view(1, customer=long, metadata={"long": long}), view(2, customer=long[:-1]))
    assert await kept.found(customer=long) == {1}
    assert await kept.found(metadata=(("long", long),)) == {1}


async def test_pages_go_from_the_newest_to_the_oldest_and_back(kept: Kept) -> None:
    # five at one moment: the id decides
    await kept.keep(*(view(number, at_s=number // 5) for number in range(12)))
    seen, after = [], None
    while True:
        page = await kept.page(5, after=after)
        seen += page.data
        if not page.has_more:
            break
        after = page.data[-1]["id"]
    numbers = [int(each["id"][4:], 16) for each in seen]
    assert numbers == list(range(11, -1, -1))
    back = await kept.page(5, before=payment_id(2))
    assert [int(each["id"][4:], 16) for each in back.data] == [7, 6, 5, 4, 3]
    assert back.has_more
    assert not (await kept.page(9, before=payment_id(2))).has_more


async def test_a_page_stays_where_it_was_when_newer_payments_come(kept: Kept) -> None:
    await kept.keep(*(view(number, at_s=number) for number in range(6)))
    first = await kept.page(3)
    await kept.keep(*(view(number, at_s=number) for number in range(6, 9)))
    second = await kept.page(3, after=first.data[-1]["id"])
    assert [int(each["id"][4:], 16) for each in second.data] == [2, 1, 0]


async def test_behind_an_unknown_cursor_and_behind_somebody_elses_there_is_nothing(kept: Kept) -> None:
    await kept.keep(view(1), view(2, merchant=SECOND, at_s=9))
    for cursor in (payment_id(3), payment_id(2)):
        assert await kept.page(after=cursor) == Page([], False)
        assert await kept.page(before=cursor) == Page([], False)


async def test_each_filter_keeps_what_fits_and_they_add_up(kept: Kept) -> None:
    await kept.keep(
        view(1, at_s=1, status="captured", currency="usd", customer="ann", metadata={"a": "1", "b": "2"}),
        view(2, at_s=2, status="declined", currency="usd", customer="ben", metadata={"a": "1"}),
        view(3, at_s=3, status="captured", currency="eur", customer=None, metadata={"a": "2", "1": "a"}),
        view(4, at_s=4, merchant=SECOND, customer="ann", metadata={"a": "1"}),
    )
    second = START + timedelta(seconds=2)
    assert await kept.found(status="captured") == {1, 3}
    assert await kept.found(currency="usd") == {1, 2}
    assert await kept.found(customer="ann") == {1}
    assert await kept.found(created_after=second) == {3}
    assert await kept.found(created_before=second) == {1}
    assert await kept.found(metadata=(("a", "1"),)) == {1, 2}
    assert await kept.found(metadata=(("a", "1"), ("b", "2"))) == {1}
    assert await kept.found(metadata=(("b", "1"),)) == set()
    assert await kept.found(status="captured", currency="usd", customer="ann", metadata=(("b", "2"),)) == {1}


async def test_a_payment_is_found_by_what_the_provider_calls_it(kept: Kept) -> None:
    await kept.keep(view(1, provider={"name": "stripe", "payment_intent": "pi_1", "charge": None}))
    await kept.keep(
        view(2, merchant=SECOND, provider={"name": "stripe", "payment_intent": "pi_2", "charge": None})
    )
    assert await kept.reader.owner("pi_1") == (payment_id(1), FIRST)
    assert await kept.reader.owner("pi_2") == (payment_id(2), SECOND)
    assert await kept.reader.owner("pi_3") is None


async def test_a_refund_tells_which_payment_it_is_of(kept: Kept) -> None:
    await kept.keep(view(1, refunds=[refund(1), refund(2, "succeeded")]))
    assert await kept.reader.refund(FIRST, refund(2)["id"]) == {
        **refund(2, "succeeded"),
        "payment": payment_id(1),
    }
    assert await kept.reader.refund(FIRST, refund(3)["id"]) is None


async def test_of_two_payments_refunds_of_one_id_the_one_made_last_is_told(kept: Kept) -> None:
    older, newer = refund(1, "succeeded"), refund(1, "failed", at_s=60)
    await kept.keep(view(1, 9, refunds=[older]), view(2, 5, refunds=[newer]), view(3, 7, refunds=[older]))
    told = {**newer, "payment": payment_id(2)}
    assert await kept.reader.refund(FIRST, refund(1)["id"]) == told


async def test_two_merchants_who_chose_the_same_refund_id_each_see_their_own(kept: Kept) -> None:
    await kept.keep(
        view(1, 1, refunds=[refund(1)]), view(2, 9, merchant=SECOND, refunds=[refund(1, "failed")])
    )
    assert (await kept.reader.refund(FIRST, refund(1)["id"]) or {})["payment"] == payment_id(1)
    assert (await kept.reader.refund(SECOND, refund(1)["id"]) or {})["payment"] == payment_id(2)


async def test_a_story_is_read_in_order_page_by_page(kept: Kept) -> None:
    await kept.keep(*(view(1, sequence) for sequence in (3, 1, 2, 4)))
    first = await kept.reader.events(FIRST, payment_id(1), 3, 0)
    rest = await kept.reader.events(FIRST, payment_id(1), 3, 3)
    assert [event["sequence"] for event in first.data] == [1, 2, 3]
    assert first.has_more
    assert [event["sequence"] for event in rest.data] == [4]
    assert not rest.has_more


async def test_what_is_for_operators_is_in_no_merchants_story(kept: Kept) -> None:
    settled = change(view(1))
    secret = replace(settled.event, for_operators={"operator": "ada"})
    await kept.store.apply([replace(settled, event=secret)])
    story = await kept.reader.events(FIRST, payment_id(1), 10, 0)
    assert story.data == [settled.event.body]


async def test_what_a_stranger_tried_on_a_payment_is_in_nobodys_story(kept: Kept) -> None:
    payment = view(1)
    await kept.store.apply([change(payment), refusal(payment, 2, SECOND), refusal(payment, 3, FIRST)])
    story = await kept.reader.events(FIRST, payment["id"], 10, 0)
    assert [event["sequence"] for event in story.data] == [1, 3]
    assert (await kept.reader.events(SECOND, payment["id"], 10, 0)).data == []


async def test_the_store_says_how_far_it_is(kept: Kept) -> None:
    await kept.keep(view(1, 4), view(2, 7, merchant=SECOND))
    found = await cast(Store, kept.reader).sequences([payment_id(number) for number in (1, 2, 3)])
    assert found == {payment_id(1): 4, payment_id(2): 7}


async def test_payments_are_found_by_their_amount(kept: Kept) -> None:
    await kept.keep(view(1), view(2, amount=500), view(3, amount=500, status="declined"))
    assert await kept.found(amount_minor=500) == {2, 3}
    assert await kept.found(amount_minor=500, status="declined") == {3}
    assert await kept.found(amount_minor=501) == set()
