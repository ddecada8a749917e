"""When a part that died is started again: the rule alone."""

import signal

from sandbox.restarts import BACKOFF_S, CALM_S, CRASH_LOOP_FAILURES, FIRST_START_FAILURES, Restarts


def test_the_first_death_is_answered_at_once_and_quick_ones_ever_later() -> None:
    restarts = Restarts()
    restarts.ready()
    delays = [restarts.died(1, ready_for_s=0.1) for _ in BACKOFF_S]
    assert delays == list(BACKOFF_S)
    assert restarts.died(1, ready_for_s=0.1) == BACKOFF_S[-1]


def test_a_calm_time_makes_the_next_death_the_first_again() -> None:
    restarts = Restarts()
    for _ in range(4):
        restarts.died(1, ready_for_s=0.1)
    assert restarts.died(1, ready_for_s=CALM_S) == 0


def test_a_part_that_never_answered_is_given_up_soon_and_one_that_did_much_later() -> None:
    fresh, proven = Restarts(), Restarts()
    proven.ready()
    assert tries(fresh) == FIRST_START_FAILURES
    assert tries(proven) == CRASH_LOOP_FAILURES


def test_answering_once_forgives_all_failures() -> None:
    restarts = Restarts()
    restarts.ready()
    for _ in range(CRASH_LOOP_FAILURES - 1):
        assert restarts.died(1, ready_for_s=0) is not None
    restarts.ready()
    assert tries(restarts) == CRASH_LOOP_FAILURES


def test_kills_are_never_held_against_a_part_and_wait_little() -> None:
    restarts = Restarts()
    for _ in range(1000):
        delay_s = restarts.died(-signal.SIGKILL, ready_for_s=0)
        assert delay_s is not None and delay_s <= 0.5


def tries(restarts: Restarts) -> int:
    count = 1
    while restarts.died(1, ready_for_s=0) is not None:
        count += 1
    return count
