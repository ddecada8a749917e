"""Stories of many seeds, in a process of their own: each must end well. `MILLRACE_SEEDS=10000`: as `make faults-all`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SEEDS = int(os.environ.get("MILLRACE_SEEDS", "300"))


def simulation(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONHASHSEED": "0"} | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.timeout(300 + SEEDS)
def test_every_story_ends_well() -> None:
    ran = simulation("--seeds", str(SEEDS), "--processes", "1")  # other tests have the other cores
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-5_000:]
    assert f"{SEEDS} of {SEEDS} seeds, 0 wrong" in ran.stdout


def test_one_seed_is_one_story() -> None:
    stories = [
        simulation("--seed", "7", "--story", PYTHONHASHSEED=hash_seed).stdout for hash_seed in ("1", "2")
    ]
    assert stories[0] == stories[1]
    assert "payment.captured.v1" in stories[0], stories[0]


def test_a_story_that_ends_badly_is_told_with_the_command_that_tells_it_again() -> None:
    ran = simulation("--seeds", "1", "--plant", "lets_commands_wait_for_ever")
    assert ran.returncode == 1
    assert "I2 command" in ran.stdout
    again = ran.stdout.rpartition("again: python -m tests.simulation ")[2].splitlines()[0]
    told = simulation(*again.split())
    assert told.returncode == 1
    assert set(told.stdout.splitlines()) >= {line for line in ran.stdout.splitlines() if "kafka" in line}
