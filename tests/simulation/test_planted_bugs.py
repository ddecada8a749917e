"""Safeguards taken away one by one, and stories told until one of them notices. What none notices would prove nothing."""

import json
from typing import Any

import pytest

from tests.simulation.planted import PLANTS
from tests.simulation.test_seeds import simulation

SEEDS_MAX = 150
RARE = (
    "no_fencing",
    "position_outside",
    "stores_whatever_comes",
    "reads_what_is_not_committed",
    "hears_notices_again",
)
"""Noticed in one story of a hundred, or fewer: `make faults-all` tells enough of them."""


@pytest.fixture(scope="module")
def noticed() -> dict[str, dict[str, Any]]:
    often = [name for name in PLANTS if name not in RARE]
    ran = simulation("--planted", *often, "--enough", "1", "--seeds", str(SEEDS_MAX))
    assert not ran.stderr, ran.stderr[-5_000:]
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {line["plant"]: line for line in lines}


@pytest.mark.parametrize("plant", [name for name in PLANTS if name not in RARE])
def test_a_safeguard_that_is_taken_away_is_missed(noticed: dict[str, dict[str, Any]], plant: str) -> None:
    assert noticed[plant]["noticed"], f"{noticed[plant]['of']} stories ended well without it"


def test_all_that_are_rare_are_planted_somewhere() -> None:
    assert set(RARE) < set(PLANTS)
