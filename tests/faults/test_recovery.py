"""What clients felt is counted over all of a command's tries."""

import os
from pathlib import Path

from tests.faults.recovery import Felt, felt
from tests.system.history import OK, Attempt, History


def test_who_is_turned_away_waits_from_the_first_try_to_the_last() -> None:
    history = History(Path(os.devnull))
    for number, tries in enumerate(([(0.0, 503), (12.0, 503), (20.0, 201)], [(5.0, 201)], [(-9.0, 201)])):
        operation = history.begin("http", "create", "mer_1", f"key-{number}", {})
        operation.attempts = [Attempt("door", 100 + at, 0.5, status) for at, status in tries]
        history.end(operation, OK)
    history.close()
    assert felt(history, since=100.0) == Felt(attempts=4, unavailable=0.5, p99_s=20.5)


def test_nothing_asked_is_nothing_felt() -> None:
    assert felt(History(Path(os.devnull)), since=0.0) == Felt(0, 0.0, 0.0)
