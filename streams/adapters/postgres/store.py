"""The projection's writer: one upsert per table and batch, guarded by the payment's sequence. Reading is `reader.py`."""

from collections.abc import Sequence

from models.errors import InvariantBroken
from models.ports import Change
from streams.adapters.postgres import rows
from streams.adapters.postgres.connections import Postgres, Statement

CONNECTIONS_MAX = 2  # the projection applies one batch after the other
BATCH_WITHIN_S = 10.0  # per statement, 500 rows of which take about 30 ms

# `unnest` turns one array per column into rows: 500 changes cost three statements, not 1,500 round trips.
PAYMENTS = """
INSERT INTO payments AS kept (id, merchant, sequence, status, amount, currency, customer, metadata, metadata_digests,
                              payment_intent, body, created_at, updated_at)
SELECT id, merchant, sequence, status, amount, currency, customer, metadata::jsonb, digests::bigint[], payment_intent,
       body::json, created_at::timestamptz, updated_at::timestamptz
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS new (id, merchant, sequence, status, amount, currency, customer, metadata, digests, payment_intent, body, created_at,
          updated_at)
ON CONFLICT (id) DO UPDATE SET
    sequence = EXCLUDED.sequence, status = EXCLUDED.status, amount = EXCLUDED.amount,
    currency = EXCLUDED.currency, customer = EXCLUDED.customer, metadata = EXCLUDED.metadata,
    metadata_digests = EXCLUDED.metadata_digests, payment_intent = EXCLUDED.payment_intent, body = EXCLUDED.body,
    updated_at = EXCLUDED.updated_at
WHERE kept.sequence < EXCLUDED.sequence
"""

REFUNDS = """
INSERT INTO refunds AS kept (payment_id, id, merchant, sequence, status, amount, body, created_at, updated_at)
SELECT payment_id, id, merchant, sequence, status, amount, body::json, created_at::timestamptz, updated_at::timestamptz
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[],
            %s::text[])
  AS new (payment_id, id, merchant, sequence, status, amount, body, created_at, updated_at)
ON CONFLICT (payment_id, id) DO UPDATE SET
    sequence = EXCLUDED.sequence, status = EXCLUDED.status, amount = EXCLUDED.amount, body = EXCLUDED.body,
    updated_at = EXCLUDED.updated_at
WHERE kept.sequence < EXCLUDED.sequence
"""

# What happened has happened: the same event again changes nothing.
EVENTS = """
INSERT INTO payment_events (payment_id, sequence, id, type, merchant, sender, at, causation_id, body,
                            for_operators)
SELECT payment_id, sequence, id, type, merchant, sender, at, causation_id, body::json, for_operators::json
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[],
            %s::text[], %s::text[])
  AS new (payment_id, sequence, id, type, merchant, sender, at, causation_id, body, for_operators)
ON CONFLICT (payment_id, sequence) DO NOTHING
"""


class PostgresPaymentStore:
    """Fulfils PaymentStore."""

    def __init__(self, dsn: str) -> None:
        """Connections of its own: a batch may take longer than a reader would wait. Connects when first asked."""
        self._postgres = Postgres(dsn, CONNECTIONS_MAX, BATCH_WITHIN_S)

    async def apply(self, changes: Sequence[Change]) -> None:
        """Keep them, in one transaction; what is older than what is kept changes nothing. Raises Unavailable.

        Several projections may hold the same payment for a moment (a rebalance). They take the tables in the same order and
        the rows in the order of their keys, and so never wait for each other in a circle.
        """
        try:
            statements = _statements(changes)
        except (KeyError, TypeError, AttributeError, ValueError) as failed:
            raise InvariantBroken(f"this is no payment, or no event of one: {failed!r}") from failed
        if statements:
            await self._postgres.write(statements)

    async def close(self) -> None:
        await self._postgres.close()


def _statements(changes: Sequence[Change]) -> list[Statement]:
    payments = rows.newest_payments(changes)
    upserts = (
        (PAYMENTS, rows.payment_columns(payments)),
        (REFUNDS, rows.refund_columns(payments)),
        (EVENTS, rows.event_columns(changes)),
    )
    return [(sql, columns) for sql, columns in upserts if columns]
