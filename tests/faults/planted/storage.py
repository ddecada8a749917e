"""Safeguards of what readers see, switched off: the newest state wins, whoever writes and when."""

from typing import Any

from tests.faults.planted.registry import bug, replace


@bug("streams.adapters.postgres.store", ("projection",), ("F2", "F15"), ("I6",))
def older_rows_overwrite(store: Any) -> None:
    """PostgreSQL takes what comes, though it has a newer state."""
    guard = "WHERE kept.sequence < EXCLUDED.sequence"
    for name in ("PAYMENTS", "REFUNDS"):
        assert guard in getattr(store, name)
        replace(store, name, getattr(store, name).replace(guard, ""))


@bug("streams.adapters.redis_cache", ("projection", "web"))
def older_views_overwrite(redis_cache: Any) -> None:
    """The cache takes what comes, though it has a newer state. Readers take the store's then, where it is not away as well."""
    guard = "if not kept or kept < tonumber(ARGV[2 * i]) then"
    assert guard in redis_cache.KEEP_NEWER
    replace(redis_cache, "KEEP_NEWER", redis_cache.KEEP_NEWER.replace(guard, "if true then"))
