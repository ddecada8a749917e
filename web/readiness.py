"""Whether the door can serve, as it is asked through every protocol. What each part says of itself is its adapter's."""

import asyncio

from web.ports import Missing, Readiness

PROBE_MAX_S = 3.0
"""For all parts to be asked; a supervisor's own patience is longer."""


async def what_is_missing(readiness: Readiness) -> Missing:
    try:
        async with asyncio.timeout(PROBE_MAX_S):
            return await readiness()
    except TimeoutError:
        return {"probe": f"no answer within {PROBE_MAX_S:.0f} s"}
