"""The ceiling that is learnt from refusals: against a limit of a known rate, in virtual time, whatever is offered."""

import math
from collections import deque
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.budget.bucket import BURST_S, Bucket, burst_of
from streams.budget.learnt import STEADY_S, LearntRate

TICK_S = 0.004


@dataclass
class Strict:
    """A limit as the provider keeps it: a bucket that holds a second's worth. `sent` and `refused` of the last run."""

    per_s: float
    tokens: float = 0.0
    at: float = 0.0
    sent: int = 0
    refused: int = 0

    def takes(self, now: float) -> bool:
        self.tokens = min(max(self.per_s, 1.0), self.tokens + self.per_s * (now - self.at))
        self.at, self.sent = now, self.sent + 1
        if self.tokens < 1.0:
            self.refused += 1
            return False
        self.tokens -= 1.0
        return True


def run(
    learnt: LearntRate,
    limit: Strict,
    offered_per_s: float,
    start_s: float,
    for_s: float,
    answer_s: float = 0.0,
    at_once: int = 0,
) -> int:
    """As many as `learnt` lets through of what is offered (`at_once`: to begin with); how many were good. A refusal takes
    `answer_s` to come.
    """
    now, owed, good = start_s, float(at_once), 0
    refused = deque[float]()
    limit.sent = limit.refused = 0
    while now < start_s + for_s:
        now += TICK_S
        while refused and refused[0] + answer_s <= now:
            learnt.refused(now, refused.popleft())
        owed = min(owed + offered_per_s * TICK_S, max(50.0, at_once))
        for _ in range(int(min(owed, learnt.available(now)))):
            owed -= 1
            learnt.take(now, 1)
            if limit.takes(now):
                good += 1
            else:
                refused.append(now)
    return good


@pytest.mark.parametrize(
    ("per_s", "least_used", "most_refused"),
    [(2.0, 0.93, 0.06), (3.0, 0.93, 0.06), *((per_s, 0.97, 0.02) for per_s in (5.0, 10.0, 25.0, 100.0))],
)
def test_at_three_times_the_limit_nearly_all_of_it_is_used_and_hardly_anything_refused(
    per_s: float, least_used: float, most_refused: float
) -> None:
    learnt, limit = LearntRate.begun(0.0), Strict(per_s)
    run(learnt, limit, 3 * per_s, 0.0, 10.0)
    good = run(learnt, limit, 3 * per_s, 10.0, 120.0)
    assert good >= least_used * per_s * 120
    assert limit.refused <= most_refused * limit.sent


@dataclass
class AtRandom(Strict):
    """Refuses so much of whatever is sent, however little that is: no limit can be learnt from it."""

    part: float = 0.5

    def __post_init__(self) -> None:
        self.random = Random(1)

    def takes(self, now: float) -> bool:
        return self.random.random() >= self.part


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("offered_per_s", [2.0, 5.0, 20.0])
def test_a_ceiling_of_a_send_or_two_is_not_believed_for_long(part: float, offered_per_s: float) -> None:
    """What waits when it is over is hundreds of calls, and a minute is what they have."""
    learnt = LearntRate.begun(0.0)
    run(learnt, AtRandom(1.0, part=part), offered_per_s, 0.0, 30.0)
    assert run(learnt, Strict(1_000.0, at=30.0), 50.0, 30.0, 60.0, at_once=500) >= 300


def test_a_limit_is_found_within_seconds_by_a_sender_that_knew_none() -> None:
    learnt, limit = LearntRate.begun(0.0), Strict(25.0, tokens=25.0)
    run(learnt, limit, 75.0, 0.0, 4.0)
    assert limit.refused < 40
    assert 15.0 <= (learnt.per_s(4.0) or 0.0) <= 30.0


@pytest.mark.parametrize("answer_s", [0.1, 0.6, 2.0])
@pytest.mark.parametrize("start_s", [0.0, 0.5, 0.95])
def test_however_long_an_answer_takes_the_refusals_of_one_burst_do_not_bury_what_was_good(
    answer_s: float, start_s: float
) -> None:
    learnt, limit = LearntRate.begun(0.0), Strict(25.0, tokens=25.0, at=start_s)
    good = run(learnt, limit, 75.0, start_s, 30.0, answer_s, at_once=256)
    assert good >= 0.95 * 25 * 30
    assert limit.refused <= 256 + 75 * answer_s + 0.05 * limit.sent


def test_a_limit_that_was_lifted_is_found_out_within_two_minutes() -> None:
    learnt, limit = LearntRate.begun(0.0), Strict(25.0)
    run(learnt, limit, 75.0, 0.0, 20.0)
    good = run(learnt, Strict(1_000.0, at=20.0), 300.0, 20.0, 120.0)
    late = run(learnt, Strict(1_000.0, at=140.0), 300.0, 140.0, 10.0)
    assert late >= 0.95 * 3_000
    assert good > 25 * 120


def test_without_a_refusal_there_is_no_ceiling() -> None:
    learnt = LearntRate.begun(0.0)
    learnt.take(0.0, 1_000_000)
    assert learnt.per_s(STEADY_S) is None


def test_refusals_of_what_was_under_way_are_one_cut_to_what_was_good() -> None:
    learnt = LearntRate.begun(0.0)
    learnt.take(0.5, 100)
    assert learnt.refused(0.6, 0.5)
    assert not any(learnt.refused(0.6 + n / 1000, 0.5) for n in range(74))
    assert learnt.per_s(0.6) == pytest.approx(25 * 0.97)


@pytest.mark.parametrize("earlier", [[], [10.0]])
def test_who_sends_little_and_is_refused_once_is_slowed_for_seconds_only(earlier: list[float]) -> None:
    """Another sender had its turn; the next burst of ours must not wait for half a minute."""
    learnt, now = LearntRate.begun(0.0), 60.0
    for refused_at in earlier:
        learnt.take(refused_at, 20)
        learnt.refused(refused_at + 0.1, refused_at)
    for n in range(6):
        learnt.take(now - 1.5 + n / 2, 1)  # two a second
    learnt.refused(now + 1.1, now + 1.0)
    assert (learnt.per_s(now + 5.0) or 1e9) >= 10.0


def test_who_was_refused_at_the_very_first_send_finds_the_limit_all_the_same() -> None:
    learnt, empty = LearntRate.begun(0.0), Strict(25.0)
    run(learnt, empty, 75.0, 0.0, 10.0)
    assert run(learnt, empty, 75.0, 10.0, 10.0) >= 0.95 * 250


@pytest.mark.parametrize("sent", [(0.5, 1), (1.5, 100)], ids=["at the first send", "when it was known well"])
def test_after_a_quiet_week_an_old_ceiling_is_none(sent: tuple[float, int]) -> None:
    learnt = LearntRate.begun(0.0)
    learnt.take(0.5, 1)
    learnt.take(*sent)
    assert learnt.refused(sent[0], sent[0])
    assert learnt.available(7 * 86_400.0) == math.inf
    assert learnt.per_s(7 * 86_400.0) is None and learnt.wait_s(7 * 86_400.0) == 0.0


@given(
    st.floats(0.1, 10_000),
    st.lists(st.tuples(st.floats(0, 2), st.integers(0, 100)), min_size=1, max_size=60),
)
def test_a_bucket_never_gives_more_than_its_rate_and_its_burst(
    per_s: float, steps: list[tuple[float, int]]
) -> None:
    bucket, now, given_in_all = Bucket(0.0), 0.0, 0
    for wait_s, wanted in steps:
        now += wait_s
        taken = min(wanted, bucket.available(now, per_s))
        bucket.take(taken)
        given_in_all += taken
        assert bucket.tokens >= 0
        assert given_in_all <= per_s * now + burst_of(per_s) + 1e-6
    assert burst_of(per_s) <= max(1.0, per_s * BURST_S)
