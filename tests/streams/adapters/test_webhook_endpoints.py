"""The contract of WebhookEndpoints, held by PostgreSQL and by the fake: made once by request, and a merchant's own alone."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from models.webhook_endpoints import ENDPOINTS_MAX, Endpoint, WebhookEndpoints, Wished
from models.webhooks import ENDPOINT_ID
from streams.adapters.postgres import Postgres
from streams.adapters.postgres.webhook_endpoints import PostgresWebhookEndpoints
from streams.sealing import Sealing
from tests.fakes import FakeWebhookEndpoints

pytestmark = pytest.mark.real

MERCHANT, OTHER, URL, BY = "mer_1", "mer_2", "https://shop.example/hook", "a test"
DAY = timedelta(days=1)


@pytest_asyncio.fixture(params=["fake", "postgres"])
async def endpoints(request: pytest.FixtureRequest) -> AsyncIterator[WebhookEndpoints]:
    if request.param == "fake":
        yield FakeWebhookEndpoints()
        return
    postgres = Postgres(request.getfixturevalue("database"))
    yield PostgresWebhookEndpoints(postgres, Sealing([f"a:{base64.b64encode(b'k' * 32).decode()}"]))
    await postgres.close()


async def made(endpoints: WebhookEndpoints, merchant: str = MERCHANT) -> Endpoint:
    created = await endpoints.create(merchant, Wished(URL), uuid4(), BY)
    assert created
    return created.endpoint


async def test_an_endpoint_is_made_as_it_was_wished(endpoints: WebhookEndpoints) -> None:
    plain = await endpoints.create(MERCHANT, Wished(URL), uuid4(), BY)
    assert plain and plain.secret and plain.secret.startswith("whsec_") and not plain.replayed
    first = plain.endpoint
    assert ENDPOINT_ID.fullmatch(first.id)
    assert (first.url, first.event_types, first.ordered, first.description) == (URL, ["*"], False, "")
    assert first.disabled_at is None
    wished = Wished(URL, ("payment.*", "refund.failed.v1"), True, "the shop", False)
    choosy = await endpoints.create(MERCHANT, wished, uuid4(), BY)
    assert choosy and choosy.endpoint.disabled_at
    assert choosy.endpoint.event_types == ["payment.*", "refund.failed.v1"]
    assert [each.id for each in await endpoints.all(MERCHANT)] == [first.id, choosy.endpoint.id]
    assert await endpoints.one(MERCHANT, first.id) == first


async def test_the_same_request_makes_one_endpoint_and_is_told_its_secret_again(
    endpoints: WebhookEndpoints,
) -> None:
    request = uuid4()
    once, again = [await endpoints.create(MERCHANT, Wished(URL), request, BY) for _ in range(2)]
    assert once and again
    assert (again.endpoint, again.secret, again.replayed) == (once.endpoint, once.secret, True)
    assert len(await endpoints.all(MERCHANT)) == 1
    rolled = await endpoints.rotate(MERCHANT, once.endpoint.id, DAY, uuid4(), BY)
    assert rolled and rolled.secret != once.secret
    late = await endpoints.create(MERCHANT, Wished(URL), request, BY)
    assert late and late.secret is None, "there is a newer one, which it did not make"


async def test_the_same_rotation_is_one_rotation(endpoints: WebhookEndpoints) -> None:
    id, request = (await made(endpoints)).id, uuid4()
    once, again = [await endpoints.rotate(MERCHANT, id, DAY, request, BY) for _ in range(2)]
    assert once and again
    assert (once.replayed, again.replayed, again.secret) == (False, True, once.secret)
    other = await endpoints.rotate(MERCHANT, id, DAY, uuid4(), BY)
    assert other and other.secret != once.secret
    late = await endpoints.rotate(MERCHANT, id, DAY, request, BY)
    assert late and late.replayed and late.secret is None, "it is not made anew: it may be in use still"


async def test_what_is_changed_is_changed_and_nothing_else(endpoints: WebhookEndpoints) -> None:
    first = await made(endpoints)
    changed = await endpoints.change(MERCHANT, first.id, Wished(ordered=True, description="mine"), BY)
    assert changed and (changed.url, changed.ordered, changed.description) == (URL, True, "mine")
    off = await endpoints.change(MERCHANT, first.id, Wished(enabled=False), BY)
    assert off and off.disabled_at and off.disabled_why == "disabled by the merchant"
    still = await endpoints.change(MERCHANT, first.id, Wished(url=f"{URL}/2"), BY)
    assert still and still.disabled_at, "another change does not enable it"
    on = await endpoints.change(MERCHANT, first.id, Wished(enabled=True), BY)
    assert on and (on.disabled_at, on.disabled_why, on.url) == (None, None, f"{URL}/2")
    told = await endpoints.disable(MERCHANT, first.id, "too slow", BY)
    assert told and told.disabled_why == "too slow"
    assert (await endpoints.enable(MERCHANT, first.id, BY)) == on


async def test_another_merchants_is_not_there(endpoints: WebhookEndpoints) -> None:
    mine = await made(endpoints)
    assert await endpoints.all(OTHER) == []
    assert await endpoints.one(OTHER, mine.id) is None
    assert await endpoints.change(OTHER, mine.id, Wished(enabled=False), BY) is None
    assert await endpoints.rotate(OTHER, mine.id, DAY, uuid4(), BY) is None
    assert await endpoints.disable(OTHER, mine.id, "why not", BY) is None
    assert await endpoints.enable(OTHER, mine.id, BY) is None
    assert await endpoints.delete(OTHER, mine.id, BY) is None
    assert await endpoints.deliveries(OTHER, mine.id, 10) == []
    assert await endpoints.one(MERCHANT, mine.id) == mine
    assert await endpoints.delete(MERCHANT, mine.id, BY) == mine
    assert await endpoints.all(MERCHANT) == []


async def test_a_merchant_has_a_bounded_number(endpoints: WebhookEndpoints) -> None:
    first = uuid4()
    assert await endpoints.create(MERCHANT, Wished(URL), first, BY)
    for _ in range(ENDPOINTS_MAX - 1):
        await made(endpoints)
    assert await endpoints.create(MERCHANT, Wished(URL), uuid4(), BY) is None
    again = await endpoints.create(MERCHANT, Wished(URL), first, BY)
    assert again and again.replayed, "what is there already is told all the same"
    assert await endpoints.create(OTHER, Wished(URL), uuid4(), BY)


async def test_a_merchants_number_is_bounded_however_many_are_asked_for_at_once(
    endpoints: WebhookEndpoints,
) -> None:
    request = uuid4()
    requests = [request, request, *(uuid4() for _ in range(2 * ENDPOINTS_MAX))]
    told = await asyncio.gather(*(endpoints.create(MERCHANT, Wished(URL), each, BY) for each in requests))
    there = {each.endpoint.id for each in told if each}
    assert len(there) == ENDPOINTS_MAX
    assert {each.id for each in await endpoints.all(MERCHANT)} == there
