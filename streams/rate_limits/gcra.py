"""The generic cell rate algorithm, pure: a limit is one number, the time at which all it admitted will have been paid back.

A limit of r units a second with a burst of b admits what keeps that time within b / r seconds of now.

Source: ITU-T I.371, Annex A.1; the form for several units at once is that of a leaky bucket as a meter.
"""

from collections.abc import Iterable, Sequence

from models.callers import Limit, Standing, Verdict

ROUNDING_S = 1e-6
"""Times are kept to the microsecond, and sums of tenths are not tenths."""


def admits(limit: Limit, lead_s: float, cost: int) -> bool:
    """`lead_s`: how far ahead of now the limit's time is; not above 0 where nothing is owed."""
    return wait_s(limit, lead_s, cost) <= ROUNDING_S


def wait_s(limit: Limit, lead_s: float, cost: int) -> float:
    """Until `cost` units are admitted, in seconds; not above 0: at once."""
    return max(lead_s, 0.0) + (cost - limit.burst) / limit.per_s


def standing(limit: Limit, lead_s: float) -> Standing:
    owed_s = max(lead_s, 0.0)
    left = round(limit.burst - owed_s * limit.per_s, 3)
    return Standing(limit, max(0, int(left)), owed_s)


def verdict(admitted: bool, cost: int, led: Iterable[tuple[Limit, float]]) -> Verdict:
    """`led`: each limit with its lead after the decision, in seconds."""
    led = tuple(led)
    wait = 0.0 if admitted else max(wait_s(limit, lead_s, cost) for limit, lead_s in led)
    return Verdict(admitted, max(wait, 0.0), tuple(standing(limit, lead_s) for limit, lead_s in led))


Name = tuple[str, str]


class Cells:
    """Limits kept in memory, at most `names_max` of them: the one not used for longest is forgotten, as if nothing were owed."""

    def __init__(self, names_max: int) -> None:
        self._names_max = names_max
        self._due_at: dict[Name, float] = {}

    def lead_s(self, limit: Limit, now: float) -> float:
        return self._due_at.get((limit.name, limit.subject), now) - now

    def keep(self, limit: Limit, due_at: float) -> None:
        name = limit.name, limit.subject
        self._due_at.pop(name, None)
        self._due_at[name] = due_at
        if len(self._due_at) > self._names_max:
            del self._due_at[next(iter(self._due_at))]

    def take(self, limits: Sequence[Limit], cost: int, now: float) -> Verdict:
        led = [(limit, max(self.lead_s(limit, now), 0.0)) for limit in limits]
        admitted = all(admits(limit, lead_s, cost) for limit, lead_s in led)
        if admitted:
            led = [(limit, lead_s + cost / limit.per_s) for limit, lead_s in led]
            for limit, lead_s in led:
                self.keep(limit, now + lead_s)
        return verdict(admitted, cost, led)
