"""Which tables are the projection's, and can be made anew from the event log; and which are not. Their DDL is the migrations'."""

PROJECTED: dict[str, tuple[str, ...]] = {
    "payments": ("id",),
    "refunds": ("payment_id", "id"),
    "payment_events": ("payment_id", "sequence"),
}
"""With their keys, the payment's id first; in the order in which whoever writes takes them."""

KEPT_ELSEWHERE = (
    *("merchants", "api_keys", "audit", "checkpoints", "mails", "alembic_version"),
    *("webhook_endpoints", "webhook_endpoints_deleted", "webhook_deliveries", "webhook_attempts"),
)
"""Where these are is where they are kept: no log tells them."""


def quoted(schema: str, table: str) -> str:
    """As PostgreSQL writes the name of a relation in text."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
