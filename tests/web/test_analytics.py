"""Analytics over REST: what may be asked, what comes as JSON and as a table, and for whom."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.analytics import fact
from tests.web.fakes import Door
from tests.web.service import ALICE, BOB, OTHER_KEY, READ_ONLY_KEY
from web.csv_tables import is_wanted

RANGE = "from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z"
ROUTES = ("summary", "timeseries", "declines")


def url(route: str, query: str = RANGE) -> str:
    return f"/v1/analytics/{route}?{query}" + ("&interval=hour" if route == "timeseries" else "")


@pytest.fixture
def told(door: Door) -> Door:
    door.service.analytics.facts += [
        fact("pay_1", merchant=ALICE, amount=1999),
        fact("pay_1", 2, 3, merchant=ALICE, amount=1999, status="captured", authorized=1999, captured=1999),
        fact("pay_2", merchant=ALICE, currency="eur", status="declined", decline="=cmd()", amount=500),
        fact("pay_3", merchant=BOB, amount=777_777),
    ]
    return door


async def test_a_summary_has_an_entry_per_currency_of_the_callers_own(told: Door) -> None:
    answer = await told.get(url("summary"))
    assert answer.status == 200
    eur, usd = answer.body["data"]
    assert (eur["currency"], eur["payments"], eur["authorization_rate"]) == ("eur", 1, 0.0)
    assert (usd["currency"], usd["captured"], usd["net"], usd["settled_p50_s"]) == ("usd", 1999, 1999, 3.5)
    assert usd["by_status"]["captured"] == 1
    assert (await told.get(url("summary", RANGE + "&currency=eur"))).body["data"] == [eur]
    assert (await told.get(url("summary", RANGE + "&payment_method=other"))).body["data"] == []


async def test_a_series_and_the_declines_are_told_too(told: Door) -> None:
    series = (await told.get(url("timeseries"))).body["data"]
    assert [(each["begins_at"], each["currency"]) for each in series] == [
        ("2026-01-31T23:00:00.000Z", "eur"),
        ("2026-01-31T23:00:00.000Z", "usd"),
    ]
    [decline] = (await told.get(url("declines"))).body["data"]
    assert (decline["code"], decline["payments"], decline["currency"]) == ("=cmd()", 1, "eur")


async def test_a_table_says_the_same_as_json_and_holds_no_formula(told: Door) -> None:
    for route in ROUTES:
        answer = await told.get(url(route), Accept="text/csv, application/json;q=0.5")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Vary"] == "Accept"
        rows = list(csv.DictReader(io.StringIO(answer.raw.decode(), newline="")))
        asked = (await told.get(url(route))).body["data"]
        assert [row["currency"] for row in rows] == [each["currency"] for each in asked]
        assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    assert rows[0]["code"] == "'=cmd()"
    empty = await told.get(url("summary"), key=OTHER_KEY, Accept="text/csv")
    assert len(empty.raw.decode().splitlines()) == 2
    nothing = await told.get(url("declines"), key=OTHER_KEY, Accept="text/csv")
    assert nothing.raw == b"currency,begins_at,ends_at,code,payments\r\n"


async def test_more_figures_than_can_be_told_at_once_are_refused(
    told: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.figures.SUMS_MAX", 1)
    for route in ROUTES:
        refused = await told.get(url(route))
        assert (refused.status, [each["field"] for each in refused.body["errors"]]) == (422, ["to"])
        assert (await told.get(url(route, RANGE + "&currency=usd"))).status == 200


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/csv", True),
        ("application/json, text/csv", False),
        ("TEXT/CSV;q=1", True),
    ],
)
def test_a_table_is_wanted_where_it_stands_before_json(accept: str, wanted: bool) -> None:
    assert is_wanted(accept) is wanted


async def test_nobody_sees_another_merchants_and_a_scope_is_needed(told: Door) -> None:
    for route in ROUTES:
        bobs = await told.get(url(route), key=OTHER_KEY)
        assert "1999" not in bobs.raw.decode() and "cmd" not in bobs.raw.decode()
        alices = await told.get(url(route))
        assert "777777" not in alices.raw.decode()
        refused = await told.get(url(route), key=READ_ONLY_KEY)
        assert (refused.status, refused.body["code"]) == (403, "forbidden")
        assert "analytics:read" in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("route", "query", "fields"),
    [
        ("summary", "", ["from", "to"]),
        ("summary", "from=yesterday&to=2026-02-01T00:00:00", ["from", "to"]),
        ("summary", "from=2026-02-01T00:00:00Z&to=2026-02-01T00:00:00Z", ["to"]),
        ("summary", "from=2025-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", ["to"]),
        ("summary", "from=9999-12-31T00:00:00Z&to=9999-12-31T23:59:30Z", ["to"]),
        (
            "declines",
            RANGE + "&currency=USD&payment_method=gold&color=1",
            ["color", "currency", "payment_method"],
        ),
        ("timeseries", RANGE + "&interval=week", ["interval"]),
        ("timeseries", RANGE, ["interval"]),
        ("timeseries", "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:01Z&interval=minute", ["to"]),
        ("timeseries", "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z&interval=hour", ["to"]),
        ("summary", RANGE + "&interval=hour", ["interval"]),
    ],
)
async def test_what_cannot_be_asked_is_said_field_by_field(
    door: Door, route: str, query: str, fields: list[str]
) -> None:
    answer = await door.get(f"/v1/analytics/{route}?{query}")
    assert (answer.status, answer.body["code"]) == (422, "validation_failed")
    assert [each["field"] for each in answer.body["errors"]] == fields


async def test_a_range_within_a_bucket_tells_of_the_whole_bucket(told: Door) -> None:
    at = datetime(2026, 1, 31, 23, 58, 40, tzinfo=UTC)
    query = f"from={at:%FT%TZ}&to={at + timedelta(seconds=1):%FT%TZ}&currency=usd"
    [usd] = (await told.get(url("summary", query))).body["data"]
    assert (usd["begins_at"], usd["ends_at"]) == ("2026-01-31T23:58:00.000Z", "2026-01-31T23:59:00.000Z")
    assert usd["gross"] == 1999


async def test_who_has_an_answer_already_is_told_so_by_its_form(told: Door) -> None:
    first = await told.get(url("summary"))
    again = await told.get(url("summary"), If_None_Match=first.headers["ETag"])
    assert (again.status, again.raw, again.headers["Vary"]) == (304, b"", "Accept")
    table = await told.get(url("summary"), If_None_Match=first.headers["ETag"], Accept="text/csv")
    assert table.status == 200


async def test_a_store_that_is_away_is_a_503(told: Door) -> None:
    told.service.analytics.away = True
    assert (await told.get(url("summary"))).status == 503
