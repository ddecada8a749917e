"""`millrace unknown`: what nobody knows the end of, the oldest first, with what was tried."""

from dataclasses import asdict
from datetime import UTC, datetime

from streams.adapters.postgres.doubt import doubts
from streams.logs import blotted
from streams.operator.printing import show
from streams.settings import load


def list_oldest(most: int, as_json: bool) -> None:
    """Raises Unavailable, SettingsRefused."""
    now = datetime.now(UTC)
    rows = []
    for doubt in doubts(load().postgres_dsn, most):
        age_s = int((now - doubt.since).total_seconds())
        row = {**asdict(doubt), "last": blotted(doubt.last)}
        rows.append({"age": age_s if as_json else _age(age_s), **row})
    show(rows, as_json)


def _age(seconds: int) -> str:
    """The two largest units of it."""
    minutes, s = divmod(max(seconds, 0), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    units = [(days, "d"), (h, "h"), (m, "min"), (s, "s")]
    first = next((n for n, (value, _) in enumerate(units) if value), len(units) - 1)
    return " ".join(f"{value} {unit}" for value, unit in units[first : first + 2])
