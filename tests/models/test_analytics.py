"""What payments add up to: where each measure belongs, and that sums depend on which facts are known and on nothing else."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from models.analytics import (
    DAY,
    HOUR,
    MINUTE,
    Bucket,
    Fact,
    Sums,
    beginning,
    difference,
    settling_bucket,
)
from tests.analytics import START, fact, stories


def sums(facts: list[Fact], interval: str) -> dict[tuple[str, str], int]:
    return {
        (f"{bucket.begins_at:%d %H:%M}", measure): value
        for bucket, moved in difference([], facts)[1].items()
        for measure, value in moved.items()
        if bucket.interval == interval
    }


def test_a_payment_counts_where_it_was_created_and_its_money_where_it_moved() -> None:
    captured = fact(sequence=2, at_s=100, status="captured", authorized=1000, captured=1000)
    refunded = fact(sequence=3, at_s=200, status="captured", authorized=1000, captured=1000, refunded=300)
    assert sums([fact(), captured, refunded], MINUTE) == {
        ("31 23:58", "status:captured"): 1,
        ("31 23:58", "gross"): 1000,
        ("31 23:58", "payments_authorized"): 1,
        ("31 23:58", "payments_captured"): 1,
        ("31 23:58", "payments_refunded"): 1,
        ("01 00:00", "captured"): 1000,
        ("01 00:00", "settled_within:300"): 1,
        ("01 00:01", "refunded"): 300,
    }
    assert sums([fact(), captured, refunded], DAY)[("01 00:00", "refunded")] == 300


def test_money_that_comes_back_is_taken_off_where_it_came_back() -> None:
    told = [fact(sequence=1, disputed=1000), fact(sequence=2, at_s=3600, disputed=0)]
    moved = {at: value for (at, measure), value in sums(told, HOUR).items() if measure == "disputed"}
    assert moved == {"31 23:00": 1000, "01 00:00": -1000}


def test_a_decline_counts_once_by_its_code_and_a_doubt_only_while_it_lasts() -> None:
    declined = fact(sequence=2, status="declined", decline="lost_card")
    again = fact(sequence=3, at_s=500, status="declined", decline="lost_card")
    assert sums([fact(), declined, again], HOUR)[("31 23:00", "decline:lost_card")] == 1
    doubt = fact(sequence=2, status="unknown", unknown_since=START)
    assert sums([fact(), doubt], HOUR)[("31 23:00", "unknown")] == 1
    assert ("31 23:00", "unknown") not in sums([fact(), doubt, fact(sequence=3)], HOUR)


@given(st.randoms(use_true_random=False), st.integers(0, 1000), st.integers(1, 9))
def test_order_repetition_and_the_size_of_batches_change_nothing(draw, seed: int, batch: int) -> None:  # type: ignore[no-untyped-def]
    told = stories(8, seed)
    arriving = told + draw.sample(told, len(told) // 2)
    draw.shuffle(arriving)
    kept: list[Fact] = []
    total: Counter[tuple[Bucket, str]] = Counter()
    for start in range(0, len(arriving), batch):
        new = arriving[start : start + batch]
        payments = {each.payment for each in new}
        added, moves = difference([each for each in kept if each.payment in payments], new)
        kept += added
        total.update(flat(moves))
    assert sorted(kept, key=lambda one: (one.payment, one.sequence)) == told
    _, expected = difference([], told)
    assert {place: value for place, value in total.items() if value} == flat(expected)
    for interval in (MINUTE, HOUR, DAY):
        assert sum(
            value
            for (bucket, measure), value in flat(expected).items()
            if (bucket.interval, measure) == (interval, "gross")
        ) == sum(each.amount for each in told if each.sequence == 1)


def flat(moves: dict[Bucket, Sums]) -> dict[tuple[Bucket, str], int]:
    return {(bucket, measure): value for bucket, sums in moves.items() for measure, value in sums.items()}


def test_buckets_are_of_utc_wherever_a_time_comes_from() -> None:
    at = datetime(2026, 1, 31, 23, 30, tzinfo=UTC).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert beginning(at, HOUR) == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert beginning(at, DAY) == datetime(2026, 1, 31, tzinfo=UTC)


def test_time_to_settle_falls_into_the_bucket_whose_end_it_does_not_pass() -> None:
    took = [settling_bucket(timedelta(seconds=seconds)) for seconds in (0, 1, 1.001, 604_800, 604_801)]
    assert took == ["1", "1", "2", "604800", "inf"]
