"""Analytics: what each event left of a payment, and the sums of it. In a schema of its own, which `millrace replay` leaves alone:
it takes these steps in a second schema of the same database, where there is nothing left to do for this one.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

UPGRADE = """
CREATE SCHEMA IF NOT EXISTS analytics;
CREATE TABLE IF NOT EXISTS analytics.facts (
    payment       text NOT NULL,
    sequence      bigint NOT NULL,
    merchant      text NOT NULL,
    currency      text NOT NULL,
    method        text NOT NULL,
    at            timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    status        text NOT NULL,
    amount        bigint NOT NULL,
    authorized    bigint NOT NULL,
    captured      bigint NOT NULL,
    refunded      bigint NOT NULL,
    disputed      bigint NOT NULL,
    decline       text,
    unknown_since timestamptz,
    PRIMARY KEY (payment, sequence)
);
CREATE TABLE IF NOT EXISTS analytics.rollups (
    merchant  text NOT NULL,
    currency  text NOT NULL,
    method    text NOT NULL,
    interval  text NOT NULL CHECK (interval IN ('minute', 'hour', 'day')),
    begins_at timestamptz NOT NULL,
    sums      jsonb NOT NULL,   -- by measure; integers of any length: a day's volume may pass what bigint holds
    PRIMARY KEY (merchant, interval, begins_at, currency, method)
);
"""

DOWNGRADE = "DROP SCHEMA analytics CASCADE"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql(DOWNGRADE)
