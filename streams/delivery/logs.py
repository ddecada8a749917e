"""The levels and the rate of what the libraries log.

Left alone they cost: `-l info` lets them log each call, and aiokafka logs without back-off while a broker is down
(371,000 lines in one outage). Handlers and formats are the composition root's.
"""

import logging
import time
from collections import defaultdict

QUIET = (
    "aiokafka",
    "faust",
    "mode",
    "streams.delivery",
)  # the last: Faust names its services after our subclasses
LINES_PER_WINDOW = 5  # of one logger and one template; enough to see what it is, and that it goes on
WINDOW_S = 10.0


class RateLimited(logging.Handler):
    """Hands on to the root's handlers a few lines of each kind per window, and how many it kept back."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [float("-inf"), 0.0])

    def emit(self, record: logging.LogRecord) -> None:
        window = self.windows[record.name, str(record.msg)]
        if (now := time.monotonic()) - window[0] > WINDOW_S:
            if window[1] > LINES_PER_WINDOW:
                record.msg = f"{record.msg} [{window[1] - LINES_PER_WINDOW:.0f} more like it were kept back]"
            window[0], window[1] = now, 0.0
        window[1] += 1
        if window[1] <= LINES_PER_WINDOW:
            logging.getLogger().handle(record)


def quieten() -> None:
    """Set the libraries to WARNING, and limit the rate of aiokafka's. Once per process; again does no harm."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    limit_rate("aiokafka")


def limit_rate(name: str) -> None:
    """Of the logger and all below it. Again does no harm."""
    logger = logging.getLogger(name)
    if not any(isinstance(handler, RateLimited) for handler in logger.handlers):
        logger.addHandler(RateLimited())
    logger.propagate = False
