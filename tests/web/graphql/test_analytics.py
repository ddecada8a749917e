"""Analytics in GraphQL: REST's own figures, refused in its own words, and counted by how many entries they may have."""

import re

import pytest

from tests.analytics import fact
from tests.web.fakes import Door
from tests.web.graphql.client import ask, codes, errors
from tests.web.service import ALICE, BOB, OTHER_KEY, READ_ONLY_KEY

RANGE = 'from: "2026-01-31T00:00:00Z", to: "2026-02-01T00:00:00Z"'
FIGURES = (
    "currency beginsAt endsAt payments byStatus gross captured refunded disputed net authorizationRate refundRate disputeRate "
    "settled settledP50S settledP95S settledP99S unknown unknownSince"
)


@pytest.fixture
def told(door: Door) -> Door:
    door.service.analytics.facts += [
        fact("pay_1", merchant=ALICE, amount=1999),
        fact("pay_1", 2, 3, merchant=ALICE, amount=1999, status="captured", authorized=1999, captured=1999),
        fact("pay_2", merchant=ALICE, currency="eur", status="declined", decline="lost", amount=500),
        fact("pay_3", merchant=BOB, amount=777_777),
    ]
    return door


def as_rest(entry: dict[str, object]) -> dict[str, object]:
    return {re.sub(r"([A-Z]|\d+)", r"_\1", name).lower(): value for name, value in entry.items()}


async def test_the_figures_are_rests_own(told: Door) -> None:
    query = f"""{{ analytics {{
        summary({RANGE}) {{ {FIGURES} }}
        timeseries({RANGE}, interval: day) {{ {FIGURES} }}
        declines({RANGE}, currency: "eur", paymentMethod: card) {{ currency beginsAt endsAt code payments }}
    }} }}"""
    answer = (await ask(told, query)).body
    assert "errors" not in answer, answer
    url = "from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z"
    for name, more in (("summary", ""), ("timeseries", "&interval=day"), ("declines", "&currency=eur")):
        rest = (await told.get(f"/v1/analytics/{name}?{url}{more}")).body["data"]
        plain = [{key: value for key, value in each.items() if key != "object"} for each in rest]
        shown = answer["data"]["analytics"][name]
        assert [set(map(str, as_rest(each).values())) for each in shown] == [
            set(map(str, each.values())) for each in plain
        ]
        assert shown and len(shown[0]) == len(plain[0])


async def test_another_merchants_are_not_shown_and_a_scope_is_needed(told: Door) -> None:
    query = f"{{ analytics {{ summary({RANGE}) {{ gross }} }} }}"
    assert (await ask(told, query, key=OTHER_KEY)).body["data"]["analytics"]["summary"] == [
        {"gross": 777_777}
    ]
    assert codes(await ask(told, query, key=READ_ONLY_KEY)) == ["forbidden"]


async def test_what_cannot_be_asked_is_said_in_rests_words(told: Door) -> None:
    query = '{ analytics { summary(from: "2026-02-01T00:00:00Z", to: "2026-01-01T00:00:00Z") { gross } } }'
    refused = await ask(told, query)
    assert codes(refused) == ["validation_failed"]
    assert errors(refused)[0]["errors"] == [{"field": "to", "message": "must be later than from"}]


async def test_a_series_counts_by_its_buckets_also_where_a_variable_says_how_long_they_are(
    told: Door,
) -> None:
    series = "{ analytics { timeseries(%s, interval: %s) { %s } } }"
    assert "errors" not in (await ask(told, series % (RANGE, "day", FIGURES))).body
    assert codes(await ask(told, series % (RANGE, "minute", FIGURES))) == ["validation_failed"]
    asked = "query($i: Interval!) " + series % (RANGE, "$i", FIGURES)
    assert "errors" not in (await ask(told, asked, {"i": "day"})).body
    assert codes(await ask(told, asked, {"i": "minute"})) == ["validation_failed"]
    by_default = "query($i: Interval = %s) " + series % (RANGE, "$i", FIGURES)
    assert "errors" not in (await ask(told, by_default % "day")).body
    assert codes(await ask(told, by_default % "minute")) == ["validation_failed"]
    assert "errors" not in (await ask(told, by_default % "minute", {"i": "day"})).body


async def test_many_reads_in_one_query_cost_as_many(told: Door) -> None:
    three = f"summary({RANGE}) {{ net }} declines({RANGE}) {{ code }} timeseries({RANGE}, interval: day) {{ net }}"
    many = " ".join(f"a{n}: analytics {{ ...f }}" for n in range(26))
    [refused] = errors(await ask(told, f"{{ {many} }} fragment f on Analytics {{ {three} }}"))
    assert refused["errors"][0]["message"].startswith("must not cost more")
