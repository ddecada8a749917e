"""Templates, and words for people: money, times, ages, plots. Everything that is put into a page is escaped."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from markupsafe import Markup

from models.money import CURRENCIES, Money, readable
from web.console.plots import plot

_TYPED = re.compile(r"(?P<whole>[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.(?P<rest>[0-9]*))?")
"""A comma stands between thousands alone, as in what is shown here: to many a person 12,50 is no 1250."""

FOLDER = Path(__file__).parent / "templates"


def money(minor: int | None, currency: str) -> str:
    return "–" if minor is None else readable(Money(minor, currency))


def minor(typed: str, currency: str) -> int | None:
    """What a person typed, in minor units; None: nothing. Raises ValueError."""
    text = typed.strip()
    if not text:
        return None
    places = CURRENCIES[currency].exponent if currency in CURRENCIES else 0
    read = _TYPED.fullmatch(text)
    if read is None or len(rest := read["rest"] or "") > places:
        raise ValueError
    if "," in text and places > 2 and not rest:  # 12,500 of a dinar is 12.5 or 12500, by who types it
        raise ValueError
    return int(read["whole"].replace(",", "") + rest.ljust(places, "0"))


def moment(at: datetime | str) -> Markup:
    """A `<time>`, in UTC, to the second."""
    when = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    exact = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(exact, when.strftime("%Y-%m-%d %H:%M:%S"))


def age(since: datetime) -> str:
    """The two largest units of it."""
    s = max(0, math.floor((datetime.now(UTC) - since).total_seconds()))
    units = [(s // 86_400, "d"), (s // 3600 % 24, "h"), (s // 60 % 60, "min"), (s % 60, "s")]
    first = next((n for n, (count, _) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2])


def words(name: str) -> str:
    """`manual_review` as people write it."""
    return name.replace("_", " ")


def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"money": money, "moment": moment, "age": age, "words": words}
    made.globals["plot"] = plot
    return made
