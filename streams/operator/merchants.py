"""`millrace merchants` and `millrace keys`: make, list and revoke. How they are kept is PostgreSQL's adapter's."""

from collections.abc import Sequence
from dataclasses import asdict

from streams.adapters.postgres import merchants
from streams.adapters.postgres.merchants import SCOPES, Key
from streams.operator.printing import show
from streams.settings import load


def create(name: str, as_json: bool) -> None:
    """Raises Unavailable, SettingsRefused; so do all of these."""
    show([asdict(merchants.create_merchant(load().postgres_dsn, name))], as_json)


def list_all(as_json: bool) -> None:
    show([asdict(merchant) for merchant in merchants.merchants(load().postgres_dsn)], as_json)


def create_key(merchant: str, livemode: bool, scopes: Sequence[str], as_json: bool) -> None:
    """Prints the key itself: this is the only time it can be seen. Raises NotFound."""
    api_key, key = merchants.create_key(load().postgres_dsn, merchant, livemode, scopes or SCOPES)
    show([{"api_key": api_key, **_row(key)}], as_json)


def list_keys(merchant: str | None, as_json: bool) -> None:
    show([_row(key) for key in merchants.keys(load().postgres_dsn, merchant)], as_json)


def revoke_key(prefix: str, as_json: bool) -> None:
    """Raises NotFound."""
    show([_row(merchants.revoke_key(load().postgres_dsn, prefix))], as_json)


def _row(key: Key) -> dict[str, object]:
    return {**asdict(key), "scopes": " ".join(key.scopes)}
