"""Named places at which a fault test may have a process kill itself, as if the machine had failed there.

A no-op unless `MILLRACE_CRASHPOINTS_DIR` is set; then a file there with the point's name arms it, once.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

Crashpoint = Callable[[str], None]


def crashpoints(directory: str | None) -> Crashpoint:
    """What to call at each point."""
    if directory is None:
        return lambda name: None
    armed = Path(directory)

    def crash_if_armed(name: str) -> None:
        try:
            (armed / name).unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    return crash_if_armed
