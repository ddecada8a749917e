"""Keys and tokens at two real web processes: revoked within five seconds at each, and for good, also while PostgreSQL is away."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from streams.adapters.postgres import issuing
from streams.operator.commands import login
from tests.streams.adapters import issuer
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.operator import told
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = pytest.mark.real

REVOKED_WITHIN_S = 5.0  # what operators are promised
BACK_WITHIN_S = 20.0
A_MOMENT_S = 0.3


def issued(system: System) -> tuple[str, str]:
    """A key of the first merchant's, and its prefix."""
    api_key, key = issuing.create_key(system.postgres.dsn, system.merchants[0]["id"], actor="a test")
    return api_key, key.prefix


async def said_to(http: HttpClient, bearer: str, path: str = "/v1/payments?limit=1") -> list[int]:
    """The status at each door."""
    headers = {"Authorization": f"Bearer {bearer}"}
    doors = range(len(http.doors))
    return [(await http.once("GET", path, headers, door=door))[0] for door in doors]


async def test_what_is_revoked_is_refused_at_every_door_in_time_and_no_outage_brings_it_back(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("read-while-postgresql-is-away")
    path = f"/v1/payments/{made.payment_id}"
    kept, (used, used_prefix), (idle, idle_prefix) = issued(system)[0], issued(system), issued(system)
    for api_key in (kept, used, idle):
        assert await said_to(http, api_key, path) == [200, 200]
    for prefix in (used_prefix, idle_prefix):
        issuing.revoke_key(system.postgres.dsn, prefix, actor="a test")
    for _ in range(int(REVOKED_WITHIN_S / A_MOMENT_S)):
        await said_to(http, used, path)  # who goes on using it is no better off
        await asyncio.sleep(A_MOMENT_S)
    assert await said_to(http, used, path) == [401, 401]
    await asyncio.to_thread(system.postgres.stop)
    try:
        assert await said_to(http, kept, path) == [200, 200], "what was not revoked goes on"
        assert await said_to(http, used, path) in ([401, 401], [503, 503])
        assert await said_to(http, idle, path) == [401, 401]
    finally:
        await asyncio.to_thread(system.postgres.start)

    async def back() -> bool:
        return await said_to(http, kept) == [200, 200]

    await until(back, BACK_WITHIN_S, "the doors read from PostgreSQL again")
    assert await said_to(http, idle, path) == [401, 401]
    await inquest.hold()


async def test_a_rotated_key_ends_when_its_overlap_does_at_every_door(
    system: System, http: HttpClient
) -> None:
    old, prefix = issued(system)
    assert await said_to(http, old) == [200, 200]
    new, _ = issuing.rotate_key(system.postgres.dsn, prefix, timedelta(seconds=3), actor="a test")
    for _ in range(2):
        assert await said_to(http, old) == await said_to(http, new) == [200, 200]
        await asyncio.sleep(1.0)
    await asyncio.sleep(1.0 + A_MOMENT_S)
    assert await said_to(http, old) == [401, 401]
    assert await said_to(http, new) == [200, 200]


async def test_a_signed_token_pays_as_its_merchant_at_every_door(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    merchant = system.merchants[0]["id"]
    good = issuer.token("ES256", merchant=merchant)
    made = await http.create("paid-by-key")
    again = {
        "Authorization": f"Bearer {good}",
        "Idempotency-Key": "paid-by-key",
        "Content-Type": "application/json",
    }
    body = b'{"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}'
    for door in range(len(http.doors)):
        status, headers, _ = await http.once("POST", "/v1/payments", again, body, door)
        assert (status, headers.get("Idempotent-Replayed")) == (201, "true")
        assert headers["Location"].endswith(made.payment_id)
    for wrong in (
        issuer.token("ES256", merchant="mer_nobody"),
        issuer.token("ES256", merchant=merchant, aud="another"),
        issuer.token("ES256", merchant=merchant, livemode=True),
        issuer.token("RS256", merchant=merchant),
        issuer.raw({"alg": "none", "kid": "ES256"}, issuer.claims(merchant=merchant)),
    ):
        assert await said_to(http, wrong) == [401, 401]
    assert await said_to(http, issuer.token("ES256", merchant=merchant, scope="refunds:write")) == [403, 403]
    await inquest.hold()


async def test_the_command_line_tells_who_said_what(
    system: System, stranger: HttpClient, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"refund_window_days": 90}')
    whose = stranger.merchant["id"]
    (said,) = await told(system, "policies", "set", whose, str(policy), "--operator", "ada")
    assert said["policy"]["refund_window_days"] == 90
    await told(system, "policies", "drop", whose)
    acts = await told(system, "audit", whose, "--most", "2")
    assert [(act["actor"], act["action"]) for act in acts] == [
        ("ada", "policy.set"),
        (login(), "policy.dropped"),
    ]
