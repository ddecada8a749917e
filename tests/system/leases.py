"""Time passes for what a killed process had under way: its leases, of a minute and more, are over now."""

from tests.streams.adapters.servers import run_sql
from tests.system.stack import System


def end_leases(system: System) -> None:
    """Mails and merchants' webhooks that wait are due; what a living process sends may be sent twice, as when it is late."""
    run_sql(system.postgres.dsn, "UPDATE mails SET next_at = now() WHERE status = 'waiting'")
    run_sql(system.postgres.dsn, "UPDATE webhook_deliveries SET next_at = now() WHERE state = 'pending'")
