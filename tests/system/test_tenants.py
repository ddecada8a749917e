"""Two merchants on real servers: neither sees or touches what is the other's, by any route at any door, nor by Kafka."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.scopes import SCOPES
from tests.streams.adapters import issuer
from tests.system.history import History, Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient, listening, replies_on
from tests.system.stack import System
from tests.system.waiting import until
from tests.web.walking import WALK, Owned, body_of
from web.routes import Route

pytestmark = pytest.mark.real

SECRET = "only its owner may read this"
NOBODY = "http://127.0.0.1:9/hook"  # where nobody listens
REPLIES, REPLIES_WITHIN_S = "payments.replies.tenants-tests", 15.0


async def own(http: HttpClient, name: str) -> tuple[Owned, list[Operation]]:
    endpoint = await _endpoint(http)
    hers: dict[str, Any] = {"description": SECRET, "metadata": {"note": SECRET, "whose": name}}
    held = await http.create(f"{name}-held", capture_method="manual", **hers)
    taken = await http.create(f"{name}-taken", **hers)
    refund = await http.refund(taken.payment_id, f"{name}-refund", amount=100)
    assert (held.status, taken.status, refund.status) == (201, 201, 201)
    ids = held.payment_id, taken.payment_id, refund.answer["id"], endpoint, await _delivery(http, endpoint)
    return Owned(*ids), [held, taken, refund]


async def _endpoint(http: HttpClient) -> str:
    body = json.dumps({"url": NOBODY, "description": SECRET}).encode()
    headers = http.authorized() | {"Content-Type": "application/json"}
    status, _, raw = await http.once("POST", "/v1/webhook_endpoints", headers, body)
    assert status == 201, raw
    return str(json.loads(raw)["id"])


async def _delivery(http: HttpClient, endpoint: str) -> str:
    """One that was attempted, and failed."""
    tried: list[str] = []

    async def is_tried() -> bool:
        _, page = await http.get(f"/v1/webhook_endpoints/{endpoint}/deliveries")
        tried.extend(each["id"] for each in page["data"] if each["attempts"])
        return bool(tried)

    await until(is_tried, 30.0, "a webhook is tried")
    return tried[0]


async def views(http: HttpClient, owned: Owned) -> list[dict[str, Any]]:
    """A stranger's refused command takes a number in the story, and changes nothing else."""
    found = [(await http.get(f"/v1/payments/{id}"))[1] for id in (owned.held, owned.taken)]
    found.append((await http.get(f"/v1/webhook_endpoints/{owned.endpoint}"))[1])
    moving = ("sequence", "updated_at", "failing_since")
    return [{k: v for k, v in view.items() if k not in moving} for view in found]


async def ask(
    client: HttpClient, method: str, route: Route, owned: Owned, door: int, authorized: dict[str, str]
) -> tuple[int, str]:
    headers = authorized | {"Content-Type": "application/json"}
    if route.command:
        headers["Idempotency-Key"] = f"walk-{route.operation}"
    body = None if body_of(route) is None else json.dumps(body_of(route)).encode()
    status, told, raw = await client.once(method, owned.path(route), headers, body, door)
    return status, raw.decode() + str(told)


def bearer(stranger: HttpClient) -> list[dict[str, str]]:
    token = issuer.token("ES256", merchant=stranger.merchant["id"], scope=" ".join(SCOPES))
    return [stranger.authorized(), {"Authorization": f"Bearer {token}"}]


async def test_no_route_at_any_door_leads_to_another_merchants_payment(
    http: HttpClient, stranger: HttpClient, inquest: Inquest
) -> None:
    owned, made = await own(http, "walked")
    await inquest.hold()  # until when it is authorized may be told a moment later
    before = await views(http, owned)
    intents = {each.answer["provider"]["payment_intent"] for each in made[:2]}
    walk = [(method, route) for method, route in WALK if owned.is_named_by(route)]
    assert len(walk) >= 10
    for method, route in walk:
        for door in range(len(http.doors)):
            for authorized in bearer(stranger):
                status, said = await ask(stranger, method, route, owned, door, authorized)
                assert status == 404, (method, route.path)
                assert not any(secret in said for secret in (SECRET, http.merchant["id"], *intents))
    for query in ("metadata[whose]=walked", "limit=100"):
        told = json.dumps((await stranger.get(f"/v1/payments?{query}"))[1])
        assert owned.held not in told and SECRET not in told
    await inquest.hold()
    assert await views(http, owned) == before


@pytest.fixture
async def on_kafka(system: System, stranger: HttpClient, history: History) -> AsyncIterator[KafkaClient]:
    """The stranger, who may write commands."""
    async with KafkaClient(system.kafka.bootstrap, stranger.merchant["id"], history) as client:
        yield client


async def test_no_command_on_kafka_touches_another_merchants_payment(
    system: System, http: HttpClient, stranger: HttpClient, on_kafka: KafkaClient, inquest: Inquest
) -> None:
    owned, _ = await own(http, "by-record")
    await inquest.hold()  # here as well
    before = await views(http, owned)
    create = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
    resolve = {"resolution": "canceled", "evidence": "none", "operator": "eve"}
    async with listening(system.kafka, REPLIES) as replies:
        sent = [
            await on_kafka.command("capture", "k-capture", owned.held, {"amount": 1}, f"{REPLIES}/0"),
            await on_kafka.command("cancel", "k-cancel", owned.held, {}, f"{REPLIES}/0"),
            await on_kafka.command("create", "k-create", owned.held, create, f"{REPLIES}/0"),
            await on_kafka.command("resolve", "k-resolve", owned.held, resolve, f"{REPLIES}/0"),
            await on_kafka.refund(owned.taken, "k-refund", f"{REPLIES}/0", amount=1),
        ]
        told = await replies_on(replies, {each.command_id for each in sent}, REPLIES_WITHIN_S)
    for reply in told.values():
        assert (reply["code"], reply.get("payment")) == ("not_found", None)
        assert SECRET not in json.dumps(reply)
    await inquest.hold()
    assert await views(http, owned) == before
    for client, refused in ((http, 0), (stranger, 404)):
        status, story = await client.get(f"/v1/payments/{owned.held}/events")
        assert status == (refused or 200)
        assert "command.refused.v1" not in json.dumps(story), "nor is the owner shown what a stranger tried"


async def test_the_operators_key_is_known_and_opens_nothing_that_is_a_merchants(
    system: System, http: HttpClient
) -> None:
    operator = {"Authorization": f"Bearer {system.service.endpoints['operator']['api_key']}"}
    nothing = Owned(
        "pay_" + "0" * 32, "pay_" + "0" * 32, "re_" + "0" * 32, "we_" + "0" * 32, "msg_" + "0" * 32
    )
    for method, route in WALK:
        for door in range(len(http.doors)):
            status, said = await ask(http, method, route, nothing, door, operator)
            assert (status, "insufficient_scope" in said) == (403, True), (method, route.path)
