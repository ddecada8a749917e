"""Merchants and their API keys: not a projection, this is where they are kept. No key itself is ever written here."""

from alembic import op

revision = "0002"
down_revision = "0001"

UPGRADE = """
CREATE TABLE merchants (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    hash       bytea PRIMARY KEY CHECK (length(hash) = 32),   -- SHA-256 of the key
    prefix     text NOT NULL UNIQUE,                          -- its first characters, to speak about it
    merchant   text NOT NULL REFERENCES merchants,
    scopes     text[] NOT NULL,
    livemode   boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX api_keys_of_merchant ON api_keys (merchant);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(UPGRADE)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("DROP TABLE api_keys, merchants")
