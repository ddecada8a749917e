"""Safeguards taken away one by one, and stories told until one of them notices. What none notices would prove nothing."""

import json
from typing import Any

import pytest

from tests.simulation.planted import PLANTS
from tests.simulation.test_seeds import simulation

SEEDS_MAX = 600
"""Nearly all are noticed within fifty."""


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def noticed() -> dict[str, dict[str, Any]]:
    ran = simulation("--planted", "--enough", "1", "--seeds", str(SEEDS_MAX))
    assert not ran.stderr, ran.stderr[-5_000:]
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {line["plant"]: line for line in lines}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_safeguard_that_is_taken_away_is_missed(noticed: dict[str, dict[str, Any]], plant: str) -> None:
    assert noticed[plant]["noticed"], f"{noticed[plant]['of']} stories ended well without it"
