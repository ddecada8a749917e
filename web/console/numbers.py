"""The overview's numbers: of the last minute, and plots of the last ten. How they are drawn is `plots.py`'s."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from web.console.plots import Point
from web.console.ports import Row

WINDOW, BIN, LATELY = timedelta(minutes=10), timedelta(seconds=10), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    now: str
    lines: Sequence[Sequence[Point]]
    most: float
    most_said: str


@dataclass(frozen=True, slots=True)
class Numbers:
    begins: datetime
    ends: datetime
    plots: Sequence[Plot]


def numbers(lately: Sequence[Row], now: datetime) -> Numbers:
    """`lately`: as a Desk says it. A bin in which nothing was made is 0 payments, and no rate."""
    bins = {row["at"]: row for row in lately}
    ends = datetime.fromtimestamp(now.timestamp() // 10 * 10, now.tzinfo)
    at = [ends - WINDOW + BIN * n for n in range(WINDOW // BIN + 1)]
    made: list[Point] = [
        (each, bins[each]["made"] / BIN.total_seconds() if each in bins else 0.0) for each in at
    ]
    rate: list[Point] = [(each, _rate([bins[each]]) if each in bins else None) for each in at]
    p50: list[Point] = [(each, bins[each]["p50_s"] if each in bins else None) for each in at]
    p95: list[Point] = [(each, bins[each]["p95_s"] if each in bins else None) for each in at]
    recent = [row for row in lately if row["at"] > now - LATELY - BIN]
    succeeded, count = _rate(recent), sum(row["made"] for row in recent)
    slow = max((row["p95_s"] for row in recent if row["p95_s"] is not None), default=None)
    return Numbers(
        at[0],
        ends,
        (
            Plot(
                "Payments made per second",
                f"{count / LATELY.total_seconds():.2g}/s in the last minute",
                [made],
                *_scale(made, "/s"),
            ),
            Plot(
                "Share that succeeded", "–" if succeeded is None else f"{succeeded:.1%}", [rate], 1.0, "100 %"
            ),
            Plot(
                "Time to a decision: p50, and p95 above it",
                "–" if slow is None else f"p95 {slow:.2f} s",
                [p50, p95],
                *_scale(p95, " s"),
            ),
        ),
    )


def _rate(rows: Sequence[Row]) -> float | None:
    decided = sum(row["decided"] for row in rows)
    return sum(row["succeeded"] for row in rows) / decided if decided else None


def _scale(line: Sequence[Point], unit: str) -> tuple[float, str]:
    """The largest value, rounded up to something that can be read."""
    most = max((value for _, value in line if value is not None), default=0.0)
    step = next((step for step in (0.1, 0.5, 1, 5, 10, 50, 100, 500, 1_000, 5_000) if most <= step), most)
    return step, f"{step:g}{unit}"
