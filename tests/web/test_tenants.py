"""Every route and method of the table, with the wrong tenant and other wrong callers: a route that is added is walked too."""

import re
from typing import Any

import pytest

from tests.web.fakes import PAYMENT, Door, Told
from tests.web.service import KEY, LIVE_KEY, OPERATOR_KEY, OTHER_KEY, OTHER_TOKEN, TOKEN
from tests.web.tenants import SECRET, alices
from tests.web.walking import IDS, MERCHANTS_ROUTES, WALK, body_of
from web.routes import ROUTES, Route

every_route = pytest.mark.parametrize(("method", "route"), WALK, ids=IDS)


async def ask(door: Door, method: str, route: Route, path: str, **more: Any) -> Told:
    key = {"Idempotency_Key": f"walk-{route.operation}"} if route.command else {}
    return await door.ask(method, path, body_of(route), **key, **more)


def test_every_route_of_the_api_is_some_scopes_and_is_walked() -> None:
    assert len(MERCHANTS_ROUTES) >= 9
    assert all(route.scope for route in ROUTES if route.path.startswith("/v1/") or route.command)


@every_route
async def test_another_merchant_finds_nothing_and_changes_nothing(
    door: Door, method: str, route: Route
) -> None:
    estate = await alices(door)
    before, path = estate.views(), estate.owned.path(route)
    names_hers = estate.owned.is_named_by(route)
    for key in (OTHER_KEY, OTHER_TOKEN):
        told = await ask(door, method, route, path, key=key)
        assert (told.status == 404) if names_hers else (told.status in (200, 201)), told.body
        if method != "HEAD" and names_hers:
            assert told.body["code"] == "not_found"
        said = told.raw.decode() + str(told.headers)
        for secret in estate.secrets() - set(re.findall(r"(?:pay|re|we|msg)_\w+", path)):
            assert secret not in said
        assert estate.views() == before


@every_route
@pytest.mark.parametrize("key", [KEY, TOKEN])
async def test_the_owner_finds_it_there(door: Door, method: str, route: Route, key: str) -> None:
    """Else the test above would prove nothing."""
    estate = await alices(door)
    told = await ask(door, method, route, estate.owned.path(route), key=key)
    assert told.status in (200, 201), told.body


async def test_another_merchants_list_holds_nothing_of_hers(door: Door) -> None:
    estate = await alices(door)
    own = (await door.post("/v1/payments", PAYMENT, key=OTHER_KEY)).body["id"]
    for query in ("", "?customer=cus_alice", "?limit=100", f"?metadata[note]={SECRET}"):
        told = await door.get(f"/v1/payments{query}", key=OTHER_KEY)
        assert {view["id"] for view in told.body["data"]} <= {own}
    for cursor in ("starting_after", "ending_before"):
        told = await door.get(f"/v1/payments?{cursor}={own}", key=OTHER_KEY)
        assert estate.owned.held not in told.raw.decode()


WRONG: tuple[tuple[str | None, int, str | None], ...] = (
    (None, 401, None),
    ("mr_test_nobody", 401, "invalid_token"),
    (LIVE_KEY, 401, "invalid_token"),
    ("eyJ4.eyJ4.x", 401, "invalid_token"),
    ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmUifQ.", 401, "invalid_token"),
    (OPERATOR_KEY, 403, "insufficient_scope"),
)


@every_route
async def test_who_is_no_merchant_of_this_system_gets_nowhere(door: Door, method: str, route: Route) -> None:
    estate = await alices(door)
    before, appended = estate.views(), len(door.service.appended)
    for key, status, error in WRONG:
        told = await ask(door, method, route, estate.owned.path(route), key=key)
        assert told.status == status
        assert (f'error="{error}"' in told.headers["WWW-Authenticate"]) == (error is not None)
        assert not any(secret in told.raw.decode() for secret in estate.secrets())
    assert estate.views() == before and len(door.service.appended) == appended
