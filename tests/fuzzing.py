"""How hypothesis is used here: always the same examples, so that a run can be repeated; new ones where they are asked for."""

import os

from hypothesis import HealthCheck, settings


def examples(most: int, steps: int = 40) -> settings:
    """`MILLRACE_FUZZ=20` in the environment: twenty times as many examples, and others on every run."""
    times = int(os.environ.get("MILLRACE_FUZZ", "0"))
    return settings(
        max_examples=most * (times or 1),
        stateful_step_count=steps,
        derandomize=not times,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
