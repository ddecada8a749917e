"""That a campaign of ten seeds tries each case of each fault: what is drawn may leave some out, what is taken in turn may not."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any, TypeVar, cast

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.catalogue.clocks import CASES as CLOCKS
from tests.faults.catalogue.disks import DISKS, FAILING
from tests.faults.catalogue.fault import pairs
from tests.faults.catalogue.network import CASES as NETWORK
from tests.faults.catalogue.processes import DOORS, JOINERS, SLEEPERS, SLOW, STEPS, WORKER_POINTS
from tests.faults.catalogue.servers import KILLED, REDIS, WAYS
from tests.faults.catalogue.stripe import ERRORS, SOME
from tests.faults.catalogue.versions import ROLES
from tests.faults.draws import Draws
from tests.faults.world import World

SEEDS = range(1, 11)
PAIRED = range(1, 41)
TURNS: dict[str, Sequence[object]] = {
    "F1": STEPS,
    "F2": SLEEPERS,
    "F3": DOORS,
    "F5": KILLED,
    "F6": NETWORK,
    "F7": tuple(WAYS),
    "F8": REDIS,
    "F10": SOME,
    "F15": JOINERS,
    "F16": SLOW,
    "F17": CLOCKS,
    "F18": DISKS,
    "F19": FAILING,
    "F22": ROLES,
}
"""What each fault chooses from; the others have no choice."""
T = TypeVar("T")


class Taken(Exception):
    """A fault has taken its turn, and goes no further: there is no world here."""


class Nowhere(World):
    def __init__(self, fault: str, seed: int) -> None:
        self.draws = Draws(fault, seed)

    def turn(self, options: Sequence[T]) -> T:
        raise Taken(super().turn(options))


async def taken(fault: str, seed: int) -> Any:
    with pytest.raises(Taken) as raised:
        await FAULTS[fault].inject(Nowhere(fault, seed))
    return raised.value.args[0]


@pytest.mark.parametrize("fault", TURNS)
async def test_ten_seeds_try_every_case(fault: str) -> None:
    tried = [await taken(fault, seed) for seed in SEEDS]
    assert [case for case in TURNS[fault] if case not in tried] == []


async def test_every_step_of_a_worker_is_its_end_and_most_often_a_gateways_is_next() -> None:
    struck = [await taken("F1", seed) for seed in SEEDS]
    assert {point for point, _, _ in struck} == set(WORKER_POINTS)
    assert Counter(role for _, role, _ in struck).most_common(1)[0][0] == "gateway"
    assert {done for _, role, done in struck if role == "gateway"} == {True, False}


async def test_the_network_fails_in_each_way_for_one_broker_and_for_all() -> None:
    struck = {(how, len(numbers)) for how, numbers in [await taken("F6", seed) for seed in SEEDS]}
    both = {(how, count) for how in ("drop", "reset", "lose") for count in (1, 3)}
    assert struck == both | {("vanish", 1), ("sleep", 1), ("part", 1)}


async def test_each_error_of_a_disk_comes_at_each_rate_and_to_each_server() -> None:
    struck = [await taken("F19", seed) for seed in SEEDS]
    assert len({(percent, errno) for percent, _, errno in struck}) == 8
    assert len({(percent, server) for percent, server, _ in struck}) == 8
    assert len({(server, errno) for _, server, errno in struck}) == 4


async def test_every_error_of_stripes_is_in_some_seed() -> None:
    kinds = {
        rule["kind"] for seed in SEEDS for rule in cast(Sequence[dict[str, Any]], await taken("F10", seed))
    }
    assert kinds == {rule["kind"] for rule in ERRORS}


async def test_forty_pairs_are_all_different_and_have_every_fault_three_times() -> None:
    struck = [(await taken("F21", seed))[1] for seed in PAIRED]
    assert len({frozenset(two) for two in struck}) == len(PAIRED)
    times = Counter(id for two in struck for id in two)
    alone = {"F21"} | {id for id, fault in FAULTS.items() if not fault.with_load}
    assert times.keys() == FAULTS.keys() - alone and min(times.values()) >= 3


def test_everybody_meets_everybody_once() -> None:
    for count in (4, 5):
        ids = [f"F{number}" for number in range(count)]
        assert sorted(tuple(sorted(two)) for _, two in pairs(ids)) == list(combinations(ids, 2))


def test_a_run_draws_the_same_again_and_two_at_once_draw_for_themselves() -> None:
    one, again, other = Draws("F1", 3), Draws("F1", 3), Draws("F21-3-F1", 3)
    assert [one.random.random() for _ in range(3)] == [again.random.random() for _ in range(3)]
    assert one.key("probe") == again.key("probe") != one.key("probe")
    assert other.random.random() != Draws("F1", 3).random.random()
    assert other.key("probe") != Draws("F1", 3).key("probe")
