"""A wall clock that is wrong, in the process that calls `run_ahead` before it imports anything else (planted/startup).

libfaketime does the same to any program, but what it does to a thread's waits makes one that talks to Kafka in a thread of its
own too slow to take part: 35 ms instead of 0.1 for a hand-over between two threads, and now and then for ever.
"""

import datetime
import os
import time
from typing import Any

VARIABLE = "TESTS_CLOCK_AHEAD_S"
_TRUE = datetime.datetime


def ahead(seconds: float) -> dict[str, str]:
    """The environment of a process of the service whose clock is so far ahead; below zero: behind."""
    from tests.faults.planted import arming

    # aiokafka's own extensions ask the system for the time of a record
    return {VARIABLE: str(seconds), "PYTHONPATH": arming.python_path(), "AIOKAFKA_NO_EXTENSIONS": "1"}


def run_ahead() -> None:
    """As the environment says. What is told a time is told it as it is: only who asks for the time now is deceived."""
    seconds = float(os.environ[VARIABLE])
    offset = datetime.timedelta(seconds=seconds)
    true_time, true_time_ns = time.time, time.time_ns

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _TRUE)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _TRUE)

    class Deceived(_TRUE, metaclass=Meta):
        def __new__(cls, *given: Any, **named: Any) -> Any:
            return _TRUE(*given, **named)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return _TRUE.now(tz) + offset

    datetime.datetime = Deceived  # type: ignore[misc]
    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + int(seconds * 1e9)
