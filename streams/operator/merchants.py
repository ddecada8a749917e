"""`millrace merchants` and `millrace keys`: make, list, rotate and revoke. How they are kept is PostgreSQL's adapter's."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from streams.adapters.postgres import issuing, merchants
from streams.adapters.postgres.issuing import SCOPES, Key, NotPossible
from streams.operator import Refused
from streams.operator.printing import show
from streams.settings import load

THE_OPERATOR = "operator"
"""In a merchant's place: the key is the operator's own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key to be made. `merchant`: an id, or THE_OPERATOR. No `scopes`: all of a merchant's."""

    merchant: str
    livemode: bool
    scopes: Sequence[str]
    name: str


def create(name: str, operator: str, as_json: bool) -> None:
    """`operator`: who is acting. Raises Unavailable, SettingsRefused; so do all of these."""
    made = merchants.create_merchant(load().postgres_dsn, name, actor=operator)
    show([asdict(made)], as_json)


def list_all(as_json: bool) -> None:
    show([asdict(merchant) for merchant in merchants.merchants(load().postgres_dsn)], as_json)


def create_key(wanted: Wanted, operator: str, as_json: bool) -> None:
    """Prints the key itself: this is the only time it can be seen. Raises NotFound, Refused."""
    whose = None if wanted.merchant == THE_OPERATOR else wanted.merchant
    if whose is None and (wanted.livemode or wanted.scopes):
        raise Refused("a key of the operator's own has neither a mode nor other scopes")
    made = issuing.create_key(
        load().postgres_dsn,
        whose,
        wanted.livemode,
        wanted.scopes or SCOPES,
        name=wanted.name,
        actor=operator,
    )
    _show_new(*made, as_json)


def rotate_key(prefix: str, overlap: timedelta, operator: str, as_json: bool) -> None:
    """Prints the new key, this once. Raises NotFound, Refused."""
    try:
        made = issuing.rotate_key(load().postgres_dsn, prefix, overlap, actor=operator)
    except NotPossible as refused:
        raise Refused(str(refused)) from None
    _show_new(*made, as_json)


def list_keys(merchant: str | None, as_json: bool) -> None:
    show([_row(key) for key in issuing.keys(load().postgres_dsn, merchant)], as_json)


def revoke_key(prefix: str, operator: str, as_json: bool) -> None:
    """Raises NotFound."""
    show([_row(issuing.revoke_key(load().postgres_dsn, prefix, actor=operator))], as_json)


def _show_new(api_key: str, key: Key, as_json: bool) -> None:
    show([{"api_key": api_key, **_row(key)}], as_json)


def _row(key: Key) -> dict[str, object]:
    return {**asdict(key), "scopes": " ".join(key.scopes)}
